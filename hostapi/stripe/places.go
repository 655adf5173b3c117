package stripe

import (
	"strings"

	"extractor/models"
)

// placesOf are where the goods went, as far as Stripe knows, best first: the
// shipping address of the order, of the payment, the customer's, and that of
// the card. p is the payment of an order that is no invoice.
//
// The customer's own address counts as where the goods went if Stripe Tax worked
// the tax out by it, and as a billing address otherwise.
func (e *evidence) placesOf(p *paidPayment) []models.Place {
	list := make(placeList, 0, 4)
	taxed := models.PlaceBilling
	var customers *postal
	if s := e.Session; s != nil {
		if s.Collected != nil {
			list.ship(s.Collected.Shipping)
		}
		list.ship(s.Shipping)
		if s.Customer != nil {
			customers = s.Customer.Address
		}
		if s.AutomaticTax.done() {
			taxed = models.PlaceShipping
		}
	} else if in := e.Invoice; in != nil {
		list.ship(in.ShippingDetails)
		list.ship(in.CustomerShipping)
		customers = in.CustomerAddress
		if in.AutomaticTax.done() {
			taxed = models.PlaceShipping
		}
	}
	if p != nil {
		list.payment(p)
	}
	list.add(taxed, customers)
	for i := range e.Payments {
		if c := e.Payments[i].Charge; c != nil && c.Billing != nil {
			list.add(models.PlaceBilling, c.Billing.Address)
		}
	}
	if p != nil && p.Intent != nil && p.Intent.Details.Shipping != nil {
		list.postalCode(p.Intent.Details.Shipping.PostalCode)
	}
	return list
}

type placeList []models.Place

func (l *placeList) add(kind models.PlaceKind, at *postal) {
	if a := at.plain(); a != (models.Address{}) {
		*l = append(*l, models.Place{Kind: kind, Address: a})
	}
}

func (l *placeList) ship(to *delivery) {
	if to != nil {
		l.add(models.PlaceShipping, to.Address)
	}
}

// payment adds the shipping address of the intent, or of its charge: they are
// the same unless one was corrected.
func (l *placeList) payment(p *paidPayment) {
	if p.Intent != nil {
		l.ship(p.Intent.Shipping)
	}
	if p.Charge != nil {
		l.ship(p.Charge.Shipping)
	}
}

// postalCode uses the one that goods were sent to, where no shipping address is
// known: a billing address with the same code is the place. Otherwise it stands
// for itself, so that the policy says that a better address is incomplete.
func (l *placeList) postalCode(code string) {
	if code = strings.TrimSpace(code); code == "" {
		return
	}
	for _, p := range *l {
		if p.Kind == models.PlaceShipping {
			return
		}
	}
	for i := range *l {
		if p := &(*l)[i]; zip5(strings.TrimSpace(p.Address.Zip)) == zip5(code) {
			p.Kind = models.PlaceShipping
			return
		}
	}
	*l = append(*l, models.Place{Kind: models.PlaceShipping, Address: models.Address{Zip: code}})
}

// zip5 is the part of a US ZIP code that names the area.
func zip5(code string) string {
	const digits = 5
	return code[:min(digits, len(code))]
}

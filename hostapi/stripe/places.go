package stripe

import (
	"strings"

	"extractor/models"
)

// placesOf are where the goods went, as far as Stripe knows, best first: the
// shipping address of the order, of the payment, the customer's, and that of
// the card. p is the payment of an order that is no invoice.
func (e *evidence) placesOf(p *paidPayment) []models.Place {
	list := make(placeList, 0, 4)
	switch {
	case e.Session != nil:
		list.session(e.Session)
	case e.Invoice != nil:
		list.invoice(e.Invoice)
	}
	if p != nil {
		list.payment(p)
	}
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

func (l *placeList) session(s *session) {
	if s.Collected != nil {
		l.ship(s.Collected.Shipping)
	}
	l.ship(s.Shipping)
	if s.Customer != nil {
		l.add(s.AutomaticTax.place(), s.Customer.Address)
	}
}

func (l *placeList) invoice(in *invoice) {
	l.ship(in.ShippingDetails)
	l.ship(in.CustomerShipping)
	l.add(in.AutomaticTax.place(), in.CustomerAddress)
}

// place is what the customer's own address is: where the goods went if Stripe
// Tax worked the tax out by it, and a billing address otherwise.
func (a automaticTax) place() models.PlaceKind {
	if a.Enabled && a.Status == "complete" {
		return models.PlaceShipping
	}
	return models.PlaceBilling
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

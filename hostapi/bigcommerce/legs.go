package bigcommerce

import (
	"strconv"

	"extractor/models"
)

// reviewSplit is for what BigCommerce does not tell by address.
const reviewSplit = "BigCommerce does not tell all amounts of this order by address; they were divided in proportion to what was sent there."

// leg is one way of an order to the buyer: an address it was sent to, or a
// place where it was collected.
type leg struct {
	id                    int64
	pickup                bool
	suffix                string // of the item's key; "" while there is one leg only
	place                 *models.Place
	shipping, shippingTax micros
	lines                 []line
}

// legs are the order's ways, at least one; one without a place for what was
// sent nowhere, such as downloads.
func (e *evidence) legs() (legs []leg) {
	addresses, others := e.Order.Consignments.shipping, e.Order.Consignments.others
	if !e.Order.Consignments.included {
		addresses, others = e.addressed()
	}
	for i := range addresses {
		legs = append(legs, addresses[i].leg())
	}
	for _, p := range e.Order.Consignments.pickups {
		legs = append(legs, p.leg())
	}
	if len(legs) == 0 {
		legs = []leg{{}}
	}
	legs[0].lines = append(legs[0].lines[:len(legs[0].lines):len(legs[0].lines)], others...)
	if len(legs) > 1 {
		for i := range legs {
			legs[i].suffix = legs[i].name()
		}
	}
	return legs
}

// addressed puts products and addresses together that were read one by one.
func (e *evidence) addressed() (addresses []address, others []line) {
	addresses = append(addresses, e.Addresses...)
	for _, l := range e.Products {
		found := false
		for i := range addresses {
			if a := &addresses[i]; a.ID != 0 && a.ID == l.AddressID {
				a.LineItems, found = append(a.LineItems, l), true
			}
		}
		if !found {
			others = append(others, l)
		}
	}
	return addresses, others
}

func (a *address) leg() leg {
	return leg{
		id: a.ID, place: &models.Place{Kind: models.PlaceShipping, Address: a.plain()}, lines: a.LineItems,
		shipping: a.CostExTax + a.HandlingExTax, shippingTax: a.CostTax + a.HandlingTax,
	}
}

func (p *pickup) leg() leg {
	return leg{id: p.ID, pickup: true, place: &models.Place{Kind: models.PlacePickup, Address: p.Location.plain()}, lines: p.LineItems}
}

// name tells the legs of one order apart, in the keys of items.
func (l *leg) name() string {
	if l.pickup {
		return "-p" + strconv.FormatInt(l.id, 10)
	}
	return "-a" + strconv.FormatInt(l.id, 10)
}

// places are where a leg led, and the billing address as the last resort.
func (e *evidence) places(l leg) []models.Place {
	places := make([]models.Place, 0, 2)
	if l.place != nil {
		places = append(places, *l.place)
	}
	return append(places, models.Place{Kind: models.PlaceBilling, Address: e.Order.BillingAddress.plain()})
}

// splitSale divides an order among its legs. exact tells whether BigCommerce
// itself gives all amounts by leg, but for roundings.
func (e *evidence) splitSale(t total, legs []leg) (each []models.Shares, exact bool) {
	if len(legs) == 1 {
		return []models.Shares{t.Shares}, true
	}
	tax := e.taxByLeg(t, legs)
	goods := make([]micros, len(legs))
	for i := range legs {
		goods[i] = legs[i].goods(tax[i])
	}
	shipping, shippingTax := shippingOf(legs)
	return columns(t.Shares, [4][]micros{goods, tax, shipping, shippingTax})
}

// shippingOf is what each leg says of its shipping.
func shippingOf(legs []leg) (shipping, tax []micros) {
	for i := range legs {
		shipping, tax = append(shipping, legs[i].shipping), append(tax, legs[i].shippingTax)
	}
	return shipping, tax
}

// columns divides each of the four amounts by its own weights; by those of the
// goods where it has none.
func columns(whole models.Shares, weights [4][]micros) (each []models.Shares, exact bool) {
	each, exact = make([]models.Shares, len(weights[0])), true
	for c, amount := range []models.Amount{whole.SalesAmount, whole.SalesTax, whole.ShippingAmount, whole.ShippingTax} {
		w := weights[c]
		exact = exact && (sumOf(w)-micros(amount)*perCent).abs() <= cent*micros(len(w))
		if sumOf(w) == 0 {
			w = weights[0]
		}
		for i, part := range divide(amount, w) {
			switch c {
			case 0:
				each[i].SalesAmount = part
			case 1:
				each[i].SalesTax = part
			case 2:
				each[i].ShippingAmount = part
			case 3:
				each[i].ShippingTax = part
			}
		}
	}
	return each, exact
}

// taxByLeg is the tax on each leg's goods: by the order's tax rows if these are
// complete, with the tax on shipping or without it, else by the lines.
func (e *evidence) taxByLeg(t total, legs []leg) []micros {
	rows, lines := make([]micros, len(legs)), make([]micros, len(legs))
	var sum, shipping micros
	for i := range legs {
		rows[i], lines[i] = legs[i].rows(e.Taxes), legs[i].lineTax()
		sum, shipping = sum+rows[i], shipping+legs[i].shippingTax
	}
	switch {
	case near(sum, t.tax):
		for i := range rows {
			rows[i] -= legs[i].shippingTax
		}
		return rows
	case near(sum, t.tax-shipping):
		return rows
	}
	return lines
}

// rows is the tax that the rows of a leg add up to.
func (l *leg) rows(rows []taxRow) (sum micros) {
	for _, r := range rows {
		if !l.pickup && l.id != 0 && r.AddressID == l.id || l.pickup && l.id != 0 && r.PickupID == l.id {
			sum += r.LineAmount
		}
	}
	return sum
}

// lineTax is the tax that a leg's lines tell, before discounts.
func (l *leg) lineTax() (sum micros) {
	for i := range l.lines {
		if p := &l.lines[i]; p.Type != giftCertificate {
			sum += p.TotalTax + p.WrappingTax
		}
	}
	return sum
}

// goods is what a leg's lines come to without that tax. The discounted total is
// the truth of a line, where it is told.
func (l *leg) goods(tax micros) (sum micros) {
	for i := range l.lines {
		p := &l.lines[i]
		switch {
		case p.Type == giftCertificate:
		case p.DiscountedIncTax != nil:
			sum += *p.DiscountedIncTax + p.WrappingExTax + p.WrappingTax
		default:
			sum += p.TotalIncTax + p.WrappingExTax + p.WrappingTax
		}
	}
	return sum - tax
}

package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"extractor/models"
)

// town is a place in the United States with the sales tax of a shop there, in
// hundredths of a per cent. The rates are plausible, not official.
type town struct {
	city, state, zip, county string
	rate                     int64
}

var towns = []town{
	{"New York", "NY", "10001", "New York", 888}, {"Buffalo", "NY", "14202", "Erie", 875},
	{"Los Angeles", "CA", "90012", "Los Angeles", 950}, {"San Diego", "CA", "92101", "San Diego", 775},
	{"Seattle", "WA", "98101", "King", 1035}, {"Spokane", "WA", "99201", "Spokane", 900},
	{"Austin", "TX", "78701", "Travis", 825}, {"Houston", "TX", "77002", "Harris", 825},
	{"Chicago", "IL", "60601", "Cook", 1025}, {"Denver", "CO", "80202", "Denver", 881},
	{"Atlanta", "GA", "30303", "Fulton", 890}, {"Miami", "FL", "33128", "Miami-Dade", 700},
	{"Boston", "MA", "02108", "Suffolk", 625}, {"Phoenix", "AZ", "85003", "Maricopa", 860},
	{"Nashville", "TN", "37201", "Davidson", 925}, {"Columbus", "OH", "43215", "Franklin", 750},
	{"Detroit", "MI", "48226", "Wayne", 600}, {"Minneapolis", "MN", "55401", "Hennepin", 803},
	{"Portland", "OR", "97204", "Multnomah", 0}, {"Honolulu", "HI", "96813", "Honolulu", 450},
	{"Anchorage", "AK", "99501-2034", "Anchorage", 0}, {"Salt Lake City", "UT", "84111", "Salt Lake", 775},
}

var (
	goods    = []string{"Cotton Shirt", "Classic Mug", "Leather Wallet", "Organic Tea", "Désk Lamp", `Soap "Mini"`, "Oak Chair", "Trail Boots"}
	variants = []string{"Small", "Medium", "Large", "One size", `12" wide`}
	given    = []string{"Ann", "José", "Li", "Marta", "Omar", "Zoë", "Ivan", "Priya"}
	streets  = []string{"Main St", "Oak Ave", "2nd St", "Park Blvd", "Lake Rd", "Hill Dr"}
	prose    = "Made in small batches from carefully chosen material, checked by hand before it leaves the workshop, and sent in a box that can be recycled. " +
		"Wash at thirty degrees, dry in the shade, and keep away from open fire. Colours may differ a little from what the screen shows. " +
		"Each piece carries the mark of the person who made it; if anything is not as it should be, send it back within ninety days and we will mend or replace it. " +
		"Gift wrapping is free of charge, and a card can be added on the next page. Made to last, and to be repaired."
	browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)

// newDocument makes an order of the kind, with gaps for what tells it from its like.
func newDocument(r *rand.Rand, kind string) document {
	place := towns[r.IntN(len(towns))]
	paid := gapCreated
	d := document{
		ID: gapID, Version: 1, Number: "R" + gapID, Shop: gapShop, Zone: gapZone, Status: statusPaid,
		Channel: pick(r, "web", "pos", "app"), CreatedAt: gapCreated, UpdatedAt: gapUpdated, PaidAt: &paid, Currency: "USD",
		Refunds: []refund{}, Tags: []string{"repeat", pick(r, "vip", "new", "wholesale")},
		StatusURL:   "https://shop.example/" + gapShop + "/orders/" + gapID + "/status?view=full&utm_source=mail",
		LandingPage: "/collections/all?utm_source=news&utm_medium=mail&utm_campaign=spring",
	}
	d.Lines = newLines(r, place)
	d.Shipping = newShipping(r, place)
	if r.IntN(8) == 0 {
		d.Totals.Tip = money(100 + r.IntN(900))
	}
	decorate(r, &d, place)
	shape(r, &d, kind, place)
	d.add()
	d.Payments = newPayments(r, &d)
	conclude(r, &d, kind)
	return d
}

// newLines makes one to three lines of goods and, now and then, a gift card.
func newLines(r *rand.Rand, place town) []line {
	var lines []line
	for i := range 1 + r.IntN(3) {
		lines = append(lines, newLine(r, i, place))
	}
	if r.IntN(16) == 0 {
		card := newLine(r, len(lines), town{})
		card.Kind, card.Title, card.Taxable, card.Discount = lineGiftCard, "Gift Card", false, 0
		card.Amount, card.Tax, card.TaxLines = card.UnitPrice*money(card.Quantity), 0, []taxLine{}
		lines = append(lines, card)
	}
	return lines
}

func newLine(r *rand.Rand, i int, place town) line {
	l := line{
		ID: fmt.Sprintf("%s-%d", gapID, i+1), Kind: lineGoods, SKU: fmt.Sprintf("SKU-%06d", r.IntN(1e6)),
		Title: goods[r.IntN(len(goods))], Variant: variants[r.IntN(len(variants))], Vendor: "Example Works",
		Quantity: 1 + r.IntN(4), UnitPrice: money(199 + r.IntN(20000)), Weight: 50 + r.IntN(4000), Taxable: true,
		Description: prose[:len(prose)/2+r.IntN(len(prose)/2)], Image: fmt.Sprintf("https://cdn.shop.example/images/%08x/large.jpg?v=%d", r.Uint32(), r.Uint32()),
		Options: []attribute{{"Size", variants[r.IntN(len(variants))]}, {"Colour", pick(r, "Sand", "Ink", "Moss")}, {"Engraving", ""}},
	}
	l.Amount = l.UnitPrice * money(l.Quantity)
	if r.IntN(4) == 0 {
		l.Discount = l.Amount / 10
		l.Amount -= l.Discount
	}
	l.Tax, l.TaxLines = taxOn(l.Amount, place)
	return l
}

// taxOn is the tax on an amount, and how it is told: the state's part and the county's.
func taxOn(amount money, place town) (money, []taxLine) {
	tax := money((int64(amount)*place.rate + 5000) / 10000)
	if tax == 0 {
		return 0, []taxLine{}
	}
	state := tax * 6 / 10
	return tax, []taxLine{
		{Title: place.state + " State Tax", Jurisdiction: place.state, Rate: models.Amount(place.rate * 6 / 10).String(), Amount: state},
		{Title: place.county + " County Tax", Jurisdiction: place.county, Rate: models.Amount(place.rate - place.rate*6/10).String(), Amount: tax - state},
	}
}

func newShipping(r *rand.Rand, place town) *shipping {
	s := &shipping{Method: pick(r, "Standard", "Express"), Carrier: pick(r, "USPS", "UPS"), Amount: money(r.IntN(3) * 495)}
	s.Tax, s.TaxLines = taxOn(s.Amount, place)
	return s
}

func newAddress(r *rand.Rand, place town, name string) *address {
	return &address{
		Name: name, Company: "", Line1: fmt.Sprintf("%d %s", 1+r.IntN(900), streets[r.IntN(len(streets))]), Line2: pick(r, "", "", "Apt 4"),
		City: place.city, State: place.state, Zip: place.zip, Country: "US", Phone: fmt.Sprintf("+1555%07d", r.IntN(1e7)),
		Latitude: fmt.Sprintf("%.6f", 25+r.Float64()*24), Longitude: fmt.Sprintf("-%.6f", 70+r.Float64()*54),
	}
}

// decorate adds the people, addresses and small print of a real order.
func decorate(r *rand.Rand, d *document, place town) {
	first := given[r.IntN(len(given))]
	name := first + " Example"
	d.ShippingAddress, d.BillingAddress = newAddress(r, place, name), newAddress(r, towns[r.IntN(len(towns))], name)
	d.Customer = customer{
		ID: fmt.Sprintf("6%012d", r.Int64N(1e12)), FirstName: first, LastName: "Example", Email: fmt.Sprintf("customer%d@shop.example", r.IntN(1e6)),
		Phone: d.ShippingAddress.Phone, Orders: r.IntN(20), Spent: money(r.IntN(1e6)), Locale: "en-US", Marketing: r.IntN(2) == 0,
		DefaultAddress: d.ShippingAddress,
	}
	d.Fulfilments = []fulfilment{{
		ID: gapID + "-f1", Status: "shipped", Tracking: fmt.Sprintf("1Z%016d", r.Int64N(1e16)),
		URL: "https://carrier.example/track", LineIDs: []string{gapID + "-1"}, CreatedAt: gapUpdated,
	}}
	d.Attributes = []attribute{{"gift", "no"}, {"delivery-window", "09:00–17:00"}, {"source", "newsletter"}, {"user-agent", browser}, {"referrer", "https://search.example/?q=hand+made+gifts&page=2&safe=on"}}
	if r.IntN(3) == 0 {
		note := `Please ring twice; the bell is "moody".` + "\nThank you!"
		d.Note = &note
	}
}

// shape gives the order the places of its kind.
func shape(r *rand.Rand, d *document, kind string, place town) {
	switch {
	case kind == kindDigital:
		d.Shipping, d.ShippingAddress, d.Fulfilments = nil, nil, []fulfilment{}
		d.BillingAddress = newAddress(r, place, d.BillingAddress.Name)
	case kind == kindPickup, kind == kindPlain && r.IntN(12) == 0:
		d.PickupLocation = newAddress(r, place, "Front desk")
		d.Shipping, d.ShippingAddress, d.Fulfilments = nil, nil, []fulfilment{}
	}
}

func newPayments(r *rand.Rand, d *document) []payment {
	p := payment{
		ID: gapID + "-p1", Method: "card", Gateway: "examplepay", Amount: d.Totals.Total,
		Reference: fmt.Sprintf("ch_%016x", r.Uint64()), CreatedAt: gapCreated,
	}
	if r.IntN(10) != 0 || p.Amount < 1000 {
		return []payment{p}
	}
	card := p
	card.ID, card.Method, card.Amount = gapID+"-p2", "giftCard", 1000
	p.Amount -= card.Amount
	return []payment{p, card}
}

// conclude brings the order into the state its kind ends in.
func conclude(r *rand.Rand, d *document, kind string) {
	switch kind {
	case kindCancelled:
		at := gapUpdated
		d.Status, d.CancelledAt = statusCancelled, &at
	case kindPending:
		d.Status, d.PaidAt = statusPending, nil
	case kindTest:
		d.Test = true
	case kindPartly:
		d.Refunds = []refund{{ID: "1", CreatedAt: gapUpdated, Reason: "goodwill", Amount: 1 + money(r.IntN(int(d.sale())))}}
	case kindRefunded:
		d.Refunds = []refund{wholeRefund(d)}
	}
}

// wholeRefund gives all of the sale back, by lines.
func wholeRefund(d *document) refund {
	all := refund{ID: "1", CreatedAt: gapUpdated, Reason: "returned", Amount: d.sale()}
	for _, l := range d.Lines {
		if l.Kind == lineGoods {
			all.Lines = append(all.Lines, refundLine{LineID: l.ID, Quantity: l.Quantity, Amount: l.Amount, Tax: l.Tax})
		}
	}
	if d.Shipping != nil {
		all.Shipping = &refundShipping{Amount: d.Shipping.Amount, Tax: d.Shipping.Tax}
	}
	return all
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// knownKind reports whether a mix may name the kind.
func knownKind(kind string) bool { return slices.Contains(specialKinds, kind) }

// parseMoney reads a decimal of cents.
func parseMoney(text string) (money, error) {
	a, err := models.ParseAmount(text)
	return money(a), err
}

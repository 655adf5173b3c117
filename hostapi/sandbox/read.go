package sandbox

import (
	"extractor/internal/jsonscan"
	"extractor/models"
)

// An order is read in plain loops: every one of some five kilobytes passes here,
// and most of each is of no use. What is rare, as refunds are, is left to a
// decoder. Whatever is null is as if it were not there.

// read reads an order's text.
func (o *order) read(text []byte) error {
	r := reader{&jsonscan.Reader{Text: text}}
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "number":
			o.Number = string(r.Word())
		case "zone":
			o.Zone = string(r.Word())
		case "status":
			o.Status = r.usual()
		case "test":
			o.Test = r.Bool()
		case "createdAt":
			o.CreatedAt = string(r.Word())
		case "paidAt":
			paid := string(r.Word())
			o.PaidAt = &paid
		case "currency":
			o.Currency = r.usual()
		case "totals":
			o.Totals = r.totals()
		case "lines":
			o.Lines = r.lines()
		case "shipping":
			o.Shipping = r.split()
		case "shippingAddress":
			o.ShippingAddress = r.address()
		case "pickupLocation":
			o.PickupLocation = r.address()
		case "billingAddress":
			o.BillingAddress = r.address()
		case "refunds":
			r.Decode(&o.Refunds)
		default:
			r.Skip()
		}
	}
	r.End()
	return r.Err
}

// reader reads the parts of an order.
type reader struct{ *jsonscan.Reader }

// usual reads a word, without new memory for those that nearly all orders have.
func (r reader) usual() string {
	switch word := r.Word(); string(word) {
	case "paid":
		return "paid"
	case "USD":
		return "USD"
	default:
		return string(word)
	}
}

func (r reader) amount(to *models.Amount) {
	raw := r.Raw()
	if r.Err != nil {
		return
	}
	if err := to.UnmarshalJSON(raw); err != nil {
		r.Fail(err)
	}
}

func (r reader) totals() *totals {
	var t totals
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "total":
			r.amount(&t.Total)
		case "tip":
			r.amount(&t.Tip)
		case "giftCards":
			r.amount(&t.GiftCards)
		default:
			r.Skip()
		}
	}
	return &t
}

func (r reader) lines() (all []line) {
	for more := r.Array(); more; more = r.Element() {
		all = append(all, line{})
		r.line(&all[len(all)-1])
	}
	return all
}

func (r reader) line(l *line) {
	if r.Null() {
		return
	}
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "kind":
			l.GiftCard = string(r.Word()) == giftCard
		case "amount":
			r.amount(&l.Amount)
		case "tax":
			r.amount(&l.Tax)
		default:
			r.Skip()
		}
	}
}

func (r reader) split() *split {
	var s split
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "amount":
			r.amount(&s.Amount)
		case "tax":
			r.amount(&s.Tax)
		default:
			r.Skip()
		}
	}
	return &s
}

func (r reader) address() *models.Address {
	var line1, city, state, zip, country []byte
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "line1":
			line1 = r.Word()
		case "city":
			city = r.Word()
		case "state":
			state = r.Word()
		case "zip":
			zip = r.Word()
		case "country":
			country = r.Word()
		default:
			r.Skip()
		}
	}
	a := models.AddressOf(line1, city, state, zip, country)
	return &a
}

package stripe

import (
	"errors"

	"extractor/internal/jsonscan"
)

// A record's body is read by walking over it once, without reflection: nearly
// all records are payments, and most of a payment is of no use here. What is
// rare, invoices and what was given back, is left to a decoder. Null is as good
// as absent.

var errTrailing = errors.New("text after the body")

// read reads a record's body.
func (e *evidence) read(body []byte) error {
	r := &jsonscan.Reader{Text: body}
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "zone":
			e.Zone = string(r.Word())
		case "moved":
			e.Moved = string(r.Word())
		case "session":
			e.Session = &session{}
			e.Session.read(r)
		case "invoice":
			r.Decode(&e.Invoice)
		case "notes":
			r.Decode(&e.Notes)
		case "payments":
			e.readPayments(r)
		default:
			r.Skip()
		}
	}
	if r.Err == nil && r.Peek() != 0 {
		return errTrailing
	}
	return r.Err
}

func (e *evidence) readPayments(r *jsonscan.Reader) {
	e.Payments = make([]paidPayment, 0, 1)
	for more := r.Array(); more; more = r.Element() {
		e.Payments = append(e.Payments, paidPayment{})
		if !r.Null() {
			e.Payments[len(e.Payments)-1].read(r)
		}
	}
}

func (p *paidPayment) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "intent":
			p.Intent = &intent{}
			p.Intent.read(r)
		case "charge":
			p.Charge = &charge{}
			p.Charge.read(r)
		case "refunds":
			r.Decode(&p.Refunds)
		default:
			r.Skip()
		}
	}
}

func (s *session) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "currency":
			s.Currency = readCode(r)
		case "livemode":
			s.Livemode = pointer(r.Bool())
		case "amount_total":
			s.AmountTotal = r.Int()
		case "total_details":
			s.TotalDetails = &totalDetails{AmountTax: readInt(r, "amount_tax")}
		case "shipping_cost":
			s.ShippingCost = readShippingCost(r)
		case "automatic_tax":
			s.AutomaticTax.read(r)
		default:
			s.readPlace(r)
		}
	}
}

// readPlace reads the member if it has an address.
func (s *session) readPlace(r *jsonscan.Reader) {
	switch string(r.Name()) {
	case "collected_information":
		s.Collected = &collected{}
		for more := r.Object(); more; more = r.Member() {
			if r.Is("shipping_details") {
				s.Collected.Shipping = &delivery{readAddress(r)}
			}
		}
	case "shipping_details":
		s.Shipping = &delivery{readAddress(r)}
	case "customer_details":
		s.Customer = &customer{readAddress(r)}
	default:
		r.Skip()
	}
}

func (in *intent) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "amount":
			in.Amount = r.Int()
		case "currency":
			in.Currency = readCode(r)
		case "amount_details":
			in.Details.read(r)
		case "shipping":
			in.Shipping = &delivery{readAddress(r)}
		default:
			r.Skip()
		}
	}
}

func (c *charge) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "amount":
			c.Amount = r.Int()
		case "amount_captured":
			c.AmountCaptured = r.Int()
		case "captured":
			c.Captured = r.Bool()
		case "created":
			c.Created = r.Int()
		case "currency":
			c.Currency = readCode(r)
		case "livemode":
			c.Livemode = pointer(r.Bool())
		case "status":
			c.Status = readCode(r)
		case "shipping":
			c.Shipping = &delivery{readAddress(r)}
		case "billing_details":
			c.Billing = &customer{readAddress(r)}
		default:
			r.Skip()
		}
	}
}

package bigcommerce

import (
	"errors"

	"extractor/internal/jsonscan"
)

// A record's body is read by hand, in one pass: orders make up nearly all of
// it, and most of an order is of no use here.

var errUnopened = errors.New("decode: not the shape of an order or refund")

// opener reads the values of a body. What BigCommerce writes for nothing, null
// and PHP's empty list for an empty object, reads as nothing.
type opener struct{ *jsonscan.Reader }

// object begins an object and reports whether it has a member.
func (r opener) object() bool {
	switch r.Peek() {
	case '{':
		return r.Object()
	case '[', 'n':
		r.Skip()
	default:
		r.Fail(errUnopened)
	}
	return false
}

// array begins a list and reports whether it has an element.
func (r opener) array() bool {
	switch r.Peek() {
	case '[':
		return r.Array()
	case '{', 'n':
		r.Skip()
	default:
		r.Fail(errUnopened)
	}
	return false
}

// text reads a string.
func (r opener) text(to *string) {
	if r.Peek() == 'n' {
		r.Skip()
		*to = ""
		return
	}
	switch word := r.Word(); string(word) { // the usual ones are not written anew
	case "USD":
		*to = "USD"
	case "US":
		*to = "US"
	case "United States":
		*to = "United States"
	case "physical":
		*to = "physical"
	default:
		*to = string(word)
	}
}

// number reads an integer.
func (r opener) number(to *int64) {
	if r.Peek() == 'n' {
		r.Skip()
		return
	}
	*to = r.Int()
}

// truth reads a boolean.
func (r opener) truth(to *bool) {
	if r.Peek() == 'n' {
		r.Skip()
		*to = false
		return
	}
	*to = r.Bool()
}

// money reads an amount.
func (r opener) money(to *micros) {
	raw := r.Raw()
	if r.Err != nil {
		return
	}
	if err := to.UnmarshalJSON(raw); err != nil {
		r.Fail(err)
	}
}

// perhaps reads an amount that may be missing.
func (r opener) perhaps(to **micros) {
	if r.Peek() == 'n' {
		r.Skip()
		return
	}
	*to = new(micros)
	r.money(*to)
}

// open reads a record's body.
func (e *evidence) open(body []byte) error {
	r := opener{&jsonscan.Reader{Text: body}}
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "store":
			e.Store.open(r)
		case "order":
			e.Order = new(order)
			e.Order.open(r)
		case "refund":
			r.number(&e.Refund)
		case "refunds":
			r.Decode(&e.Refunds)
		case "addresses":
			openAddresses(r, &e.Addresses)
		case "products":
			openLines(r, &e.Products)
		case "taxes":
			r.Decode(&e.Taxes)
		case "unmatched":
			r.truth(&e.Unmatched)
		default:
			r.Skip()
		}
	}
	r.End()
	return r.Err
}

// open reads what a record keeps of its store.
func (st *store) open(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "zone":
			r.text(&st.Zone)
		case "from":
			for more := r.object(); more; more = r.Member() {
				switch string(r.Name()) {
				case "line1":
					r.text(&st.From.Line1)
				case "city":
					r.text(&st.From.City)
				case "state":
					r.text(&st.From.State)
				case "zip":
					r.text(&st.From.Zip)
				case "country":
					r.text(&st.From.Country)
				default:
					r.Skip()
				}
			}
		default:
			r.Skip()
		}
	}
}

// open reads an order.
func (o *order) open(r opener) {
	for more := r.Object(); more; more = r.Member() {
		if to := o.amount(r.Name()); to != nil {
			r.money(to)
			continue
		}
		switch string(r.Name()) {
		case "id":
			r.number(&o.ID)
		case "status_id":
			r.number(&o.StatusID)
		case "date_created":
			r.text(&o.DateCreated)
		case "is_deleted":
			r.truth(&o.IsDeleted)
		case "is_tax_inclusive_pricing":
			r.truth(&o.TaxInclusive)
		case "payment_method":
			r.text(&o.PaymentMethod)
		case "order_source":
			r.text(&o.OrderSource)
		case "currency_code":
			r.text(&o.CurrencyCode)
		case "default_currency_code":
			r.text(&o.DefaultCurrency)
		case "total_ex_tax":
			r.perhaps(&o.TotalExTax)
		case "total_inc_tax":
			r.perhaps(&o.TotalIncTax)
		case "total_tax":
			r.perhaps(&o.TotalTax)
		default:
			o.openPart(r)
		}
	}
}

// openPart reads the member if it holds more than a value.
func (o *order) openPart(r opener) {
	switch string(r.Name()) {
	case "billing_address":
		o.BillingAddress.open(r)
	case "consignments":
		o.Consignments.open(r)
	case "fees":
		for more := r.array(); more; more = r.Element() {
			o.Fees = append(o.Fees, fee{})
			r.Decode(&o.Fees[len(o.Fees)-1])
		}
	default:
		r.Skip()
	}
}

// amount is where an amount of the order belongs; nil for any other name.
func (o *order) amount(name []byte) *micros {
	switch string(name) {
	case "subtotal_ex_tax":
		return &o.SubtotalExTax
	case "subtotal_inc_tax":
		return &o.SubtotalIncTax
	case "subtotal_tax":
		return &o.SubtotalTax
	case "shipping_cost_ex_tax":
		return &o.ShippingExTax
	case "shipping_cost_tax":
		return &o.ShippingTax
	case "handling_cost_ex_tax":
		return &o.HandlingExTax
	case "handling_cost_tax":
		return &o.HandlingTax
	case "wrapping_cost_ex_tax":
		return &o.WrappingExTax
	case "wrapping_cost_tax":
		return &o.WrappingTax
	case "discount_amount":
		return &o.DiscountAmount
	case "coupon_discount":
		return &o.CouponDiscount
	}
	return nil
}

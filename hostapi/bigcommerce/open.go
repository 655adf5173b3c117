package bigcommerce

import (
	"bytes"
	"errors"
	"strconv"

	json "github.com/goccy/go-json"

	"extractor/internal/jsonscan"
)

// A record's body is read by hand, in one pass: orders make up nearly all of
// it, and most of an order is of no use here.

var errUnopened = errors.New("decode: not the shape of an order or refund")

// opener reads the values of a body. What BigCommerce writes for nothing, null
// and PHP's empty list for an empty object, reads as nothing.
type opener struct{ *jsonscan.Scanner }

// object walks over an object.
func (r opener) object(member func(name []byte) error) error {
	switch r.Peek() {
	case '{':
		return r.Object(member)
	case '[', 'n':
		return r.Skip()
	}
	return errUnopened
}

// array walks over a list.
func (r opener) array(element func() error) error {
	switch r.Peek() {
	case '[':
		return r.Array(element)
	case '{', 'n':
		return r.Skip()
	}
	return errUnopened
}

// text reads a string.
func (r opener) text(to *string) error {
	raw, err := r.Raw()
	switch {
	case err != nil:
		return err
	case raw[0] == 'n':
		*to = ""
		return nil
	case raw[0] != '"':
		return errUnopened
	case bytes.IndexByte(raw, '\\') < 0:
		*to = string(raw[1 : len(raw)-1])
		return nil
	}
	return json.Unmarshal(raw, to)
}

// number reads an integer.
func (r opener) number(to *int64) error {
	raw, err := r.Raw()
	if err != nil || raw[0] == 'n' {
		return err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return errUnopened
	}
	*to = n
	return nil
}

// truth reads a boolean.
func (r opener) truth(to *bool) error {
	raw, err := r.Raw()
	if err != nil {
		return err
	}
	if *to = string(raw) == "true"; !*to && raw[0] != 'f' && raw[0] != 'n' {
		return errUnopened
	}
	return nil
}

// money reads an amount.
func (r opener) money(to *micros) error {
	raw, err := r.Raw()
	if err != nil {
		return err
	}
	return to.UnmarshalJSON(raw)
}

// perhaps reads an amount that may be missing.
func (r opener) perhaps(to **micros) error {
	if r.Peek() == 'n' {
		return r.Skip()
	}
	*to = new(micros)
	return r.money(*to)
}

// open reads a record's body.
func (e *evidence) open(body []byte) error {
	r := opener{&jsonscan.Scanner{Text: body}}
	err := r.Object(func(name []byte) error {
		switch string(name) {
		case "store":
			return e.Store.open(r)
		case "order":
			if r.Peek() != '{' {
				return errUnopened
			}
			e.Order = new(order)
			return e.Order.open(r)
		case "refund":
			return r.number(&e.Refund)
		case "refunds":
			return r.Decode(&e.Refunds)
		case "addresses":
			return openAddresses(r, &e.Addresses)
		case "products":
			return openLines(r, &e.Products)
		case "taxes":
			return r.Decode(&e.Taxes)
		case "unmatched":
			return r.truth(&e.Unmatched)
		}
		return r.Skip()
	})
	if err == nil && !r.End() {
		err = errUnopened
	}
	return err
}

// open reads what a record keeps of its store.
func (st *store) open(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "zone":
			return r.text(&st.Zone)
		case "from":
			return r.object(func(name []byte) error {
				switch string(name) {
				case "line1":
					return r.text(&st.From.Line1)
				case "city":
					return r.text(&st.From.City)
				case "state":
					return r.text(&st.From.State)
				case "zip":
					return r.text(&st.From.Zip)
				case "country":
					return r.text(&st.From.Country)
				}
				return r.Skip()
			})
		}
		return r.Skip()
	})
}

// open reads an order.
func (o *order) open(r opener) error {
	return r.Object(func(name []byte) error {
		if to := o.amount(name); to != nil {
			return r.money(to)
		}
		switch string(name) {
		case "id":
			return r.number(&o.ID)
		case "status_id":
			return r.number(&o.StatusID)
		case "date_created":
			return r.text(&o.DateCreated)
		case "is_deleted":
			return r.truth(&o.IsDeleted)
		case "is_tax_inclusive_pricing":
			return r.truth(&o.TaxInclusive)
		case "payment_method":
			return r.text(&o.PaymentMethod)
		case "order_source":
			return r.text(&o.OrderSource)
		case "currency_code":
			return r.text(&o.CurrencyCode)
		case "default_currency_code":
			return r.text(&o.DefaultCurrency)
		case "total_ex_tax":
			return r.perhaps(&o.TotalExTax)
		case "total_inc_tax":
			return r.perhaps(&o.TotalIncTax)
		case "total_tax":
			return r.perhaps(&o.TotalTax)
		case "billing_address":
			return o.BillingAddress.open(r)
		case "consignments":
			return o.Consignments.open(r)
		case "fees":
			return r.array(func() error {
				o.Fees = append(o.Fees, fee{})
				return r.Decode(&o.Fees[len(o.Fees)-1])
			})
		}
		return r.Skip()
	})
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

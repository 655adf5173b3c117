package models

import (
	"strings"
	"time"

	json "github.com/goccy/go-json"
)

// ReadJSON reads a stored sale: what AppendJSON wrote, or what became of it when
// something was dropped from it. The sale's strings share the text's memory.
func (s *Sale) ReadJSON(text string) error {
	var read Sale
	if r := (saleReader{text}); r.sale(&read) && r.left == "" {
		*s = read
		return nil
	}
	return json.Unmarshal([]byte(text), s)
}

// saleReader reads AppendJSON's very form and gives up at anything else. It is
// written by hand because every item passes here on its way to the target.
type saleReader struct{ left string }

func (r *saleReader) sale(s *Sale) bool {
	return r.take(`{"transactionDate":"`) && r.text((*string)(&s.Date)) &&
		r.take(`,"at":"`) && r.time(&s.At) &&
		r.take(`,"shipToAddress":`) && r.address(&s.ShipTo) &&
		(!r.take(`,"shipFromAddress":`) || r.address(&s.ShipFrom)) &&
		r.amounts(s) &&
		r.take(`,"currency":"`) && r.text(&s.Currency) &&
		r.member(`,"description":"`, &s.Description) &&
		r.member(`,"reviewMessage":"`, &s.ReviewMessage) && r.take(`}`)
}

func (r *saleReader) amounts(s *Sale) bool {
	return r.take(`,"salesAmount":`) && r.amount(&s.SalesAmount) &&
		r.take(`,"salesTax":`) && r.amount(&s.SalesTax) &&
		r.take(`,"shippingAmount":`) && r.amount(&s.ShippingAmount) &&
		r.take(`,"shippingTax":`) && r.amount(&s.ShippingTax)
}

func (r *saleReader) address(a *Address) bool {
	if !r.take(`{`) {
		return false
	}
	for _, m := range [...]struct {
		name string
		into *string
	}{{`"line1":"`, &a.Line1}, {`"city":"`, &a.City}, {`"state":"`, &a.State}, {`"zip":"`, &a.Zip}, {`"country":"`, &a.Country}} {
		if r.take(m.name) && (!r.text(m.into) || !r.take(`,`) && !strings.HasPrefix(r.left, `}`)) {
			return false
		}
	}
	return r.take(`}`)
}

// take takes what is next, if it is that.
func (r *saleReader) take(next string) bool {
	left, ok := strings.CutPrefix(r.left, next)
	r.left = left
	return ok
}

// member reads a member with a text, if it is next. It is false only when the text is odd.
func (r *saleReader) member(next string, into *string) bool { return !r.take(next) || r.text(into) }

// text reads a text without escapes, behind its first quote.
func (r *saleReader) text(into *string) (ok bool) {
	*into, r.left, ok = strings.Cut(r.left, `"`)
	return ok && strings.IndexByte(*into, '\\') < 0
}

func (r *saleReader) time(into *time.Time) bool {
	var text string
	if !r.text(&text) {
		return false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	*into = t
	return err == nil
}

func (r *saleReader) amount(into *Amount) bool {
	end := strings.IndexByte(r.left, ',')
	if end < 0 {
		return false
	}
	amount, err := ParseAmount(r.left[:end])
	*into, r.left = amount, r.left[end:]
	return err == nil
}

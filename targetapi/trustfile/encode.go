package trustfile

import (
	"extractor/models"
)

// itemSize is what an item takes up, roughly: it saves growing the buffer.
const itemSize = 480

// encoder writes items as the API wants them. It is written by hand because
// every item of every merchant passes here.
type encoder struct {
	consumer string // beside items, for the Transaction Routing Service; empty = none
	utc      bool   // transactionDate in UTC instead of on the merchant's clock
}

// batch is the body of a POST. The same items in the same order make the same bytes.
func (e encoder) batch(items []models.Item) []byte {
	b := make([]byte, 0, 64+len(items)*itemSize)
	b = append(b, '{')
	if e.consumer != "" {
		b = models.AppendJSONString(append(b, `"consumerSystem":`...), e.consumer)
		b = append(b, ',')
	}
	b = append(b, `"items":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.item(b, &items[i])
	}
	return append(b, ']', '}')
}

func (e encoder) item(b []byte, item *models.Item) []byte {
	s := item.Sale
	b = models.AppendJSONString(append(b, `{"itemId":`...), item.Key)
	if item.Kind == models.KindRefund {
		b = append(b, `,"refund":true`...)
	} else {
		b = append(b, `,"refund":false`...)
	}
	b = append(b, `,"transactionDate":`...)
	b = models.AppendJSONString(b, e.date(s))
	b = address(append(b, `,"shipToAddress":`...), s.ShipTo)
	if complete(s.ShipFrom) {
		b = address(append(b, `,"shipFromAddress":`...), s.ShipFrom)
	}
	b = s.SalesAmount.AppendTo(append(b, `,"salesAmount":`...))
	b = s.SalesTax.AppendTo(append(b, `,"salesTax":`...))
	b = s.ShippingAmount.AppendTo(append(b, `,"shippingAmount":`...))
	b = s.ShippingTax.AppendTo(append(b, `,"shippingTax":`...))
	if s.Description != "" {
		b = models.AppendJSONString(append(b, `,"description":`...), s.Description)
	}
	if s.ReviewMessage != "" {
		b = models.AppendJSONString(append(b, `,"reviewRequired":true,"reviewMessage":`...), s.ReviewMessage)
	}
	return append(b, '}')
}

// date is the transaction's date as the API wants it, without a zone.
func (e encoder) date(s *models.Sale) string {
	if e.utc {
		return s.At.UTC().Format(models.LocalTimeLayout)
	}
	return string(s.Date)
}

// complete reports whether an address can serve as ship-from. One that cannot
// is left out, and the company's own address counts: the API would do the same
// with an invalid one.
func complete(a models.Address) bool {
	return a.State != "" && a.Zip != "" && (a.Country == "" || a.Country == "US")
}

func address(b []byte, a models.Address) []byte {
	b = append(b, '{')
	for _, p := range [...]struct{ name, value string }{{`"line1":`, a.Line1}, {`"city":`, a.City}} {
		if p.value != "" {
			b = models.AppendJSONString(append(b, p.name...), p.value)
			b = append(b, ',')
		}
	}
	b = models.AppendJSONString(append(b, `"state":`...), a.State)
	b = models.AppendJSONString(append(b, `,"zip":`...), a.Zip)
	return append(b, '}')
}

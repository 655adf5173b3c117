package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// orderPage is a page of the host, as far as a sale needs it. Amounts stay text
// until they are read as cents.
type orderPage struct {
	Orders []order `json:"orders"`
	Next   string  `json:"next"`
}

type order struct {
	ID       string `json:"id"`
	Version  int64  `json:"version"`
	Number   string `json:"number"`
	Zone     string `json:"zone"`
	Status   string `json:"status"`
	Test     bool   `json:"test"`
	PaidAt   string `json:"paidAt"`
	Currency string `json:"currency"`
	Totals   struct {
		Total     string `json:"total"`
		Tip       string `json:"tip"`
		GiftCards string `json:"giftCards"`
	} `json:"totals"`
	Lines []struct {
		Kind   string `json:"kind"`
		Amount string `json:"amount"`
		Tax    string `json:"tax"`
	} `json:"lines"`
	Shipping *struct {
		Amount string `json:"amount"`
		Tax    string `json:"tax"`
	} `json:"shipping"`
	ShippingAddress *place `json:"shippingAddress"`
	PickupLocation  *place `json:"pickupLocation"`
	BillingAddress  *place `json:"billingAddress"`
}

type place struct {
	Line1 string `json:"line1"`
	City  string `json:"city"`
	State string `json:"state"`
	Zip   string `json:"zip"`
}

// saleItem is an item of TrustFile.
type saleItem struct {
	id, date, description             string
	shipTo                            *place
	sales, tax, shipping, shippingTax int64 // cents
	review                            string
}

func (i *saleItem) total() int64 { return i.sales + i.tax + i.shipping + i.shippingTax }

// item says what an order means, by the same rules as the extractor.
func (o *order) item() (saleItem, error) {
	i := saleItem{id: o.ID, description: "Order " + o.Number}
	var err error
	if i.date, err = localDate(o.PaidAt, o.Zone); err != nil {
		return i, err
	}
	c := &cents{}
	for l := range o.Lines {
		if line := &o.Lines[l]; line.Kind != "giftCard" {
			i.sales += c.of(line.Amount)
			i.tax += c.of(line.Tax)
		}
	}
	if o.Shipping != nil {
		i.shipping, i.shippingTax = c.of(o.Shipping.Amount), c.of(o.Shipping.Tax)
	}
	if difference := c.of(o.Totals.Total) - c.of(o.Totals.Tip) - c.of(o.Totals.GiftCards) - i.total(); difference != 0 {
		i.review = fmt.Sprintf("The amounts differ from what was charged by %d cents.", difference)
	}
	if i.shipTo = o.shipTo(); i.shipTo != nil && len(i.shipTo.Zip) > 5 {
		i.shipTo.Zip = strings.Replace(i.shipTo.Zip, "-", "", 1)
	}
	if c.failed || i.shipTo == nil || len(i.shipTo.State) != 2 || len(i.shipTo.Zip) < 5 || o.Status != "paid" || o.Test || o.Currency != "USD" {
		return i, fmt.Errorf("order %s is not the kind of order that this measures", o.ID)
	}
	return i, nil
}

func (o *order) shipTo() *place {
	switch {
	case o.ShippingAddress != nil:
		return o.ShippingAddress
	case o.PickupLocation != nil:
		return o.PickupLocation
	}
	return o.BillingAddress
}

// cents reads amounts such as "12.34" and remembers whether one was odd.
type cents struct{ failed bool }

func (c *cents) of(text string) int64 {
	var n int64
	point := -1
	for i := range len(text) {
		switch ch := text[i]; {
		case ch >= '0' && ch <= '9':
			n = n*10 + int64(ch-'0')
		case ch == '.' && point < 0:
			point = i
		case ch == '-' && i == 0:
		default:
			c.failed = true
		}
	}
	if point < 1 || point != len(text)-3 {
		c.failed = true
	}
	if text != "" && text[0] == '-' {
		return -n
	}
	return n
}

var zones sync.Map // by name: loading one reads a file

func localDate(instant, zone string) (string, error) {
	t, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return "", err
	}
	z, ok := zones.Load(zone)
	if !ok {
		loaded, err := time.LoadLocation(zone)
		if err != nil {
			return "", err
		}
		z, _ = zones.LoadOrStore(zone, loaded)
	}
	return t.In(z.(*time.Location)).Format("2006-01-02T15:04:05"), nil
}

// appendJSON appends the item as TrustFile takes it.
func (i *saleItem) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"itemId":`...), i.id)
	b = appendText(append(b, `,"refund":false,"transactionDate":`...), i.date)
	b = appendText(append(b, `,"shipToAddress":{"line1":`...), i.shipTo.Line1)
	b = appendText(append(b, `,"city":`...), i.shipTo.City)
	b = appendText(append(b, `,"state":`...), i.shipTo.State)
	b = appendText(append(b, `,"zip":`...), i.shipTo.Zip)
	b = appendCents(append(b, `},"salesAmount":`...), i.sales)
	b = appendCents(append(b, `,"salesTax":`...), i.tax)
	b = appendCents(append(b, `,"shippingAmount":`...), i.shipping)
	b = appendCents(append(b, `,"shippingTax":`...), i.shippingTax)
	b = appendText(append(b, `,"description":`...), i.description)
	if i.review != "" {
		b = appendText(append(b, `,"reviewRequired":true,"reviewMessage":`...), i.review)
	}
	return append(b, '}')
}

func appendCents(b []byte, n int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/100, 10)
	return append(b, '.', byte('0'+n%100/10), byte('0'+n%10))
}

const hexDigits = "0123456789abcdef"

func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

package models

import (
	"encoding/json"
	"errors"
	"time"
)

// The kinds of item. Kind and key together are an item's identity within its
// connection, at our side and at the target's.
const (
	KindSale   = "sale"
	KindRefund = "refund"
)

// Ref names one item of a connection.
type Ref struct{ Kind, Key string }

// Item is the hub between hosts and targets: what one record of a host means.
// It holds exactly one of Sale, Action, Row; or Skip, when the record is known
// but does not count.
type Item struct {
	Kind string
	// Key is unique per connection and kind, at most 200 characters. It becomes
	// the target's item id; several refunds of one order need a key each.
	Key string
	// Skip, when set, is the reason why this is not sent ("test order"); it is counted under that reason.
	Skip string
	Sale *Sale
	// Action and Row are for the sources that come later (queue, dropped files).
	Action json.RawMessage
	Row    json.RawMessage
}

// Ref is the item's identity.
func (i Item) Ref() Ref { return Ref{i.Kind, i.Key} }

// LocalTime is the merchant's wall clock, "2006-01-02T15:04:05", without a zone.
type LocalTime string

// LocalTimeLayout is the layout of LocalTime.
const LocalTimeLayout = "2006-01-02T15:04:05"

// LocalTimeIn is t on the clocks of zone.
func LocalTimeIn(t time.Time, zone *time.Location) LocalTime {
	t = t.In(zone)
	var room [len(time.RFC3339Nano)]byte
	text := t.AppendFormat(room[:0], time.RFC3339)                               // much faster than other layouts
	if len(text) < len(LocalTimeLayout) || text[len(LocalTimeLayout)-3] != ':' { // a year of five digits
		return LocalTime(t.Format(LocalTimeLayout))
	}
	return LocalTime(text[:len(LocalTimeLayout)])
}

// errYearZero is what is wrong with a moment before the year one: databases
// count no such year. It is what the first moment of some calendars, which stands
// for no date, becomes west of Greenwich.
var errYearZero = errors.New("a date before the year 1")

// valid says what is wrong with l as a moment of the calendar, if anything.
func (l LocalTime) valid() error {
	t, err := time.Parse(time.RFC3339, string(l)+"Z") // much faster than other layouts
	if err == nil && t.Year() < 1 {
		err = errYearZero
	}
	return err
}

// Day is the calendar day, "2006-01-02".
func (l LocalTime) Day() string {
	if len(l) < len(time.DateOnly) {
		return ""
	}
	return string(l[:len(time.DateOnly)])
}

// Sale is a sale, or a refund of one, in the words of sales tax. All amounts
// are positive for a sale and for a refund alike; the item's kind tells which.
type Sale struct {
	Date LocalTime `json:"transactionDate"` // the merchant's local time
	At   time.Time `json:"at"`              // the same instant in UTC
	// ShipTo and ShipFrom are decided by Policy.Apply from Places.
	ShipTo         Address `json:"shipToAddress"`
	ShipFrom       Address `json:"shipFromAddress,omitzero"`
	SalesAmount    Amount  `json:"salesAmount"`    // goods, without shipping and tax, after discounts
	SalesTax       Amount  `json:"salesTax"`       //
	ShippingAmount Amount  `json:"shippingAmount"` // without tax
	ShippingTax    Amount  `json:"shippingTax"`    //
	Currency       string  `json:"currency"`       // ISO 4217
	Description    string  `json:"description,omitempty"`
	ReviewMessage  string  `json:"reviewMessage,omitempty"` // set = review required; sentences joined by a space

	// Places are the addresses the host knows, for Policy.Apply to choose from.
	Places []Place `json:"-"`
	// Charged is what the host says was charged (or given back) less tips, gift
	// cards sold and excluded fees; Policy.Apply compares it with the sum of the
	// four amounts. nil = the host does not say.
	Charged *Amount `json:"-"`
}

// Total is the sum of the four amounts.
func (s *Sale) Total() Amount {
	return s.SalesAmount + s.SalesTax + s.ShippingAmount + s.ShippingTax
}

// Review adds a sentence that a person should look at.
func (s *Sale) Review(sentence string) {
	if s.ReviewMessage != "" {
		s.ReviewMessage += " "
	}
	s.ReviewMessage += sentence
}

// Address is a postal address. State is a two-letter US code and Zip has 5 or
// 9 digits once Policy.Apply has passed it.
type Address struct {
	Line1   string `json:"line1,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"state,omitempty"`
	Zip     string `json:"zip,omitempty"`
	Country string `json:"country,omitempty"` // ISO 3166-1 alpha-2; empty = not told
}

// AddressOf is the address of these words, which it copies, all into one piece
// of memory: that is much cheaper than one for each.
func AddressOf(line1, city, state, zip, country []byte) Address {
	const usual = 100 // bytes; more only costs time
	all := make([]byte, 0, usual)
	for _, part := range [...][]byte{line1, city, state, zip, country} {
		all = append(all, part...)
	}
	left := string(all)
	cut := func(part []byte) (text string) {
		text, left = left[:len(part)], left[len(part):]
		return text
	}
	return Address{Line1: cut(line1), City: cut(city), State: cut(state), Zip: cut(zip), Country: cut(country)}
}

// PlaceKind says what an address is to a sale. The order is that of preference.
type PlaceKind int

// The kinds of place, most telling first.
const (
	PlaceShipping PlaceKind = iota + 1
	PlacePickup             // where the buyer collected it, or the till's address
	PlaceBilling            // only for what is not shipped: sent, but marked for review
)

// Place is an address and what it is to the sale.
type Place struct {
	Kind    PlaceKind
	Address Address
}

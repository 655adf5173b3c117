package woocommerce

import (
	"encoding/json"
	"html"
	"strings"

	"extractor/models"
)

// The structs below hold what we use of WooCommerce's objects, in its words.
// https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties

type order struct {
	ID               int64   `json:"id"`
	Number           string  `json:"number"`
	Status           string  `json:"status"`
	Currency         string  `json:"currency"`
	Total            *exact  `json:"total"`     // all that was charged
	TotalTax         exact   `json:"total_tax"` // cart_tax and shipping_tax
	ShippingTotal    exact   `json:"shipping_total"`
	ShippingTax      exact   `json:"shipping_tax"`
	DateCreated      string  `json:"date_created"` // on the site's clock …
	DateCreatedGMT   string  `json:"date_created_gmt"`
	DatePaid         string  `json:"date_paid"`
	DatePaidGMT      string  `json:"date_paid_gmt"`
	DateCompleted    string  `json:"date_completed"`
	DateCompletedGMT string  `json:"date_completed_gmt"`
	Billing          address `json:"billing"`
	Shipping         address `json:"shipping"`
	lines
	Refunds []listedRefund `json:"refunds"`
}

// lines are what an order or a refund is made of; those of a refund are below zero.
type lines struct {
	LineItems     []line         `json:"line_items"`
	ShippingLines []shippingLine `json:"shipping_lines"`
	FeeLines      []feeLine      `json:"fee_lines"`
}

type line struct {
	Total    exact `json:"total"`     // without tax, after coupons
	TotalTax exact `json:"total_tax"` //
	Taxes    []tax `json:"taxes"`     // by rate, with more decimals than TotalTax in older versions
}

// tax is that of the line: by rate, where it is told so.
func (l *line) tax() (sum exact) {
	if len(l.Taxes) == 0 {
		return l.TotalTax
	}
	for i := range l.Taxes {
		sum += l.Taxes[i].Total
	}
	return sum
}

// nothing reports whether the line is about no money.
func (l *line) nothing() bool { return l.Total == 0 && l.tax() == 0 }

type feeLine struct {
	Name string `json:"name"`
	line
}

type shippingLine struct {
	MethodID string `json:"method_id"` // flat_rate, local_pickup, pickup_location …
	line
}

type tax struct {
	Total exact `json:"total"`
}

// listedRefund is a refund as an order lists it.
type listedRefund struct {
	ID    int64 `json:"id"`
	Total exact `json:"total"` // below zero
}

type refund struct {
	ID             int64  `json:"id"`
	DateCreated    string `json:"date_created"`
	DateCreatedGMT string `json:"date_created_gmt"`
	Amount         exact  `json:"amount"`
	lines
}

type address struct {
	Line1    string `json:"address_1"`
	City     string `json:"city"`
	State    string `json:"state"`
	Postcode string `json:"postcode"`
	Country  string `json:"country"`
}

func (a address) plain() models.Address {
	return models.Address{Line1: a.Line1, City: a.City, State: a.State, Zip: a.Postcode, Country: a.Country}
}

// store is the shop's own address, from its general settings.
type store struct {
	Line1    string `json:"address,omitempty"`
	City     string `json:"city,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"` // with the state: "US:CA"
}

// set takes a setting, if it is one of the address.
func (s *store) set(id string, value []byte) {
	field := map[string]*string{
		"woocommerce_store_address": &s.Line1, "woocommerce_store_city": &s.City,
		"woocommerce_store_postcode": &s.Postcode, "woocommerce_default_country": &s.Country,
	}[id]
	var text string
	if field != nil && json.Unmarshal(value, &text) == nil {
		*field = html.UnescapeString(strings.TrimSpace(text))
	}
}

func (s store) plain() models.Address {
	country, state, _ := strings.Cut(s.Country, ":")
	return models.Address{Line1: s.Line1, City: s.City, State: state, Zip: s.Postcode, Country: country}
}

// parcel is the body of a record: an order, its refunds and the shop's address.
type parcel struct {
	Order   *order   `json:"order"`
	Refunds []refund `json:"refunds"`
	Store   store    `json:"store"`
}

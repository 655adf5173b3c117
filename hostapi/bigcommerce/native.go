package bigcommerce

import (
	"bytes"
	"errors"
	"time"

	json "github.com/goccy/go-json"

	"extractor/models"
)

// The structs below hold what we use of BigCommerce's objects, in its words.
// https://developer.bigcommerce.com/docs/rest-management/orders
// https://developer.bigcommerce.com/docs/rest-management/transactions/payment-actions

type order struct {
	ID              int64        `json:"id"`
	StatusID        int64        `json:"status_id"`
	DateCreated     string       `json:"date_created"`
	IsDeleted       bool         `json:"is_deleted"`
	TaxInclusive    bool         `json:"is_tax_inclusive_pricing"`
	PaymentMethod   string       `json:"payment_method"`
	OrderSource     string       `json:"order_source"`
	CurrencyCode    string       `json:"currency_code"`         // prices were shown in it
	DefaultCurrency string       `json:"default_currency_code"` // and paid in this one
	SubtotalExTax   micros       `json:"subtotal_ex_tax"`
	SubtotalIncTax  micros       `json:"subtotal_inc_tax"`
	SubtotalTax     micros       `json:"subtotal_tax"`
	ShippingExTax   micros       `json:"shipping_cost_ex_tax"`
	ShippingTax     micros       `json:"shipping_cost_tax"`
	HandlingExTax   micros       `json:"handling_cost_ex_tax"`
	HandlingTax     micros       `json:"handling_cost_tax"`
	WrappingExTax   micros       `json:"wrapping_cost_ex_tax"`
	WrappingTax     micros       `json:"wrapping_cost_tax"`
	TotalExTax      *micros      `json:"total_ex_tax"`
	TotalIncTax     *micros      `json:"total_inc_tax"`
	TotalTax        *micros      `json:"total_tax"`
	DiscountAmount  micros       `json:"discount_amount"`
	CouponDiscount  micros       `json:"coupon_discount"`
	BillingAddress  address      `json:"billing_address"`
	Consignments    consignments `json:"consignments"`
	Fees            fees         `json:"fees"`
}

// fee is a line of its own. One of its names is spelled in two ways.
type fee struct {
	ID     int64  `json:"id"`
	ExTax  micros `json:"cost_ex_tax"`
	ExcTax micros `json:"cost_exc_tax"`
	Tax    micros `json:"cost_tax"`
}

func (f fee) exTax() micros {
	if f.ExTax != 0 {
		return f.ExTax
	}
	return f.ExcTax
}

// fees is a list, or a link to one where it was not asked for.
type fees []fee

// UnmarshalJSON takes both.
func (f *fees) UnmarshalJSON(b []byte) error {
	if !isList(b) {
		return nil
	}
	return json.Unmarshal(b, (*[]fee)(f))
}

// consignments are one object, or a list that holds it, or a link to it where
// it was not asked for.
type consignments struct {
	all      []consignment
	included bool
}

// consignment is how the lines of an order reach the buyer.
type consignment struct {
	Shipping  []address `json:"shipping"`
	Pickups   []pickup  `json:"pickups"`
	Downloads list[struct {
		LineItems []line `json:"line_items"`
	}] `json:"downloads"`
	Email    object[email] `json:"email"`
	Resource string        `json:"resource"`
}

type email struct {
	GiftCertificates list[struct {
		LineItems []line `json:"line_items"`
	}] `json:"gift_certificates"`
}

// UnmarshalJSON takes all three.
func (c *consignments) UnmarshalJSON(b []byte) error {
	*c = consignments{}
	if isList(b) {
		c.included = true
		return json.Unmarshal(b, &c.all)
	}
	if !isObject(b) {
		return nil
	}
	var one consignment
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	if one.Resource == "" {
		*c = consignments{[]consignment{one}, true}
	}
	return nil
}

func (c consignments) shipping() (all []address) {
	for i := range c.all {
		all = append(all, c.all[i].Shipping...)
	}
	return all
}

func (c consignments) pickups() (all []pickup) {
	for i := range c.all {
		all = append(all, c.all[i].Pickups...)
	}
	return all
}

// others are the lines that are sent nowhere: downloads and gift certificates.
func (c consignments) others() (all []line) {
	for i := range c.all {
		for _, d := range c.all[i].Downloads {
			all = append(all, d.LineItems...)
		}
		for _, g := range c.all[i].Email.V.GiftCertificates {
			for _, l := range g.LineItems {
				l.Type = giftCertificate
				all = append(all, l)
			}
		}
	}
	return all
}

// address is a shipping or billing address; the costs and lines are of a
// shipping address alone.
type address struct {
	ID            int64  `json:"id,omitempty"`
	Street        string `json:"street_1,omitempty"`
	City          string `json:"city,omitempty"`
	State         string `json:"state,omitempty"` // its name
	Zip           string `json:"zip,omitempty"`
	Country       string `json:"country,omitempty"`
	CountryISO2   string `json:"country_iso2,omitempty"`
	CostExTax     micros `json:"cost_ex_tax,omitempty"`
	CostTax       micros `json:"cost_tax,omitempty"`
	HandlingExTax micros `json:"handling_cost_ex_tax,omitempty"`
	HandlingTax   micros `json:"handling_cost_tax,omitempty"`
	LineItems     []line `json:"line_items,omitempty"`
}

func (a address) plain() models.Address {
	country := a.CountryISO2
	if country == "" {
		country = a.Country
	}
	return models.Address{Line1: a.Street, City: a.City, State: a.State, Zip: a.Zip, Country: country}
}

type pickup struct {
	ID       int64 `json:"id"`
	MethodID int64 `json:"pickup_method_id"`
	Location object[struct {
		Line1   string `json:"address_line_1"`
		City    string `json:"city"`
		State   string `json:"state"`
		Postal  string `json:"postal_code"`
		Country string `json:"country_alpha2"`
	}] `json:"location"`
	LineItems []line `json:"line_items"`
}

func (p pickup) plain() models.Address {
	l := p.Location.V
	return models.Address{Line1: l.Line1, City: l.City, State: l.State, Zip: l.Postal, Country: l.Country}
}

// giftCertificate is the type of a line that is money in another form.
const giftCertificate = "giftcertificate"

// line is a product of an order.
type line struct {
	ID               int64   `json:"id"`
	Type             string  `json:"type"` // physical, digital, giftcertificate
	AddressID        int64   `json:"order_address_id"`
	Quantity         int64   `json:"quantity"`
	TotalExTax       micros  `json:"total_ex_tax"`
	TotalIncTax      micros  `json:"total_inc_tax"`
	TotalTax         micros  `json:"total_tax"`
	WrappingExTax    micros  `json:"wrapping_cost_ex_tax"`
	WrappingTax      micros  `json:"wrapping_cost_tax"`
	DiscountedIncTax *micros `json:"discounted_total_inc_tax"`
}

// taxRow is a tax of one address.
type taxRow struct {
	AddressID  int64  `json:"order_address_id"`
	PickupID   int64  `json:"order_pickup_method_id"`
	LineAmount micros `json:"line_amount"`
}

// refund is a refund of v3.
type refund struct {
	ID          int64        `json:"id"`
	OrderID     int64        `json:"order_id"`
	Created     string       `json:"created"`
	TotalAmount *micros      `json:"total_amount"`
	TotalTax    micros       `json:"total_tax"`
	Items       []refundItem `json:"items"`
	Payments    []struct {
		Amount     micros `json:"amount"`
		IsDeclined bool   `json:"is_declined"`
	} `json:"payments"`
}

// refundItem is what a refund gives back, or a part of it. Its id is a line's,
// an address's, a fee's or the order's, as the type says.
type refundItem struct {
	Type      string  `json:"item_type"` // PRODUCT, GIFT_WRAPPING, SHIPPING, HANDLING, FEE, TAX, ORDER
	ID        int64   `json:"item_id"`
	Quantity  int64   `json:"quantity"`
	Requested *micros `json:"requested_amount"`
}

// object is an object, and empty for an empty list, which is how PHP writes one.
type object[T any] struct{ V T }

// UnmarshalJSON takes anything that is no object for an empty one.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	if !isObject(b) {
		return nil
	}
	return json.Unmarshal(b, &o.V)
}

// list is a list, and empty for an empty object.
type list[T any] []T

// UnmarshalJSON takes anything that is no list for an empty one.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if !isList(b) {
		return nil
	}
	return json.Unmarshal(b, (*[]T)(l))
}

func isList(b []byte) bool   { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) }
func isObject(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) }

// store is what a record keeps of its store.
type store struct {
	Zone string         `json:"zone"`
	From models.Address `json:"from"`
}

// evidence is the body of a record, opened.
type evidence struct {
	Store     store     `json:"store"`
	Order     *order    `json:"order"`
	Refund    int64     `json:"refund"`    // of a record of kind refund: which one
	Refunds   []refund  `json:"refunds"`   // all of the order
	Addresses []address `json:"addresses"` // where the order came without consignments
	Products  []line    `json:"products"`  // the same
	Taxes     []taxRow  `json:"taxes"`     // where there are several addresses
	Unmatched bool      `json:"unmatched"` // the order is marked as refunded, but no refund is listed

	zone *time.Location // of Store
}

// parcel is the same, still packed.
type parcel struct {
	store                               []byte
	order                               json.RawMessage
	refund                              int64
	refunds, addresses, products, taxes []json.RawMessage
	unmatched                           bool
}

// body packs p without looking into what BigCommerce sent.
func (p parcel) body() json.RawMessage {
	b := make([]byte, 0, len(p.store)+len(p.order)+64)
	b = append(append(b, `{"store":`...), p.store...)
	if len(p.order) > 0 {
		b = append(append(b, `,"order":`...), p.order...)
	}
	if p.refund != 0 {
		b = append(b, `,"refund":`...)
		b = appendInt(b, p.refund)
	}
	b = appendList(b, "refunds", p.refunds)
	b = appendList(b, "addresses", p.addresses)
	b = appendList(b, "products", p.products)
	b = appendList(b, "taxes", p.taxes)
	if p.unmatched {
		b = append(b, `,"unmatched":true`...)
	}
	return append(b, '}')
}

var errUnopened = errors.New("decode: not the shape of an order or refund")

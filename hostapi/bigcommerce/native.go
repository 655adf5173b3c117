package bigcommerce

import (
	"encoding/json"
	"time"

	"extractor/models"
)

// The structs below hold what we use of BigCommerce's objects; open.go and
// openparts.go tell their names there.
// https://developer.bigcommerce.com/docs/rest-management/orders
// https://developer.bigcommerce.com/docs/rest-management/transactions/payment-actions

type order struct {
	ID                                         int64
	StatusID                                   int64
	DateCreated                                string
	IsDeleted                                  bool
	TaxInclusive                               bool // the shop's prices contain the tax
	PaymentMethod                              string
	OrderSource                                string
	CurrencyCode                               string // prices were shown in it
	DefaultCurrency                            string // and paid in this one
	SubtotalExTax, SubtotalIncTax, SubtotalTax micros
	ShippingExTax, ShippingTax                 micros
	HandlingExTax, HandlingTax                 micros
	WrappingExTax, WrappingTax                 micros
	TotalExTax, TotalIncTax, TotalTax          *micros
	DiscountAmount, CouponDiscount             micros
	BillingAddress                             address
	Consignments                               consignments
	Fees                                       []fee
}

// fee is a line of its own. One of its names is spelled in two ways.
type fee struct {
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

// consignments are how the lines of an order reach the buyer.
type consignments struct {
	included bool // they came with the order, as they were asked for
	shipping []address
	pickups  []pickup
	others   []line // sent nowhere: downloads and gift certificates
}

// address is a shipping or billing address; the costs and lines are of a
// shipping address alone.
type address struct {
	ID                         int64
	Street, City               string
	State                      string // its name
	Zip, Country, CountryISO2  string
	CostExTax, CostTax         micros
	HandlingExTax, HandlingTax micros
	LineItems                  []line
}

func (a *address) plain() models.Address {
	country := a.CountryISO2
	if country == "" {
		country = a.Country
	}
	return models.Address{Line1: a.Street, City: a.City, State: a.State, Zip: a.Zip, Country: country}
}

// pickup is a place where the buyer collected lines.
type pickup struct {
	ID        int64
	Location  location
	LineItems []line
}

type location struct{ Line1, City, State, Postal, Country string }

func (l location) plain() models.Address {
	return models.Address{Line1: l.Line1, City: l.City, State: l.State, Zip: l.Postal, Country: l.Country}
}

// giftCertificate is the type of a line that is money in another form.
const giftCertificate = "giftcertificate"

// line is a product of an order.
type line struct {
	ID                                int64
	Type                              string // physical, digital, giftcertificate
	AddressID                         int64
	Quantity                          int64
	TotalExTax, TotalIncTax, TotalTax micros
	WrappingExTax, WrappingTax        micros
	DiscountedIncTax                  *micros
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

// store is what a record keeps of its store.
type store struct {
	Zone string         `json:"zone"`
	From models.Address `json:"from"`
}

// parcel is the body of a record before it is packed.
type parcel struct {
	store     []byte
	order     json.RawMessage
	refund    int64             // of a record of kind refund: which one
	refunds   []json.RawMessage // all of the order
	addresses []json.RawMessage // where the order came without consignments
	products  []json.RawMessage // the same
	taxes     []json.RawMessage // where there are several addresses
	unmatched bool              // the order is marked as refunded, but no refund is listed
}

// evidence is a parcel, opened.
type evidence struct {
	Store     store
	Order     *order
	Refund    int64
	Refunds   []refund
	Addresses []address
	Products  []line
	Taxes     []taxRow
	Unmatched bool

	zone *time.Location // of Store
}

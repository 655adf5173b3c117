package shopify

import (
	"time"

	"extractor/models"
)

// The structs below hold what we use of Shopify's objects; scan.go reads them, by
// Shopify's words.
// https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order

// parcel is the body of a record. Words are bytes of it, as far as they are not kept.
type parcel struct {
	Zone  []byte // IANA name
	Order order
}

type order struct {
	ID               []byte
	Name             []byte // "#1001"
	Test             bool
	Currency         string // of the shop, when the order was made
	Status           []byte // AUTHORIZED, EXPIRED, PAID, PARTIALLY_PAID, PARTIALLY_REFUNDED, PENDING, REFUNDED, VOIDED
	MerchantOfRecord bool   // somebody else sold it, as far as taxes go
	Shipping         orderAddress
	Billing          orderAddress
	Retail           orderAddress // of the till
	Origin           orderAddress // of the first fulfillment that has one
	Agreements       []agreement
	CutOff           bool // there are more agreements than were read
}

type agreement struct {
	ID     []byte
	Reason []byte // ORDER, ORDER_EDIT, REFUND, RETURN, UNKNOWN
	Lines  int    // sales that were read …
	CutOff bool   // … and that there are more
	entry  entry  // what they come to

	at    time.Time // happenedAt …
	dated bool      // … where it could be read
}

// sale is one line of the ledger. Its amounts are decimals with a sign, in the
// shop's currency; what the buyer saw is not asked for.
type sale struct {
	Action        []byte // ORDER, RETURN, UPDATE, UNKNOWN
	LineType      []byte
	Total         []byte // after discounts, with tax
	Tax           []byte
	ChannelLiable bool // the channel remits a tax of it
}

// orderAddress is a MailingAddress, a LocationAddress or a FulfillmentOriginAddress
// of an order; these name the country differently.
type orderAddress struct {
	known bool
	models.Address
}

// address is a shop's.
type address struct {
	Line1    string `json:"address1"`
	City     string `json:"city"`
	Province string `json:"provinceCode"`
	Zip      string `json:"zip"`
	Country  string `json:"countryCodeV2"`
	Phone    string `json:"phone"`
}

func (a *address) plain() models.Address {
	return models.Address{Line1: a.Line1, City: a.City, State: a.Province, Zip: a.Zip, Country: a.Country}
}

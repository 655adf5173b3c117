package shopify

import (
	"time"

	"extractor/models"
)

// The structs below hold what we use of Shopify's objects, in Shopify's words.
// What is not named is not read.
// https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order

// parcel is the body of a record.
type parcel struct {
	Zone  string `json:"zone"` // IANA name
	Order order  `json:"order"`
}

type order struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"` // "#1001"
	Test             bool      `json:"test"`
	Currency         string    `json:"currencyCode"`           // of the shop, when the order was made
	Status           string    `json:"displayFinancialStatus"` // AUTHORIZED, EXPIRED, PAID, PARTIALLY_PAID, PARTIALLY_REFUNDED, PENDING, REFUNDED, VOIDED
	MerchantOfRecord *struct{} `json:"merchantOfRecordApp"`
	Shipping         *address  `json:"shippingAddress"`
	Billing          *address  `json:"billingAddress"`
	Retail           *struct {
		Address *address `json:"address"`
	} `json:"retailLocation"`
	Fulfillments []struct {
		Origin *address `json:"originAddress"`
	} `json:"fulfillments"`
	Agreements struct {
		Info  pageEnd         `json:"pageInfo"`
		Edges []agreementEdge `json:"edges"`
	} `json:"agreements"`
}

type agreementEdge struct {
	Node agreement `json:"node"`
}

type agreement struct {
	ID         string `json:"id"`
	HappenedAt string `json:"happenedAt"` // RFC 3339
	Reason     string `json:"reason"`     // ORDER, ORDER_EDIT, REFUND, RETURN, UNKNOWN
	Sales      struct {
		Info  pageEnd `json:"pageInfo"`
		Nodes []sale  `json:"nodes"`
	} `json:"sales"`

	at time.Time // HappenedAt
}

// sale is one line of the ledger. Its amounts have a sign.
type sale struct {
	Action   string `json:"actionType"` // ORDER, RETURN, UPDATE, UNKNOWN
	LineType string `json:"lineType"`
	Total    bag    `json:"totalAmount"`    // after discounts, with tax
	Tax      bag    `json:"totalTaxAmount"` //
	Taxes    []struct {
		Line struct {
			ChannelLiable bool `json:"channelLiable"`
		} `json:"taxLine"`
	} `json:"taxes"`
}

// bag is an amount in the shop's currency; what the buyer saw is not asked for.
type bag struct {
	Shop struct {
		Amount string `json:"amount"`
	} `json:"shopMoney"`
}

// address is a MailingAddress, a LocationAddress or a FulfillmentOriginAddress,
// which name the country differently.
type address struct {
	Line1     string `json:"address1"`
	City      string `json:"city"`
	Province  string `json:"provinceCode"`
	Zip       string `json:"zip"`
	Country   string `json:"countryCode"`
	CountryV2 string `json:"countryCodeV2"`
	Phone     string `json:"phone"`
}

func (a *address) plain() models.Address {
	country := a.CountryV2
	if country == "" {
		country = a.Country
	}
	return models.Address{Line1: a.Line1, City: a.City, State: a.Province, Zip: a.Zip, Country: country}
}

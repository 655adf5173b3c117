package stripe

import (
	"encoding/json"

	"extractor/models"
)

// The structs below hold what we use of Stripe's objects, in Stripe's words.
// Those of a payment are read by hand, in scanbody.go and scanthings.go.
// https://docs.stripe.com/api/charges/object

// evidence is a parcel, opened.
type evidence struct {
	Zone     string        `json:"zone"`
	Session  *session      `json:"session"`
	Invoice  *invoice      `json:"invoice"`
	Notes    []creditNote  `json:"notes"`
	Payments []paidPayment `json:"payments"`
	Moved    string        `json:"moved"`
}

type paidPayment struct {
	Intent  *intent  `json:"intent"`
	Charge  *charge  `json:"charge"`
	Refunds []refund `json:"refunds"`
}

// session is a Checkout Session.
type session struct {
	Currency     string        `json:"currency"`
	Livemode     *bool         `json:"livemode"`
	AmountTotal  int64         `json:"amount_total"`
	TotalDetails *totalDetails `json:"total_details"`
	ShippingCost *shippingCost `json:"shipping_cost"`
	Collected    *collected    `json:"collected_information"`
	Shipping     *delivery     `json:"shipping_details"` // before API version 2025-03-31
	Customer     *customer     `json:"customer_details"`
	AutomaticTax automaticTax  `json:"automatic_tax"`
}

type totalDetails struct {
	AmountTax int64 `json:"amount_tax"`
}

type collected struct {
	Shipping *delivery `json:"shipping_details"`
}

type customer struct {
	Address *postal `json:"address"`
}

// shippingCost is of a session, an invoice or a credit note.
type shippingCost struct {
	AmountTax   int64 `json:"amount_tax"`
	AmountTotal int64 `json:"amount_total"` // with tax
}

// automaticTax says whether Stripe Tax worked the tax out, which it does for
// the shipping address, and for the customer's where there is none.
type automaticTax struct {
	Enabled bool   `json:"enabled"`
	Status  string `json:"status"`
}

type invoice struct {
	ID               string       `json:"id"`
	Number           string       `json:"number"`
	Currency         string       `json:"currency"`
	Status           string       `json:"status"` // draft, open, paid, uncollectible, void
	Livemode         *bool        `json:"livemode"`
	CustomerShipping *delivery    `json:"customer_shipping"`
	CustomerAddress  *postal      `json:"customer_address"`
	ShippingDetails  *delivery    `json:"shipping_details"`
	AutomaticTax     automaticTax `json:"automatic_tax"`
	Created          int64        `json:"created"`
	Transitions      *transitions `json:"status_transitions"`
	bill
}

type transitions struct {
	PaidAt int64 `json:"paid_at"`
}

// bill are the amounts that invoices and credit notes share.
type bill struct {
	Total             int64         `json:"total"`
	TotalExcludingTax *int64        `json:"total_excluding_tax"`
	TotalTaxes        []taxAmount   `json:"total_taxes"`
	TotalTaxAmounts   []taxAmount   `json:"total_tax_amounts"` // the same before API version 2025-03-31
	ShippingCost      *shippingCost `json:"shipping_cost"`
}

type taxAmount struct {
	Amount int64 `json:"amount"`
}

type creditNote struct {
	ID          string       `json:"id"`
	Number      string       `json:"number"`
	Status      string       `json:"status"` // issued, void
	Type        string       `json:"type"`   // pre_payment, post_payment, mixed
	Created     int64        `json:"created"`
	EffectiveAt int64        `json:"effective_at"`
	PrePayment  *int64       `json:"pre_payment_amount"`
	Refunds     []noteRefund `json:"refunds"`
	bill
}

type noteRefund struct {
	Refund string `json:"refund"`
	Amount int64  `json:"amount_refunded"`
}

type intent struct {
	Amount   int64         `json:"amount"`
	Currency string        `json:"currency"`
	Details  amountDetails `json:"amount_details"`
	Shipping *delivery     `json:"shipping"`
}

// amountDetails is what the merchant's own checkout told Stripe of the amount.
type amountDetails struct {
	Tax       *lineTax         `json:"tax"`
	Shipping  *shippingDetails `json:"shipping"`
	Tip       *tip             `json:"tip"`
	LineItems *lineItems       `json:"line_items"`
}

type tip struct {
	Amount int64 `json:"amount"`
}

type shippingDetails struct {
	Amount     int64  `json:"amount"`
	PostalCode string `json:"to_postal_code"`
}

type lineItems struct {
	HasMore bool `json:"has_more"`
	Data    []struct {
		Tax *lineTax `json:"tax"`
	} `json:"data"`
}

type lineTax struct {
	Amount *int64 `json:"total_tax_amount"`
}

type charge struct {
	Amount         int64     `json:"amount"`
	AmountCaptured int64     `json:"amount_captured"`
	Captured       bool      `json:"captured"`
	Created        int64     `json:"created"`
	Currency       string    `json:"currency"`
	Livemode       *bool     `json:"livemode"`
	Status         string    `json:"status"` // succeeded, pending, failed
	Shipping       *delivery `json:"shipping"`
	Billing        *customer `json:"billing_details"`
}

type refund struct {
	ID                 string          `json:"id"`
	Amount             int64           `json:"amount"`
	Created            int64           `json:"created"`
	Status             string          `json:"status"` // pending, requires_action, succeeded, failed, canceled
	BalanceTransaction json.RawMessage `json:"balance_transaction"`
}

type delivery struct {
	Address *postal `json:"address"`
}

type postal struct {
	City       string `json:"city"`
	Country    string `json:"country"`
	Line1      string `json:"line1"`
	PostalCode string `json:"postal_code"`
	State      string `json:"state"`
}

func (p *postal) plain() models.Address {
	if p == nil {
		return models.Address{}
	}
	return models.Address{Line1: p.Line1, City: p.City, State: p.State, Zip: p.PostalCode, Country: p.Country}
}

type account struct {
	ID      string `json:"id"`
	Country string `json:"country"`
	Email   string `json:"email"`
	Profile struct {
		Name           string `json:"name"`
		SupportPhone   string `json:"support_phone"`
		SupportAddress postal `json:"support_address"`
	} `json:"business_profile"`
	Company struct {
		Address postal `json:"address"`
	} `json:"company"`
	Settings struct {
		Dashboard struct {
			DisplayName string `json:"display_name"`
			Timezone    string `json:"timezone"`
		} `json:"dashboard"`
	} `json:"settings"`
}

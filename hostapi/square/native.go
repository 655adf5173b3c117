package square

import (
	"encoding/json"
	"strings"
	"time"

	"extractor/models"
)

// The structs below hold what we use of Square's objects, in Square's words.
// https://developer.squareup.com/reference/square/objects/Order

type order struct {
	ID             string          `json:"id"`
	LocationID     string          `json:"location_id"`
	State          string          `json:"state"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
	ClosedAt       time.Time       `json:"closed_at"`
	LineItems      []line          `json:"line_items"`
	ServiceCharges []serviceCharge `json:"service_charges"`
	Fulfillments   []fulfillment   `json:"fulfillments"`
	Returns        []orderReturn   `json:"returns"`
	ReturnAmounts  *amounts        `json:"return_amounts"`
	Refunds        []orderRefund   `json:"refunds"`
	Tenders        []tender        `json:"tenders"`
	TotalMoney     *money          `json:"total_money"`
	TotalTipMoney  money           `json:"total_tip_money"`
	Rounding       rounding        `json:"rounding_adjustment"`
}

// line is a line item, sold or returned.
type line struct {
	SourceUID     string `json:"source_line_item_uid"`
	ItemType      string `json:"item_type"` // ITEM, CUSTOM_AMOUNT, GIFT_CARD
	TotalMoney    money  `json:"total_money"`
	TotalTaxMoney money  `json:"total_tax_money"`
}

// serviceCharge is a service charge, taken or returned.
type serviceCharge struct {
	UID           string `json:"uid"`
	SourceUID     string `json:"source_service_charge_uid"` // of a returned one: the charge of the sale
	Name          string `json:"name"`
	Type          string `json:"type"`           // AUTO_GRATUITY, CUSTOM; a returned one has none
	TreatmentType string `json:"treatment_type"` // LINE_ITEM_TREATMENT, APPORTIONED_TREATMENT
	TotalMoney    money  `json:"total_money"`
	TotalTaxMoney money  `json:"total_tax_money"`
}

type orderReturn struct {
	SourceOrderID  string          `json:"source_order_id"`
	LineItems      []line          `json:"return_line_items"`
	ServiceCharges []serviceCharge `json:"return_service_charges"`
	Tips           []struct {
		AppliedMoney money `json:"applied_money"`
	} `json:"return_tips"`
	Rounding rounding `json:"rounding_adjustment"`
	Amounts  *amounts `json:"return_amounts"`
}

type amounts struct {
	TotalMoney money `json:"total_money"`
}

type rounding struct {
	AmountMoney money `json:"amount_money"`
}

// orderRefund is a refund as an order lists it.
type orderRefund struct {
	ID     string `json:"id"`
	Status string `json:"status"` // PENDING, APPROVED, REJECTED, FAILED
}

type tender struct {
	ID        string `json:"id"`
	PaymentID string `json:"payment_id"`
}

// payment is the id of the tender's payment; older ones share the tender's id.
func (t tender) payment() string {
	if t.PaymentID != "" {
		return t.PaymentID
	}
	return t.ID
}

// paymentRefund is a refund of the Refunds API.
type paymentRefund struct {
	ID          string    `json:"id"`
	Status      string    `json:"status"` // PENDING, COMPLETED, REJECTED, FAILED
	LocationID  string    `json:"location_id"`
	OrderID     string    `json:"order_id"`
	PaymentID   string    `json:"payment_id"`
	AmountMoney money     `json:"amount_money"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type payment struct {
	OrderID   string   `json:"order_id"`
	RefundIDs []string `json:"refund_ids"`
}

type fulfillment struct {
	Type     string            `json:"type"`  // PICKUP, SHIPMENT, DELIVERY
	State    string            `json:"state"` // … CANCELED, FAILED
	Shipment fulfillmentDetail `json:"shipment_details"`
	Delivery fulfillmentDetail `json:"delivery_details"`
}

type fulfillmentDetail struct {
	Recipient struct {
		Address address `json:"address"`
	} `json:"recipient"`
}

type location struct {
	ID            string  `json:"id"`
	Name          string  `json:"name,omitempty"`
	Currency      string  `json:"currency,omitempty"`
	Timezone      string  `json:"timezone,omitempty"`
	Country       string  `json:"country,omitempty"`
	Address       address `json:"address"`
	BusinessEmail string  `json:"business_email,omitempty"`
	PhoneNumber   string  `json:"phone_number,omitempty"`
}

// place is the location's address; its country may be told apart from it.
func (l location) place() models.Address {
	a := l.Address.plain()
	if a != (models.Address{}) && a.Country == "" {
		a.Country = l.Country
	}
	return a
}

type address struct {
	Line1    string `json:"address_line_1,omitempty"`
	Locality string `json:"locality,omitempty"`
	District string `json:"administrative_district_level_1,omitempty"`
	Postal   string `json:"postal_code,omitempty"`
	Country  string `json:"country,omitempty"`
}

func (a address) plain() models.Address {
	return models.Address{Line1: a.Line1, City: a.Locality, State: a.District, Zip: a.Postal, Country: a.Country}
}

type merchant struct {
	ID             string `json:"id"`
	BusinessName   string `json:"business_name"`
	MainLocationID string `json:"main_location_id"`
}

// money is in the smallest unit of its currency.
type money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// cents is the amount in hundredths of the currency's main unit. The yen is the
// one currency of Square's countries without hundredths.
func (m money) cents() models.Amount {
	if strings.EqualFold(m.Currency, "JPY") {
		return models.Amount(m.Amount) * 100
	}
	return models.Amount(m.Amount)
}

// head is what reading takes of an order or a refund. It reads what it can:
// what is odd is Transform's to refuse.
type head struct {
	ID         text    `json:"id"`
	LocationID text    `json:"location_id"`
	OrderID    text    `json:"order_id"`
	CreatedAt  instant `json:"created_at"`
	UpdatedAt  instant `json:"updated_at"`
	ClosedAt   instant `json:"closed_at"`
	Returns    bool    `json:"-"` // something may be given back: there is a list of returns
}

// text is a string, and empty for whatever else.
type text string

// instant is a time, and zero for whatever else.
type instant struct{ time.Time }

// UnmarshalJSON takes anything.
func (i *instant) UnmarshalJSON(b []byte) error {
	if i.Time.UnmarshalJSON(b) != nil {
		i.Time = time.Time{}
	}
	return nil
}

// parcel is the body of a record: what Transform needs, as Square told it.
type parcel struct {
	Order    json.RawMessage   `json:"order,omitempty"`   // of a record of kind order
	Refund   json.RawMessage   `json:"refund,omitempty"`  // of a record of kind refund
	Location json.RawMessage   `json:"location"`          // where it happened
	Sources  []json.RawMessage `json:"sources,omitempty"` // the sales that are given back
	Refunds  []json.RawMessage `json:"refunds,omitempty"` // of the same payments, the record's own ones and others
	Returns  []json.RawMessage `json:"returns,omitempty"` // the return orders of those others
}

// evidence is a parcel, opened.
type evidence struct {
	Order    *order          `json:"order"`
	Refund   *paymentRefund  `json:"refund"`
	Location location        `json:"location"`
	Sources  []order         `json:"sources"`
	Refunds  []paymentRefund `json:"refunds"`
	Returns  []order         `json:"returns"`

	zone *time.Location // of Location
}

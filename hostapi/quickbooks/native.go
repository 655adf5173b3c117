package quickbooks

// The structs below hold what we use of QuickBooks' objects, in QuickBooks' words.
// https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/salesreceipt

// document is a SalesReceipt, Invoice, RefundReceipt or CreditMemo.
type document struct {
	ID           string    `json:"Id"`
	Status       string    `json:"status"` // Deleted, in change data capture
	TxnDate      string    `json:"TxnDate"`
	DocNumber    string    `json:"DocNumber"`
	PrivateNote  string    `json:"PrivateNote"`
	CurrencyRef  reference `json:"CurrencyRef"`
	TaxMode      string    `json:"GlobalTaxCalculation"` // TaxExcluded, TaxInclusive, NotApplicable; outside the US
	Lines        []line    `json:"Line"`
	TxnTaxDetail struct {
		TotalTax exact `json:"TotalTax"`
	} `json:"TxnTaxDetail"`
	TotalAmt              *exact   `json:"TotalAmt"`
	Balance               *exact   `json:"Balance"`
	ApplyTaxAfterDiscount bool     `json:"ApplyTaxAfterDiscount"`
	BillAddr              *address `json:"BillAddr"`
	ShipAddr              *address `json:"ShipAddr"`
	ShipFromAddr          *address `json:"ShipFromAddr"`

	PaidOn string `json:"paidOn"` // not QuickBooks': put in by withPaidOn
}

// line is a line of a document. What its amount means is told by DetailType.
type line struct {
	Amount     exact  `json:"Amount"`
	DetailType string `json:"DetailType"`
	Item       struct {
		ItemRef    reference `json:"ItemRef"`
		TaxCodeRef reference `json:"TaxCodeRef"`
	} `json:"SalesItemLineDetail"`
	Group struct {
		Lines []line `json:"Line"`
	} `json:"GroupLineDetail"`
}

// The kinds of line that count. The others, SubTotalLineDetail and
// DescriptionOnly, repeat or explain.
const (
	lineItem     = "SalesItemLineDetail"
	lineDiscount = "DiscountLineDetail"
	lineGroup    = "GroupLineDetail"
)

const (
	shippingItem = "SHIPPING_ITEM_ID" // the product behind a form's field "Shipping"
	notTaxed     = "NON"              // the tax code for what is not taxed
	taxInclusive = "TaxInclusive"
	deleted      = "Deleted"
)

type reference struct {
	Value string `json:"value"`
}

// address is an address, in fields or in lines of free text.
type address struct {
	Line1   string `json:"Line1"`
	Line2   string `json:"Line2"`
	Line3   string `json:"Line3"`
	Line4   string `json:"Line4"`
	Line5   string `json:"Line5"`
	City    string `json:"City"`
	State   string `json:"CountrySubDivisionCode"`
	Postal  string `json:"PostalCode"`
	Country string `json:"Country"`
}

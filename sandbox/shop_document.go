package sandbox

import (
	"fmt"
	"slices"
	"time"

	"extractor/models"
)

// stampLayout is how the shop writes instants.
const stampLayout = "2006-01-02T15:04:05.000Z"

// money is an amount as the shop writes it: a decimal in a string.
type money models.Amount

// MarshalText makes the decimal.
func (m money) MarshalText() ([]byte, error) { return models.Amount(m).AppendTo(nil), nil }

// The states of an order.
const (
	statusPaid      = "paid"
	statusPending   = "pending"
	statusCancelled = "cancelled"
)

// document is an order as the shop's API shows it.
type document struct {
	ID              string       `json:"id"`
	Version         int64        `json:"version"`
	Number          string       `json:"number"`
	Shop            string       `json:"shop"`
	Zone            string       `json:"zone"`
	Status          string       `json:"status"`
	Test            bool         `json:"test"`
	Channel         string       `json:"channel"`
	CreatedAt       string       `json:"createdAt"`
	UpdatedAt       string       `json:"updatedAt"`
	PaidAt          *string      `json:"paidAt"`
	CancelledAt     *string      `json:"cancelledAt"`
	Currency        string       `json:"currency"`
	Totals          totals       `json:"totals"`
	Lines           []line       `json:"lines"`
	Shipping        *shipping    `json:"shipping"`
	ShippingAddress *address     `json:"shippingAddress"`
	PickupLocation  *address     `json:"pickupLocation"`
	BillingAddress  *address     `json:"billingAddress"`
	Customer        customer     `json:"customer"`
	Payments        []payment    `json:"payments"`
	Refunds         []refund     `json:"refunds"`
	Fulfilments     []fulfilment `json:"fulfilments"`
	Attributes      []attribute  `json:"attributes"`
	Tags            []string     `json:"tags"`
	Note            *string      `json:"note"`
	StatusURL       string       `json:"statusUrl"`
	LandingPage     string       `json:"landingPage"`
}

// totals are what the customer was charged: Total = Goods + GiftCards + Tax + Shipping + ShippingTax + Tip.
type totals struct {
	Goods       money `json:"goods"` // after discounts
	Discount    money `json:"discount"`
	GiftCards   money `json:"giftCards"`
	Tax         money `json:"tax"`
	Shipping    money `json:"shipping"`
	ShippingTax money `json:"shippingTax"`
	Tip         money `json:"tip"`
	Total       money `json:"total"`
}

// The kinds of line.
const (
	lineGoods    = "goods"
	lineGiftCard = "giftCard"
)

type line struct {
	ID          string      `json:"id"`
	Kind        string      `json:"kind"`
	SKU         string      `json:"sku"`
	Title       string      `json:"title"`
	Variant     string      `json:"variant"`
	Vendor      string      `json:"vendor"`
	Quantity    int         `json:"quantity"`
	UnitPrice   money       `json:"unitPrice"`
	Discount    money       `json:"discount"`
	Amount      money       `json:"amount"` // after the discount, without tax
	Tax         money       `json:"tax"`
	TaxLines    []taxLine   `json:"taxLines"`
	Weight      int         `json:"weight"`
	Taxable     bool        `json:"taxable"`
	Description string      `json:"description"`
	Image       string      `json:"image"`
	Options     []attribute `json:"options"`
}

type taxLine struct {
	Title        string `json:"title"`
	Jurisdiction string `json:"jurisdiction"`
	Rate         string `json:"rate"`
	Amount       money  `json:"amount"`
}

type shipping struct {
	Method   string    `json:"method"`
	Carrier  string    `json:"carrier"`
	Amount   money     `json:"amount"`
	Tax      money     `json:"tax"`
	TaxLines []taxLine `json:"taxLines"`
}

type address struct {
	Name      string `json:"name"`
	Company   string `json:"company"`
	Line1     string `json:"line1"`
	Line2     string `json:"line2"`
	City      string `json:"city"`
	State     string `json:"state"`
	Zip       string `json:"zip"`
	Country   string `json:"country"`
	Phone     string `json:"phone"`
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
}

type customer struct {
	ID             string   `json:"id"`
	FirstName      string   `json:"firstName"`
	LastName       string   `json:"lastName"`
	Email          string   `json:"email"`
	Phone          string   `json:"phone"`
	Orders         int      `json:"orders"`
	Spent          money    `json:"spent"`
	Locale         string   `json:"locale"`
	Marketing      bool     `json:"marketing"`
	DefaultAddress *address `json:"defaultAddress"`
}

type payment struct {
	ID        string `json:"id"`
	Method    string `json:"method"` // a gift card used to pay is a payment, not a discount
	Gateway   string `json:"gateway"`
	Amount    money  `json:"amount"`
	Reference string `json:"reference"`
	CreatedAt string `json:"createdAt"`
}

// refund gives money back: by lines and shipping, or, when both are absent, an amount only.
type refund struct {
	ID        string          `json:"id"`
	CreatedAt string          `json:"createdAt"`
	Reason    string          `json:"reason"`
	Amount    money           `json:"amount"`
	Lines     []refundLine    `json:"lines"`
	Shipping  *refundShipping `json:"shipping"`
}

type refundLine struct {
	LineID   string `json:"lineId"`
	Quantity int    `json:"quantity"`
	Amount   money  `json:"amount"`
	Tax      money  `json:"tax"`
}

type refundShipping struct {
	Amount money `json:"amount"`
	Tax    money `json:"tax"`
}

type fulfilment struct {
	ID        string   `json:"id"`
	Status    string   `json:"status"`
	Tracking  string   `json:"tracking"`
	URL       string   `json:"url"`
	LineIDs   []string `json:"lineIds"`
	CreatedAt string   `json:"createdAt"`
}

type attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// add sums the totals anew after a change of lines or shipping.
func (d *document) add() {
	t := totals{Tip: d.Totals.Tip}
	for _, l := range d.Lines {
		t.Discount += l.Discount
		t.Tax += l.Tax
		if l.Kind == lineGiftCard {
			t.GiftCards += l.Amount
		} else {
			t.Goods += l.Amount
		}
	}
	if d.Shipping != nil {
		t.Shipping, t.ShippingTax = d.Shipping.Amount, d.Shipping.Tax
	}
	t.Total = t.Goods + t.GiftCards + t.Tax + t.Shipping + t.ShippingTax + t.Tip
	d.Totals = t
}

// sale is what counts of the order for sales tax.
func (d *document) sale() money { return d.Totals.Total - d.Totals.Tip - d.Totals.GiftCards }

// refunded is what was given back of the sale so far.
func (d *document) refunded() (sum money) {
	for _, r := range d.Refunds {
		sum += r.Amount
	}
	return sum
}

// amountOnly reports whether an earlier refund names no lines.
func (d *document) amountOnly() bool {
	return slices.ContainsFunc(d.Refunds, func(r refund) bool { return r.byAmount() })
}

func (r refund) byAmount() bool { return r.Lines == nil && r.Shipping == nil }

// refundAmount gives back part of the sale without saying what for.
func (d *document) refundAmount(amount money, at time.Time) error {
	if left := d.sale() - d.refunded(); amount <= 0 || amount > left {
		return fmt.Errorf("between 0.01 and %s can be given back", models.Amount(left))
	}
	d.Refunds = append(d.Refunds, refund{
		ID: d.nextRefund(), CreatedAt: at.Format(stampLayout), Reason: "goodwill", Amount: amount,
	})
	return nil
}

// refundLines gives back one line (index), or, with index < 0, all that is left.
func (d *document) refundLines(index int, at time.Time) error {
	r := refund{ID: d.nextRefund(), CreatedAt: at.Format(stampLayout), Reason: "returned", Lines: []refundLine{}}
	for i, l := range d.Lines {
		if l.Kind == lineGoods && (index < 0 || index == i) && !d.returned(l.ID) {
			r.Lines = append(r.Lines, refundLine{LineID: l.ID, Quantity: l.Quantity, Amount: l.Amount, Tax: l.Tax})
			r.Amount += l.Amount + l.Tax
		}
	}
	if index < 0 && d.Shipping != nil && !d.shippingReturned() {
		r.Shipping = &refundShipping{Amount: d.Shipping.Amount, Tax: d.Shipping.Tax}
		r.Amount += d.Shipping.Amount + d.Shipping.Tax
	}
	if r.Amount == 0 {
		return fmt.Errorf("nothing is left to give back")
	}
	d.Refunds = append(d.Refunds, r)
	return nil
}

func (d *document) nextRefund() string { return fmt.Sprint(len(d.Refunds) + 1) }

// returned reports whether an earlier refund gave this line back.
func (d *document) returned(lineID string) bool {
	return slices.ContainsFunc(d.Refunds, func(r refund) bool {
		return slices.ContainsFunc(r.Lines, func(l refundLine) bool { return l.LineID == lineID })
	})
}

func (d *document) shippingReturned() bool {
	return slices.ContainsFunc(d.Refunds, func(r refund) bool { return r.Shipping != nil })
}

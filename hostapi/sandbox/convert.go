package sandbox

import (
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// Why an order is known and not sent. Skipped orders are counted under these words.
const (
	skipTest      = "test order"
	skipPending   = "not paid yet"
	skipGiftCards = "gift cards only"
)

// Transform says what an order means for sales tax: one sale, and one refund
// for each time money was given back. It is pure: it asks nobody, keeps nothing,
// and gives the same answer for the same record, so it can be reviewed by
// reading testdata.
//
// An error of kind Refused sets this one order aside with its sentence, which
// the merchant reads. No items at all is an answer too: the engine then takes
// back what was sent for the order before.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	var o order
	if err := o.read(r.Body); err != nil {
		return nil, models.Errorf(models.Refused, "This order cannot be read.").Because(err)
	}
	if o.Status == "cancelled" {
		return nil, nil // never happened, as far as taxes are concerned
	}
	zone, err := h.zones.Load(o.Zone)
	if err != nil || o.Totals == nil {
		return nil, models.Errorf(models.Refused, "This order has no totals or no time zone we know.").Because(err)
	}
	items := make([]models.Item, 0, 1+len(o.Refunds))
	if items, err = o.addSale(items, r.Key, zone); err != nil {
		return nil, err
	}
	if items, err = o.addRefunds(items, r.Key, zone); err != nil {
		return nil, err
	}
	o.skip(items)
	return items, nil
}

// skip marks all items of an order that does not count.
func (o *order) skip(items []models.Item) {
	reason := ""
	switch {
	case o.Test:
		reason = skipTest
	case o.Status != "paid":
		reason = skipPending
	case o.shares().Total() == 0 && o.Totals.GiftCards != 0:
		reason = skipGiftCards
	}
	for i := range items {
		items[i].Skip = reason
	}
}

// addSale adds the sale of an order. Its key is the order's id.
func (o *order) addSale(items []models.Item, key string, zone *time.Location) ([]models.Item, error) {
	when := o.CreatedAt
	if o.PaidAt != nil {
		when = *o.PaidAt // a sale belongs to the day it was paid
	}
	s, err := o.newSale(when, o.shares(), zone)
	if err != nil {
		return nil, err
	}
	s.Description = "Order " + o.Number
	// What the customer was charged, less what is no sale. The policy compares it
	// with the sum of the four amounts and marks any difference for review.
	charged := o.Totals.Total - o.Totals.Tip - o.Totals.GiftCards
	s.Charged = &charged
	return append(items, models.Item{Kind: models.KindSale, Key: key, Sale: s}), nil
}

// addRefunds adds an item for each refund, with a key of its own: the target
// knows items by key and kind, so two refunds under one key would overwrite
// each other.
func (o *order) addRefunds(items []models.Item, key string, zone *time.Location) ([]models.Item, error) {
	if len(o.Refunds) == 0 {
		return items, nil
	}
	// A refund of an amount only is split as the rest of the sale is; the last one
	// takes what is left, so that all refunds together never differ by a cent.
	shares := models.Prorate(o.shares(), o.paidBack())
	for i := range o.Refunds {
		r := &o.Refunds[i]
		if r.ID == "" {
			return nil, models.Errorf(models.Refused, "A refund of this order has no id.")
		}
		s, err := o.newSale(r.CreatedAt, shares[i], zone) // a refund belongs to its own day
		if err != nil {
			return nil, err
		}
		s.Description = "Refund " + r.ID + " of order " + o.Number
		s.Charged = &r.Amount
		if r.byAmount() {
			s.Review("The shop gives no tax for this refund; it was split as the sale was.")
		}
		items = append(items, models.Item{Kind: models.KindRefund, Key: key + "-r" + r.ID, Sale: s})
	}
	return items, nil
}

// paidBack is the order's refunds as models.Prorate wants them.
func (o *order) paidBack() []models.PaidBack {
	all := make([]models.PaidBack, len(o.Refunds))
	for i := range o.Refunds {
		r := &o.Refunds[i]
		all[i] = models.PaidBack{Amount: r.Amount}
		if !r.byAmount() {
			all[i].Known = r.shares()
		}
	}
	return all
}

// newSale makes a sale or refund of its moment and its four amounts, with what
// the order knows of places. Which place counts is decided by the policy that
// all hosts share.
func (o *order) newSale(at string, amounts models.Shares, zone *time.Location) (*models.Sale, error) {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return nil, models.Errorf(models.Refused, "A date of this order cannot be read.").Because(err)
	}
	return &models.Sale{
		Date: models.LocalTimeIn(t, zone), At: t.UTC(), Currency: o.Currency, Places: o.places(),
		SalesAmount: amounts.SalesAmount, SalesTax: amounts.SalesTax,
		ShippingAmount: amounts.ShippingAmount, ShippingTax: amounts.ShippingTax,
	}, nil
}

// places are the addresses of the order, with what each is to the sale.
func (o *order) places() []models.Place {
	all := make([]models.Place, 0, 3)
	for _, p := range []struct {
		kind models.PlaceKind
		at   *models.Address
	}{{models.PlaceShipping, o.ShippingAddress}, {models.PlacePickup, o.PickupLocation}, {models.PlaceBilling, o.BillingAddress}} {
		if p.at != nil {
			all = append(all, models.Place{Kind: p.kind, Address: *p.at})
		}
	}
	return all
}

// shares are the order's four amounts, of its lines and its shipping.
func (o *order) shares() (s models.Shares) {
	for i := range o.Lines {
		if l := &o.Lines[i]; !l.GiftCard { // a gift card sold is taxed when it is spent
			s.SalesAmount += l.Amount
			s.SalesTax += l.Tax
		}
	}
	if o.Shipping != nil {
		s.ShippingAmount, s.ShippingTax = o.Shipping.Amount, o.Shipping.Tax
	}
	return s
}

// shares are the four amounts of a refund that names what it gives back.
func (r *refund) shares() *models.Shares {
	var s models.Shares
	for i := range r.Lines {
		s.SalesAmount += r.Lines[i].Amount
		s.SalesTax += r.Lines[i].Tax
	}
	if r.Shipping != nil {
		s.ShippingAmount, s.ShippingTax = r.Shipping.Amount, r.Shipping.Tax
	}
	return &s
}

// byAmount reports whether the refund says nothing but how much.
func (r *refund) byAmount() bool { return r.Lines == nil && r.Shipping == nil }

// What follows is the host's own shape, as far as it matters here. What is not
// named is not read; read.go tells the names.

type order struct {
	Number          string
	Zone            string // IANA name
	Status          string // paid, pending, cancelled
	Test            bool
	CreatedAt       string // RFC 3339
	PaidAt          *string
	Currency        string // ISO 4217
	Totals          *totals
	Lines           []line
	Shipping        *split
	ShippingAddress *models.Address
	PickupLocation  *models.Address
	BillingAddress  *models.Address
	Refunds         []refund
}

type totals struct{ Total, Tip, GiftCards models.Amount }

// giftCard is the kind of a line that sells one.
const giftCard = "giftCard"

type line struct {
	GiftCard bool
	Amount   models.Amount // after discounts, without tax
	Tax      models.Amount
}

type split struct {
	Amount models.Amount `json:"amount"` // without tax
	Tax    models.Amount `json:"tax"`
}

type refund struct {
	ID        string        `json:"id"` // unique within its order
	CreatedAt string        `json:"createdAt"`
	Amount    models.Amount `json:"amount"`
	Lines     []split       `json:"lines"` // absent with Shipping: an amount only
	Shipping  *split        `json:"shipping"`
}

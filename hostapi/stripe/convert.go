package stripe

import (
	"slices"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// The reasons for which an item is not sent.
const (
	skipTest    = "test payment"
	skipNothing = "only tips or free items"
)

// Sentences for the person who reviews.
const (
	reviewBare     = "Stripe tells only the amount of this payment, so all of it is counted as goods without tax."
	reviewNoTax    = "Stripe does not tell the tax of this payment, so it is counted as none."
	reviewCurrency = "The order and its payment are in different currencies."
	reviewUndated  = "Stripe does not say when this invoice was paid, so the day it was made was used."
	reviewCredit   = "This invoice came to less than nothing, and Stripe credited that to the customer."
)

// Transform makes a sale of a payment or invoice, and a refund of each time
// money was given back.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	var e evidence
	if err := e.read(r.Body); err != nil {
		return nil, models.Errorf(models.Refused, "Stripe sent this %s in a form that we cannot read. It is tried again after our next update.", r.Kind).Because(err)
	}
	if e.Moved != "" {
		return nil, nil // an invoice's record has it now
	}
	zone, err := h.zones.Load(e.Zone)
	if err != nil {
		return nil, models.Errorf(models.Refused, "The time zone of this Stripe account is not known. Check it in Stripe under Settings, Account details.").Because(err)
	}
	d, counts, err := e.deal(r)
	if err != nil || !counts {
		return nil, err
	}
	d.key, d.zone = r.Key, zone
	items, err := d.items(&e)
	if d.test(h.live) {
		for i := range items {
			items[i].Skip = skipTest
		}
	}
	return items, err
}

// deal is what was sold, whoever told it.
type deal struct {
	key         string
	description string
	at          int64 // Unix seconds
	money       money
	livemode    *bool
	shares      models.Shares
	charged     models.Amount // in all, tips included
	places      []models.Place
	reviews     []string
	zone        *time.Location
}

// test reports whether it is of the mode that our key does not open.
func (d *deal) test(live bool) bool { return live && d.livemode != nil && !*d.livemode }

// deal asks the first of session, invoice, intent and charge that is there.
// counts is false for what was not, or not yet, paid.
func (e *evidence) deal(r hostapi.Record) (d *deal, counts bool, err error) {
	if r.Kind == kindInvoice {
		if e.Invoice == nil {
			return nil, false, models.Errorf(models.Refused, "Stripe sent this invoice without its content. It is tried again after our next update.")
		}
		return e.invoiceDeal(), e.Invoice.Status == "paid", nil
	}
	if len(e.Payments) == 0 {
		return nil, false, models.Errorf(models.Refused, "Stripe sent this payment without its content. It is tried again after our next update.")
	}
	p := &e.Payments[0]
	if p.Charge == nil || !p.Charge.counts() {
		return nil, false, nil
	}
	return e.paymentDeal(p, r.Key), true, nil
}

// counts reports whether money was taken.
func (c *charge) counts() bool { return c.Status == "succeeded" && c.Captured }

// taken is how much. A charge can be captured in part.
func (c *charge) taken() int64 {
	if c.AmountCaptured > 0 {
		return c.AmountCaptured
	}
	return c.Amount
}

// paymentDeal is what one payment was for.
func (e *evidence) paymentDeal(p *paidPayment, key string) *deal {
	c := p.Charge
	d := &deal{at: c.Created, money: moneyOf(c.Currency), livemode: c.Livemode, description: "Payment " + key}
	d.charged = d.money.cents(c.taken())
	d.places = e.placesOf(p)
	switch {
	case e.Session != nil:
		d.bySession(e.Session)
	case p.Intent != nil:
		d.byIntent(p.Intent)
	default:
		d.shares.SalesAmount = d.charged
		d.review(reviewBare)
	}
	return d
}

func (d *deal) review(sentence string) {
	if !slices.Contains(d.reviews, sentence) {
		d.reviews = append(d.reviews, sentence)
	}
}

// items are the sale, and what was given back of it.
func (d *deal) items(e *evidence) ([]models.Item, error) {
	items := make([]models.Item, 0, 1+len(e.Notes)+len(e.Payments))
	items = append(items, d.saleItem())
	gifts, err := d.gifts(e)
	if err != nil {
		return nil, err
	}
	for i := range gifts {
		items = append(items, d.refundItem(&gifts[i]))
	}
	return items, nil
}

func (d *deal) saleItem() models.Item {
	s := d.newSale(d.at, d.shares)
	s.Description = d.description
	for _, sentence := range d.reviews {
		s.Review(sentence)
	}
	s.Charged = pointer(d.charged - d.shares.Excluded)
	item := models.Item{Kind: models.KindSale, Key: d.key, Sale: s}
	if d.below() {
		return d.creditItem(item)
	}
	return skipEmpty(item)
}

// below reports whether an invoice gives more than it takes, as one for a
// change to a smaller plan does.
func (d *deal) below() bool {
	s := d.shares
	return s.Total() < 0 && s.SalesAmount <= 0 && s.SalesTax <= 0 && s.ShippingAmount <= 0 && s.ShippingTax <= 0
}

// creditItem turns the sale of such an invoice into a refund.
func (d *deal) creditItem(item models.Item) models.Item {
	s := item.Sale
	item.Kind = models.KindRefund
	s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax = -s.SalesAmount, -s.SalesTax, -s.ShippingAmount, -s.ShippingTax
	s.Charged = pointer(-*s.Charged)
	s.Review(reviewCredit)
	return item
}

// newSale leaves the date empty where there is none, for the policy to refuse.
func (d *deal) newSale(at int64, shares models.Shares) *models.Sale {
	s := &models.Sale{
		Currency: string(d.money), Places: d.places,
		SalesAmount: shares.SalesAmount, SalesTax: shares.SalesTax,
		ShippingAmount: shares.ShippingAmount, ShippingTax: shares.ShippingTax,
	}
	if at > 0 && at < farFuture {
		t := time.Unix(at, 0)
		s.At, s.Date = t.UTC(), models.LocalTimeIn(t, d.zone)
	}
	return s
}

// farFuture is the first second of the year 10000, which no date can hold.
const farFuture = 253402300800

// skipEmpty leaves out what has no money in it. Where money moved and the amounts
// are nothing, as in a refund above what the sale still holds, a person has to look.
func skipEmpty(item models.Item) models.Item {
	if item.Sale.Total() == 0 && *item.Sale.Charged == 0 {
		item.Skip = skipNothing
	}
	return item
}

func pointer[T any](v T) *T { return &v }

package bigcommerce

import (
	"strconv"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// The statuses of an order that matter here; a shop may rename them, but their
// numbers stay.
// https://developer.bigcommerce.com/docs/rest-management/orders/order-status
const (
	statusIncomplete      = 0
	statusPending         = 1
	statusRefunded        = 4
	statusCancelled       = 5
	statusDeclined        = 6
	statusAwaitingPayment = 7
	statusVerification    = 12
	statusDisputed        = 13
	statusPartlyRefunded  = 14
)

// Why an order is known and not sent.
const (
	skipNothing = "only gift certificates or free items"
	skipTest    = "test order"
	skipDeleted = "deleted order"
)

// skipStatus are the statuses in which an order does not count, or not yet.
// What was sent before is then taken back.
var skipStatus = map[int64]string{
	statusIncomplete:      "incomplete order",
	statusPending:         "pending order",
	statusCancelled:       "cancelled order",
	statusDeclined:        "declined order",
	statusAwaitingPayment: "not paid yet",
	statusVerification:    "waits for manual verification",
}

// testGateway is the payment method of orders that try a shop out.
const testGateway = "Test Payment Gateway"

// Sentences for the person who reviews.
const (
	reviewDisputed  = "The payment of this order is disputed."
	reviewUnmatched = "This order is marked as refunded, but BigCommerce lists no refund of it; check whether money was given back."
	reviewFees      = "This order has fees that are not part of BigCommerce's total; they are counted as a sale."
	reviewFeesOdd   = "BigCommerce's total does not show whether it contains this order's fees; they are taken to be part of it."
)

// Transform makes a sale of an order, for each address it was sent to, and a
// refund of each refund.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	var e evidence
	if e.open(r.Body) != nil {
		return nil, models.Errorf(models.Refused, "BigCommerce sent this %s in a form that we cannot read. It is tried again after our next update.", r.Kind).Because(errUnopened)
	}
	zone, err := h.zones.Load(e.Store.Zone)
	if err != nil {
		return nil, models.Errorf(models.Refused, "The time zone of this store is not known. Check it in BigCommerce under Settings, Store profile.").Because(err)
	}
	e.zone = zone
	if o := e.Order; o != nil && (o.TotalExTax == nil || o.TotalIncTax == nil || o.TotalTax == nil || o.ID <= 0) {
		return nil, models.Errorf(models.Refused, "BigCommerce sent this order without its id or totals. It is tried again after our next update.")
	}
	switch {
	case r.Kind == kindOrder && e.Order != nil:
		return e.saleItems(), nil
	case r.Kind == kindRefund && e.refund() != nil && e.Order != nil:
		return e.refundItems(), nil
	case r.Kind == kindRefund && e.refund() != nil:
		return nil, models.Errorf(models.Refused, "BigCommerce does not know the order of this refund any more, so its currency and address cannot be read.")
	}
	return nil, models.Errorf(models.Refused, "BigCommerce sent this %s without its id or content. It is tried again after our next update.", r.Kind)
}

// uncounted is why an order does not count; "" when it does.
func (o *order) uncounted() string {
	switch {
	case o.IsDeleted:
		return skipDeleted
	case o.PaymentMethod == testGateway:
		return skipTest
	}
	return skipStatus[o.StatusID]
}

// saleItems are what an order means.
func (e *evidence) saleItems() []models.Item {
	o := e.Order
	key := strconv.FormatInt(o.ID, 10)
	b := batch{kind: models.KindSale, key: key, at: parseDate(o.DateCreated), description: "Order " + key + o.source()}
	if reason := o.uncounted(); reason != "" {
		return e.uncounted(b, reason)
	}
	t := e.total()
	b.Shares, b.charged, b.reviews = t.Shares, t.charged, t.reviews
	if o.StatusID == statusDisputed {
		b.reviews = append(b.reviews, reviewDisputed)
	}
	if e.Unmatched {
		b.reviews = append(b.reviews, reviewUnmatched)
	}
	legs := e.legs()
	each, exact := e.splitSale(t, legs)
	if !exact {
		b.reviews = append(b.reviews, reviewSplit)
	}
	return e.items(b, legs, each)
}

// source names where an order came from, if not from the shop's own pages.
func (o *order) source() string {
	if o.OrderSource == "" || o.OrderSource == "www" {
		return ""
	}
	return " (" + o.OrderSource + ")"
}

// uncounted is one item under the record's own key, for whatever addresses.
func (e *evidence) uncounted(b batch, reason string) []models.Item {
	return []models.Item{{Kind: b.kind, Key: b.key, Skip: reason, Sale: e.newSale(b)}}
}

// batch is what becomes one item or, for several addresses, some.
type batch struct {
	models.Shares
	kind, key, description string
	at                     time.Time
	charged                models.Amount
	reviews                []string
}

// items makes an item of each share. What BigCommerce charged beyond the sum of
// the amounts is told with the last, where models.Policy names it.
func (e *evidence) items(b batch, legs []leg, each []models.Shares) []models.Item {
	items := make([]models.Item, len(each))
	difference := b.charged - sold(b.Shares)
	for i, share := range each {
		s := e.newSale(b)
		s.SalesAmount, s.SalesTax = share.SalesAmount, share.SalesTax
		s.ShippingAmount, s.ShippingTax = share.ShippingAmount, share.ShippingTax
		s.Places = e.places(legs[i])
		for _, sentence := range b.reviews {
			s.Review(sentence)
		}
		charged := s.Total()
		if i == len(each)-1 {
			charged += difference
		}
		s.Charged = &charged
		items[i] = models.Item{Kind: b.kind, Key: b.key + legs[i].suffix, Sale: s}
		if charged == 0 && s.Total() == 0 {
			items[i].Skip = skipNothing
		}
	}
	return items
}

// sold is the sum without what belongs to no sale.
func sold(s models.Shares) models.Amount { return s.Total() - s.Excluded }

// newSale is an item's sale without amounts and places. A missing date is left
// empty, for the policy to refuse.
func (e *evidence) newSale(b batch) *models.Sale {
	s := &models.Sale{Currency: e.currency(), ShipFrom: e.Store.From, Description: b.description}
	if !b.at.IsZero() {
		s.At, s.Date = b.at.UTC(), models.LocalTimeIn(b.at, e.zone)
	}
	return s
}

// currency is the one that was paid in.
func (e *evidence) currency() string {
	if e.Order.DefaultCurrency != "" {
		return e.Order.DefaultCurrency
	}
	return e.Order.CurrencyCode
}

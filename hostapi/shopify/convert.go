package shopify

import (
	"bytes"
	"slices"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// Why an order or a part of it is known and not sent.
const (
	skipTest    = "test order"
	skipVoided  = "payment voided"
	skipPending = "not paid yet"
	skipNothing = "only gift cards, tips or free items"
)

// Transform makes a sale of what is positive in each agreement of an order, and
// a refund of what is negative.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	b := &parcel{}
	if err := b.read(r.Body); err != nil {
		if models.KindOf(err) == models.Refused { // it says what is wrong
			return nil, err
		}
		return nil, models.Errorf(models.Refused, "Shopify sent this order in a form that we cannot read. It is tried again after our next update.").Because(errShape)
	}
	zone, err := h.zones.Load(string(b.Zone))
	if err != nil {
		return nil, models.Errorf(models.Refused, "The time zone of this shop is not known. Check it in Shopify under Settings, General.").Because(err)
	}
	o := &b.Order
	if err := o.check(); err != nil {
		return nil, err
	}
	c := converter{order: o, key: r.Key, zone: zone, skip: o.skip(), places: o.places(), items: make([]models.Item, 0, len(o.Agreements))}
	for i := range o.Agreements {
		c.add(&o.Agreements[i])
	}
	return c.items, nil
}

// check refuses what is not whole, and brings the agreements into the order in
// which they were made.
func (o *order) check() error {
	list := o.Agreements
	if len(o.ID) == 0 || len(list) == 0 {
		return models.Errorf(models.Refused, "Shopify sent this order without its id or its sales. It is tried again after our next update.")
	}
	if o.CutOff {
		return cutOff()
	}
	sorted := true
	for i := range list {
		a := &list[i]
		if !a.dated || len(a.ID) == 0 {
			return models.Errorf(models.Refused, "A part of this order has no date or no id at Shopify. It is tried again after our next update.")
		}
		if a.CutOff {
			return cutOff()
		}
		sorted = sorted && (i == 0 || !a.at.Before(list[i-1].at))
	}
	if !sorted {
		slices.SortStableFunc(list, func(a, b agreement) int { return a.at.Compare(b.at) })
	}
	return nil
}

func cutOff() error {
	return models.Errorf(models.Refused, "This order is longer than what was read of it. It is tried again after our next update.")
}

// skip is why the order as a whole does not count.
func (o *order) skip() string {
	if o.Test {
		return skipTest
	}
	switch string(o.Status) {
	case "VOIDED", "EXPIRED":
		return skipVoided
	case "PENDING", "AUTHORIZED":
		return skipPending
	}
	return ""
}

// converter makes the items of one order, agreement after agreement.
type converter struct {
	order  *order
	key    string
	zone   *time.Location
	skip   string
	places []models.Place // the same for all items

	items []models.Item
	held  models.Shares     // all that was sold so far
	given []models.PaidBack // all that was given back so far
}

// add makes the items of an agreement. One without any sales, such as a return
// that was only announced, means nothing.
func (c *converter) add(a *agreement) {
	e := &a.entry
	if string(a.Reason) == "UNKNOWN" {
		e.notes |= noteAction
	}
	if !e.up.empty() || e.down.empty() && a.Lines > 0 {
		c.held = plus(c.held, e.up.shares)
		c.emit(models.KindSale, a, &e.up)
	}
	if !e.down.empty() {
		c.giveBack(e)
		c.emit(models.KindRefund, a, &e.down)
	}
}

// giveBack keeps account of what was given back, and divides what names no line.
func (c *converter) giveBack(e *entry) {
	back := models.PaidBack{Amount: e.down.charged + e.down.shares.Excluded}
	if e.down.amountOnly() {
		made := models.Prorate(c.held, append(slices.Clone(c.given), back))
		e.down.shares = made[len(made)-1]
		e.down.charged = back.Amount - e.down.shares.Excluded
		e.notes = e.notes&^noteAdjustment | noteProrated
	}
	known := e.down.shares
	back.Known = &known
	c.given = append(c.given, back)
}

// emit adds an item with one side of an agreement.
func (c *converter) emit(kind string, a *agreement, of *side) {
	o := c.order
	made := &struct { // one piece of memory
		models.Sale
		charged models.Amount
	}{models.Sale{
		Date: models.LocalTimeIn(a.at, c.zone), At: a.at.UTC(), Currency: o.Currency,
		SalesAmount: of.shares.SalesAmount, SalesTax: of.shares.SalesTax,
		ShippingAmount: of.shares.ShippingAmount, ShippingTax: of.shares.ShippingTax,
		Description: o.describe(kind, a.entry.notes),
		Places:      c.places, ShipFrom: o.Origin.Address,
	}, of.charged}
	made.Charged = &made.charged
	s := &made.Sale
	review(s, o.notes()|a.entry.notes)
	item := models.Item{Kind: kind, Key: c.key + "-" + string(lastPart(a.ID)), Skip: c.skip, Sale: s}
	if item.Skip == "" && s.Total() == 0 && of.charged == 0 {
		item.Skip = skipNothing
	}
	c.items = append(c.items, item)
}

// lastPart is the number at the end of a global id.
func lastPart(gid []byte) []byte { return gid[bytes.LastIndexByte(gid, '/')+1:] }

// describe names the order as the merchant does, and says who else remits.
func (o *order) describe(kind string, n notes) string {
	text := "Order " + string(o.Name)
	if kind == models.KindRefund {
		text = "Refund of order " + string(o.Name)
	}
	if n&noteChannel != 0 {
		text += ", tax remitted by the sales channel"
	}
	if o.MerchantOfRecord {
		text += ", sold by a merchant of record"
	}
	return text
}

// places are the addresses of the order, with what each is to the sale.
func (o *order) places() []models.Place {
	all := make([]models.Place, 0, 3)
	for _, p := range [...]struct {
		kind models.PlaceKind
		of   *orderAddress
	}{{models.PlaceShipping, &o.Shipping}, {models.PlacePickup, &o.Retail}, {models.PlaceBilling, &o.Billing}} {
		if p.of.known {
			all = append(all, models.Place{Kind: p.kind, Address: p.of.Address})
		}
	}
	return all
}

package square

import (
	"regexp"
	"slices"
	"strings"
	"time"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/models"
)

// skipNothing is the reason for orders without a taxable side.
const skipNothing = "only gift cards, tips or free items"

// Sentences for the person who reviews.
const (
	reviewCharge    = "A service charge of unknown kind is counted as a sale."
	reviewGratuity  = "An automatic gratuity was taxed, so it is counted as a sale."
	reviewNoShipTo  = "Square has no delivery address for this order, so the location's was used."
	reviewManyShips = "This order was sent to more than one address; the first was used."
	reviewUndated   = "Square does not say when this order was closed, so the time it was made was used."
)

// Transform makes a sale of an order's lines and a refund of its returns.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	var e evidence
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return nil, models.Errorf(models.Refused, "Square sent this %s in a form that we cannot read. It is tried again after our next update.", r.Kind).Because(err)
	}
	zone, err := h.zones.Load(e.Location.Timezone)
	if err != nil {
		return nil, models.Errorf(models.Refused, "The time zone of this location is not known. Check it in Square under Locations.").Because(err)
	}
	e.zone = zone
	switch {
	case r.Kind == kindOrder && e.Order != nil && e.Order.ID != "":
		return e.orderItems(), nil
	case r.Kind == kindRefund && e.Refund != nil && e.Refund.ID != "":
		return e.refundItems(), nil
	}
	return nil, models.Errorf(models.Refused, "Square sent this %s without its id or content. It is tried again after our next update.", r.Kind)
}

// orderItems are what a completed order means: a sale, a refund, or in an
// exchange both. Open, cancelled and draft orders mean nothing yet or any more.
func (e *evidence) orderItems() (items []models.Item) {
	o := e.Order
	if o.State != "COMPLETED" {
		return nil
	}
	if len(o.LineItems)+len(o.ServiceCharges) > 0 {
		items = append(items, e.saleItem())
	}
	if len(o.Returns) > 0 && e.settled() {
		items = append(items, e.returnItem())
	}
	return items
}

func (e *evidence) saleItem() models.Item {
	o := e.Order
	shares, reviews := o.shares()
	s := &models.Sale{
		Currency:    e.currency(o.TotalMoney),
		ShipFrom:    e.Location.place(),
		Description: e.Location.Name,
	}
	e.date(s, o)
	setShares(s, shares)
	for _, sentence := range reviews {
		s.Review(sentence)
	}
	e.places(s, o)
	if o.TotalMoney != nil {
		s.Charged = pointer(o.TotalMoney.cents() - o.Rounding.AmountMoney.cents() - shares.Excluded)
	}
	return skipEmpty(models.Item{Kind: models.KindSale, Key: o.ID, Sale: s})
}

// skipEmpty leaves out what has no money in it. Where money moved and the amounts
// are nothing, as in a refund above what the sale still holds, a person has to look.
func skipEmpty(item models.Item) models.Item {
	if s := item.Sale; s.Total() == 0 && (s.Charged == nil || *s.Charged == 0) {
		item.Skip = skipNothing
	}
	return item
}

func pointer[T any](v T) *T { return &v }

// setShares sets the four amounts.
func setShares(s *models.Sale, shares models.Shares) {
	s.SalesAmount, s.SalesTax = shares.SalesAmount, shares.SalesTax
	s.ShippingAmount, s.ShippingTax = shares.ShippingAmount, shares.ShippingTax
}

// date is when the order was closed, on the location's clock.
func (e *evidence) date(s *models.Sale, o *order) {
	at := o.ClosedAt
	if at.IsZero() {
		at = o.CreatedAt
		s.Review(reviewUndated)
	}
	e.dateAt(s, at)
}

// dateAt leaves the date empty where there is none, for the policy to refuse.
func (e *evidence) dateAt(s *models.Sale, at time.Time) {
	if at.IsZero() {
		return
	}
	s.At, s.Date = at.UTC(), models.LocalTimeIn(at, e.zone)
}

// currency is that of the first amount that names one, else the location's.
func (e *evidence) currency(amounts ...*money) string {
	for _, m := range amounts {
		if m != nil && m.Currency != "" {
			return m.Currency
		}
	}
	return e.Location.Currency
}

// shares is what the order was made of.
func (o *order) shares() (models.Shares, []string) {
	shares, reviews := sharesOf(o.LineItems, o.ServiceCharges, o.shipped())
	shares.Excluded += o.TotalTipMoney.cents()
	return shares, reviews
}

// sharesOf sums up lines and service charges, sold or returned.
func sharesOf(lines []line, charges []serviceCharge, shipped bool) (s models.Shares, reviews []string) {
	for _, l := range lines {
		total, tax := l.TotalMoney.cents(), l.TotalTaxMoney.cents()
		if l.ItemType == "GIFT_CARD" { // money in another form; the sale is what is bought with it
			s.Excluded += total
			continue
		}
		s.SalesAmount += total - tax
		s.SalesTax += tax
	}
	for _, c := range charges {
		if sentence := c.addTo(&s, shipped); sentence != "" && !slices.Contains(reviews, sentence) {
			reviews = append(reviews, sentence)
		}
	}
	return s, reviews
}

// shippingNames are what people and Square's own checkout call shipping.
var shippingNames = regexp.MustCompile(`(?i)\b(shipping|shipment|delivery|freight|postage)\b`)

// addTo adds a service charge to the share it belongs to, and says what to review.
func (c serviceCharge) addTo(s *models.Shares, shipped bool) (review string) {
	total, tax := c.TotalMoney.cents(), c.TotalTaxMoney.cents()
	switch {
	case c.TreatmentType == "APPORTIONED_TREATMENT": // in the lines' totals already
		return reviewCharge
	case shipped && c.Type != "AUTO_GRATUITY" && shippingNames.MatchString(c.Name):
		s.ShippingAmount += total - tax
		s.ShippingTax += tax
		return ""
	case c.Type == "AUTO_GRATUITY" && tax == 0:
		s.Excluded += total
		return ""
	}
	s.SalesAmount += total - tax
	s.SalesTax += tax
	if c.Type == "AUTO_GRATUITY" {
		return reviewGratuity
	}
	return reviewCharge
}

// shipped reports whether anything of the order was sent to the buyer.
func (o *order) shipped() bool {
	return slices.ContainsFunc(o.Fulfillments, func(f fulfillment) bool { return f.Type == "SHIPMENT" || f.Type == "DELIVERY" })
}

// places are where the order went: to the buyer, or over the counter.
func (e *evidence) places(s *models.Sale, o *order) {
	counter := models.Place{Kind: models.PlacePickup, Address: e.Location.place()}
	sent := o.destinations()
	switch {
	case len(sent) > 1:
		s.Review(reviewManyShips)
	case len(sent) == 0 && o.shipped():
		s.Review(reviewNoShipTo)
	}
	for _, a := range sent {
		s.Places = append(s.Places, models.Place{Kind: models.PlaceShipping, Address: a})
	}
	s.Places = append(s.Places, counter)
}

// destinations are the addresses of shipments and deliveries that were not called off.
func (o *order) destinations() (all []models.Address) {
	for _, f := range o.Fulfillments {
		a := f.Shipment.Recipient.Address
		if f.Type == "DELIVERY" {
			a = f.Delivery.Recipient.Address
		}
		off := f.State == "CANCELED" || f.State == "FAILED"
		if to := a.plain(); !off && to != (models.Address{}) && f.Type != "PICKUP" && !slices.ContainsFunc(all, sameArea(to)) {
			all = append(all, to)
		}
	}
	return all
}

// sameArea compares what tax goes by.
func sameArea(a models.Address) func(models.Address) bool {
	return func(b models.Address) bool {
		return strings.EqualFold(a.State, b.State) && a.Zip == b.Zip && strings.EqualFold(a.Country, b.Country)
	}
}

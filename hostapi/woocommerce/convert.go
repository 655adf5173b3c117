package woocommerce

import (
	"regexp"
	"strconv"
	"time"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/models"
)

// Why an order is known and not sent.
const (
	skipUnpaid  = "not paid yet"
	skipNothing = "nothing was charged"
)

// Sentences for the person who reviews.
const (
	reviewStatus   = "The shop has a status of its own for this order, which was paid; it is counted as a sale."
	reviewUndated  = "WooCommerce does not say when this order was paid, so the time it was made was used."
	reviewRefunded = "The status of this order says refunded, but no refund is listed."
	reviewFee      = "A fee without tax is called a tip or a gift card, so it is not counted as a sale."
	reviewPickup   = "This order was picked up, and the shop's address is not known, so the customer's was used."
	reviewCounter  = "This order was picked up at one of the shop's places; the shop's main address was used."
)

// The statuses of WooCommerce itself; plugins add others.
// https://woocommerce.com/document/managing-orders/order-statuses/
var (
	sold   = map[string]bool{"processing": true, "completed": true, "refunded": true}
	unpaid = map[string]bool{"pending": true, "on-hold": true}
	void   = map[string]bool{"cancelled": true, "failed": true, "trash": true, "draft": true, "checkout-draft": true, "auto-draft": true}
)

// Transform makes a sale of an order, and a refund of each time money was given
// back. An order that was cancelled, failed or thrown away means nothing any more.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	var p parcel
	if err := json.Unmarshal(r.Body, &p); err != nil {
		return nil, models.Errorf(models.Refused, "WooCommerce sent this order in a form that we cannot read. It is tried again after our next update.").Because(err)
	}
	o := p.Order
	if o == nil || o.ID <= 0 || o.Total == nil || o.Status == "" {
		return nil, models.Errorf(models.Refused, "WooCommerce sent this order without its number, status or total. It is tried again after our next update.")
	}
	if void[o.Status] {
		return nil, nil
	}
	sale, shares, err := p.sale()
	if err != nil {
		return nil, err
	}
	items := make([]models.Item, 1, 1+len(p.Refunds))
	items[0] = models.Item{Kind: models.KindSale, Key: strconv.FormatInt(o.ID, 10), Skip: o.skip(sale), Sale: sale}
	if items[0].Skip == skipUnpaid || len(p.Refunds) == 0 {
		return items, nil
	}
	return p.addRefunds(items, shares)
}

// skip is why an order does not count; "" when it does.
func (o *order) skip(s *models.Sale) string {
	switch {
	case unpaid[o.Status], !sold[o.Status] && o.DatePaidGMT == "":
		return skipUnpaid
	case s.Total() == 0 && *s.Charged == 0:
		return skipNothing
	}
	return ""
}

// sale is the order's sale, and what it is made of.
func (p *parcel) sale() (*models.Sale, models.Shares, error) {
	o := p.Order
	s, err := p.newSale(o.when())
	if err != nil {
		return nil, models.Shares{}, err
	}
	s.Description = "Order " + o.Number
	shares := o.shares(s)
	setShares(s, shares)
	charged := o.Total.cents() - shares.Excluded
	s.Charged = &charged
	switch {
	case !sold[o.Status]:
		s.Review(reviewStatus)
	case o.Status == "refunded" && len(p.Refunds) == 0:
		s.Review(reviewRefunded)
	}
	if o.DatePaidGMT == "" && o.DateCompletedGMT == "" {
		s.Review(reviewUndated)
	}
	return s, shares, nil
}

// when is the moment of the sale: paid, else completed, else made.
func (o *order) when() (gmt, local string) {
	switch {
	case o.DatePaidGMT != "":
		return o.DatePaidGMT, o.DatePaid
	case o.DateCompletedGMT != "":
		return o.DateCompletedGMT, o.DateCompleted
	}
	return o.DateCreatedGMT, o.DateCreated
}

// newSale makes a sale or refund of its moment, in GMT and on the site's clock,
// with what the order knows of places.
func (p *parcel) newSale(gmt, local string) (*models.Sale, error) {
	at := instant([]byte(gmt))
	if at.IsZero() {
		return nil, models.Errorf(models.Refused, "A date of this order is missing or cannot be read. Check it in WooCommerce.")
	}
	s := &models.Sale{At: at, Date: models.LocalTime(local), Currency: p.Order.Currency, ShipFrom: p.Store.plain()}
	if _, err := time.Parse(time.RFC3339, local+"Z"); err != nil { // much faster than other layouts
		s.Date = models.LocalTimeIn(at, time.UTC)
	}
	p.places(s)
	return s, nil
}

// places are where the order went: the shop where it was picked up, else the
// customer's addresses.
func (p *parcel) places(s *models.Sale) {
	o, shop := p.Order, p.Store.plain()
	s.Places = make([]models.Place, 0, 2)
	picked, elsewhere := o.pickedUp()
	switch {
	case picked && shop != (models.Address{}):
		s.Places = append(s.Places, models.Place{Kind: models.PlacePickup, Address: shop})
		if elsewhere {
			s.Review(reviewCounter)
		}
	case picked:
		s.Review(reviewPickup)
		fallthrough
	default:
		s.Places = append(s.Places, models.Place{Kind: models.PlaceShipping, Address: o.Shipping.plain()})
	}
	s.Places = append(s.Places, models.Place{Kind: models.PlaceBilling, Address: o.Billing.plain()})
}

// pickedUp reports whether the customer came for all of it; elsewhere, whether
// perhaps to another place than the shop's main address.
func (o *order) pickedUp() (picked, elsewhere bool) {
	for i := range o.ShippingLines {
		switch o.ShippingLines[i].MethodID {
		case "local_pickup":
		case "pickup_location":
			elsewhere = true
		default:
			return false, false
		}
	}
	return len(o.ShippingLines) > 0, elsewhere
}

// setShares sets the four amounts.
func setShares(s *models.Sale, shares models.Shares) {
	s.SalesAmount, s.SalesTax = shares.SalesAmount, shares.SalesTax
	s.ShippingAmount, s.ShippingTax = shares.ShippingAmount, shares.ShippingTax
}

// notSold are what plugins call fees that are no sale: money for the staff, and
// money in another form.
var notSold = regexp.MustCompile(`(?i)\b(tips?|gratuity|gift ?cards?)\b`)

package woocommerce

import (
	"cmp"
	"slices"
	"strconv"

	"extractor/models"
)

// More sentences for the person who reviews.
const reviewProrated = "WooCommerce gives no split of this refund into goods, tax and shipping; it was divided in proportion to the sale."

// addRefunds adds an item for each refund, oldest first. One of an amount only
// is split as what is left of the sale, and the one that gives back the last
// cent takes exactly the rest.
func (p *parcel) addRefunds(items []models.Item, sale models.Shares) ([]models.Item, error) {
	slices.SortStableFunc(p.Refunds, func(a, b refund) int {
		return cmp.Or(cmp.Compare(a.DateCreatedGMT, b.DateCreatedGMT), cmp.Compare(a.ID, b.ID))
	})
	given := make([]models.PaidBack, len(p.Refunds))
	for i := range p.Refunds {
		given[i] = p.givenBack(&p.Refunds[i])
	}
	shares := models.Prorate(sale, given)
	for i := range p.Refunds {
		item, err := p.refundItem(&p.Refunds[i], given[i], shares[i])
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// refundItem is the item of one refund. Its key holds the order's: two refunds
// of one order need a key each.
func (p *parcel) refundItem(r *refund, given models.PaidBack, shares models.Shares) (item models.Item, err error) {
	if r.ID <= 0 {
		return item, models.Errorf(models.Refused, "A refund of this order has no number. It is tried again after our next update.")
	}
	s, err := p.newSale(r.DateCreatedGMT, r.DateCreated)
	if err != nil {
		return item, err
	}
	id := strconv.FormatInt(r.ID, 10)
	s.Description = "Refund " + id + " of order " + p.Order.Number
	setShares(s, shares)
	charged := given.Amount - shares.Excluded
	s.Charged = &charged
	if given.Known == nil {
		s.Review(reviewProrated)
	} else if shares.Excluded != 0 {
		s.Review(reviewFee)
	}
	item = models.Item{Kind: models.KindRefund, Key: strconv.FormatInt(p.Order.ID, 10) + "-r" + id, Sale: s}
	if s.Total() == 0 && charged == 0 {
		item.Skip = skipNothing
	}
	return item, nil
}

// givenBack is a refund as models.Prorate wants it.
func (p *parcel) givenBack(r *refund) models.PaidBack {
	sum := r.sums()
	sum.goods, sum.goodsTax = -sum.goods, -sum.goodsTax
	sum.shipping, sum.shippingTax, sum.excluded = -sum.shipping, -sum.shippingTax, -sum.excluded
	amount := p.amount(r).cents()
	if r.byAmount() {
		return models.PaidBack{Amount: amount}
	}
	known := models.Shares{
		SalesTax: sum.goodsTax.cents(), ShippingAmount: sum.shipping.cents(), ShippingTax: sum.shippingTax.cents(), Excluded: sum.excluded.cents(),
	}
	goods := sum.goods.cents()
	if amount == 0 { // a fault of WooCommerce 7.5: https://github.com/woocommerce/woocommerce/issues/37697
		known.SalesAmount = goods
		return models.PaidBack{Amount: known.Total(), Known: &known}
	}
	known.SalesAmount = amount - known.Total()
	if !near(goods, known.SalesAmount, sum.slack()) { // the policy names the difference
		known.SalesAmount = goods
	}
	return models.PaidBack{Amount: amount, Known: &known}
}

// amount is what was given back; the order's list tells it where the refund does not.
func (p *parcel) amount(r *refund) exact {
	if r.Amount != 0 {
		return r.Amount
	}
	for _, listed := range p.Order.Refunds {
		if listed.ID == r.ID {
			return -listed.Total
		}
	}
	return 0
}

// byAmount reports whether a refund says nothing but how much.
func (r *refund) byAmount() bool {
	return !slices.ContainsFunc(r.LineItems, func(l line) bool { return !l.nothing() }) &&
		!slices.ContainsFunc(r.FeeLines, func(l feeLine) bool { return !l.nothing() }) &&
		!slices.ContainsFunc(r.ShippingLines, func(l shippingLine) bool { return !l.nothing() })
}

package woocommerce

import (
	"fmt"

	"extractor/models"
)

// sums are the lines of an order or a refund, added up with all their decimals.
type sums struct {
	goods, goodsTax, shipping, shippingTax, excluded exact
	lines                                            int
}

// sums adds up lines. Fees count as goods, those below zero as well: shops use
// them for discounts.
func (l *lines) sums() (s sums) {
	for i := range l.LineItems {
		s.goods += l.LineItems[i].Total
		s.goodsTax += l.LineItems[i].tax()
	}
	for i := range l.FeeLines {
		fee := &l.FeeLines[i]
		tax := fee.tax()
		if tax == 0 && notSold.MatchString(fee.Name) {
			s.excluded += fee.Total
			continue
		}
		s.goods += fee.Total
		s.goodsTax += tax
	}
	for i := range l.ShippingLines {
		s.shipping += l.ShippingLines[i].Total
		s.shippingTax += l.ShippingLines[i].tax()
	}
	s.lines = len(l.LineItems) + len(l.FeeLines) + len(l.ShippingLines)
	return s
}

// slack is how far rounded totals may be from the sum of the lines: WooCommerce
// rounds per line or per total as the shop is set up, half a cent for each, and
// the totals themselves.
func (s *sums) slack() models.Amount { return models.Amount(2 + s.lines/2) }

func near(a, b, slack models.Amount) bool { return max(a-b, b-a) <= slack }

// shares is what the order is made of. The total and the total tax are as the
// customer saw them; within them the lines decide. Goods are what is left of the
// total, which the lines confirm; where they do not, the lines are believed, and
// the policy names the difference.
func (o *order) shares(sale *models.Sale) models.Shares {
	sum := o.sums()
	s := models.Shares{ShippingAmount: o.ShippingTotal.cents(), Excluded: sum.excluded.cents()}
	if sum.excluded != 0 {
		sale.Review(reviewFee)
	}
	s.SalesTax, s.ShippingTax = o.taxes(&sum, sale)
	left := o.Total.cents() - s.SalesTax - s.ShippingAmount - s.ShippingTax - s.Excluded
	s.SalesAmount = left
	if goods := sum.goods.cents(); sum.lines > 0 && !near(goods, left, sum.slack()) {
		s.SalesAmount = goods
	}
	return s
}

// taxes splits the total tax. The part of shipping is the sum of its lines,
// rounded once, and the rest is that of the goods. Where the lines are not what
// was charged, as with some plugins, the order's own split is used.
func (o *order) taxes(sum *sums, sale *models.Sale) (goods, shipping models.Amount) {
	total := o.TotalTax.cents()
	shipping = sum.shippingTax.cents()
	if goods = total - shipping; near(goods, sum.goodsTax.cents(), sum.slack()) && near(shipping, o.ShippingTax.cents(), sum.slack()) {
		return goods, shipping
	}
	if lines := (sum.goodsTax + sum.shippingTax).cents(); !near(lines, total, sum.slack()) {
		sale.Review(fmt.Sprintf("The taxes of this order's lines add up to %s, but its total tax is %s; the latter was used.", lines, total))
	}
	shipping = o.ShippingTax.cents()
	return total - shipping, shipping
}

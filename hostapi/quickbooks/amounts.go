package quickbooks

import "extractor/models"

// sums are the parts of a document before rounding.
type sums struct {
	goods, taxedGoods       exact // before discounts
	shipping, taxedShipping exact
	discount                exact
}

// add adds lines, and those within bundles.
func (t *sums) add(lines []line) {
	for i := range lines {
		switch l := &lines[i]; l.DetailType {
		case lineItem:
			t.addItem(l)
		case lineDiscount:
			t.discount += l.Amount
		case lineGroup:
			t.add(l.Group.Lines)
		}
	}
}

// addItem adds a line that sells or ships something.
func (t *sums) addItem(l *line) {
	code := l.Item.TaxCodeRef.Value
	taxed := code != "" && code != notTaxed
	all, some := &t.goods, &t.taxedGoods
	if l.Item.ItemRef.Value == shippingItem {
		all, some = &t.shipping, &t.taxedShipping
	}
	*all += l.Amount
	if taxed {
		*some += l.Amount
	}
}

// setAmounts sets the four amounts.
func (d *document) setAmounts(s *models.Sale) {
	var t sums
	t.add(d.Lines)
	tax := d.TxnTaxDetail.TotalTax.cents()
	s.SalesTax, s.ShippingTax = t.divide(tax, d.ApplyTaxAfterDiscount)
	s.SalesAmount, s.ShippingAmount = (t.goods - t.discount).cents(), t.shipping.cents()
	if d.TaxMode == taxInclusive && d.taxWithin(&t) {
		s.SalesAmount -= s.SalesTax
		s.ShippingAmount -= s.ShippingTax
	}
	if t.taxedShipping > 0 && tax > 0 {
		s.Review(reviewShipping)
	}
}

// taxWithin reports whether the lines' amounts hold the tax. QuickBooks' own
// description has them without it in either mode; the total settles it.
func (d *document) taxWithin(t *sums) bool {
	return d.TxnTaxDetail.TotalTax != 0 && (t.goods-t.discount+t.shipping).cents() == d.TotalAmt.cents()
}

// divide divides the tax between goods and shipping in proportion to what of
// them is taxed. A discount before tax takes from the taxed goods their part of it.
func (t *sums) divide(tax models.Amount, afterDiscount bool) (goods, shipping models.Amount) {
	if t.taxedShipping <= 0 || tax <= 0 {
		return tax, 0
	}
	base := models.Shares{SalesAmount: max(0, t.taxedGoods.cents()), ShippingAmount: t.taxedShipping.cents()}
	if afterDiscount && t.goods > 0 {
		all := models.Shares{SalesAmount: base.SalesAmount, Excluded: max(0, t.goods.cents()-base.SalesAmount)}
		off := models.Prorate(all, []models.PaidBack{{Amount: t.discount.cents()}})[0]
		base.SalesAmount -= off.SalesAmount
	}
	if base.Total() < tax { // no rate is above 100 %
		return tax, 0
	}
	part := models.Prorate(base, []models.PaidBack{{Amount: tax}})[0]
	return part.SalesAmount, part.ShippingAmount
}

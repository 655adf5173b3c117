package bigcommerce

import (
	"fmt"

	"extractor/models"
)

// total is what an order comes to: its amounts, and what was charged less the
// gift certificates that were sold.
type total struct {
	models.Shares
	charged models.Amount
	reviews []string
	tax     micros // all of it, for the split by address
}

// total takes an order's amounts from its totals, in four decimals, and rounds
// each once at the end. Handling belongs to shipping.
func (e *evidence) total() (t total) {
	o := e.Order
	shipping, shippingTax := o.ShippingExTax+o.HandlingExTax, o.ShippingTax+o.HandlingTax
	goods, tax, charged := *o.TotalExTax-shipping, *o.TotalTax-shippingTax, *o.TotalIncTax
	f := o.feesOf()
	t.reviews = append(f.reviews, o.crossCheck(f)...)
	if f.outside {
		goods, tax, charged = goods+f.exTax, tax+f.tax, charged+f.exTax+f.tax
	}
	sold, soldTax := e.giftCertificates()
	t.SalesAmount, t.SalesTax = (goods - sold).cents(), (tax - soldTax).cents()
	t.ShippingAmount, t.ShippingTax = shipping.cents(), shippingTax.cents()
	t.Excluded = (sold + soldTax).cents()
	t.charged = (charged - sold - soldTax).cents()
	t.tax = tax + shippingTax - soldTax
	return t
}

// feesOf is the sum of an order's fees, and whether it comes on top of the total.
type feesOf struct {
	exTax, tax micros
	outside    bool
	reviews    []string
}

// feesOf finds out by adding up, with tax and without: the parts of an order
// make up its total either without the fees or with them.
func (o *order) feesOf() (f feesOf) {
	for _, fee := range o.Fees {
		f.exTax += fee.exTax()
		f.tax += fee.Tax
	}
	if f.exTax == 0 && f.tax == 0 {
		return f
	}
	exTax := o.SubtotalExTax + o.ShippingExTax + o.HandlingExTax + o.WrappingExTax - o.DiscountAmount - o.CouponDiscount
	incTax := o.SubtotalIncTax + o.ShippingExTax + o.ShippingTax + o.HandlingExTax + o.HandlingTax +
		o.WrappingExTax + o.WrappingTax - o.DiscountAmount - o.CouponDiscount
	switch {
	case near(exTax, *o.TotalExTax) || near(incTax, *o.TotalIncTax):
		f.outside = true
		f.reviews = []string{reviewFees}
	case near(exTax+f.exTax, *o.TotalExTax) || near(incTax+f.exTax+f.tax, *o.TotalIncTax):
	default:
		f.reviews = []string{reviewFeesOdd}
	}
	return f
}

// crossCheck holds the total tax against the sum of its parts. Discounts stay
// out of it: the parts are told after them.
func (o *order) crossCheck(f feesOf) []string {
	sum := o.SubtotalTax + o.ShippingTax + o.HandlingTax + o.WrappingTax
	if near(*o.TotalTax, sum) || !f.outside && near(*o.TotalTax, sum+f.tax) {
		return nil
	}
	return []string{fmt.Sprintf("BigCommerce's total tax is %s, but its parts add up to %s.", o.TotalTax.cents(), sum.cents())}
}

// giftCertificates is what was paid for certificates that were sold: money in
// another form. The sale is what is bought with them.
func (e *evidence) giftCertificates() (exTax, tax micros) {
	e.eachLine(func(l *line) {
		if l.Type == giftCertificate {
			exTax += l.TotalExTax
			tax += l.TotalTax
		}
	})
	return exTax, tax
}

// eachLine visits all lines of the order once.
func (e *evidence) eachLine(visit func(*line)) {
	lists := [][]line{e.Products}
	if c := e.Order.Consignments; c.included {
		lists = [][]line{c.others}
		for _, a := range c.shipping {
			lists = append(lists, a.LineItems)
		}
		for _, p := range c.pickups {
			lists = append(lists, p.LineItems)
		}
	}
	for _, lines := range lists {
		for i := range lines {
			visit(&lines[i])
		}
	}
}

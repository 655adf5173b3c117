package bigcommerce

import (
	"cmp"
	"slices"
	"strconv"

	"extractor/models"
)

// More sentences for the person who reviews.
const (
	reviewProrated  = "BigCommerce gives no split of this refund into goods, tax and shipping; it was divided in proportion to the sale."
	reviewShipping  = "BigCommerce tells the tax of this refund as one sum; it was divided between goods and shipping by the rates of the sale."
	reviewLevel     = "This refund was made for the order as a whole, which BigCommerce counts without tax; check whether tax was given back."
	reviewTaxOnly   = "This refund gives back tax alone."
	reviewTaxTaken  = "This refund takes tax instead of giving it back; its amount is counted as goods."
	reviewDeclined  = "A part of this refund was declined; what was paid was divided in proportion to the sale."
	reviewAddresses = "This refund goes back to more than one address; it was divided in proportion."
)

// refund is the one that the record is about; nil when it is not whole.
func (e *evidence) refund() *refund {
	for i := range e.Refunds {
		if r := &e.Refunds[i]; r.ID > 0 && r.ID == e.Refund && r.OrderID > 0 && r.TotalAmount != nil {
			return r
		}
	}
	return nil
}

// paid is what was given back, less what was declined.
func (r *refund) paid() micros {
	if r.TotalAmount == nil {
		return 0
	}
	return max(0, *r.TotalAmount-r.declined())
}

func (r *refund) declined() (sum micros) {
	for _, p := range r.Payments {
		if p.IsDeclined {
			sum += p.Amount
		}
	}
	return sum
}

// refundItems are what a refund means: nothing when all of it was declined.
func (e *evidence) refundItems() []models.Item {
	r := e.refund()
	key, number := refundKey(r.OrderID, r.ID), strconv.FormatInt(r.ID, 10)
	b := batch{kind: models.KindRefund, key: key, at: parseDate(r.Created), description: "Refund " + number + " of order " + strconv.FormatInt(r.OrderID, 10)}
	if reason := e.Order.uncounted(); reason != "" {
		return e.uncounted(b, reason)
	}
	if r.paid() == 0 {
		return nil
	}
	b.Shares, b.reviews = e.made(r)
	b.charged = r.paid().cents() - b.Excluded
	legs := touched(r, e.legs())
	each := []models.Shares{b.Shares}
	if len(legs) > 1 {
		each = splitRefund(r, b.Shares, legs)
		b.reviews = append(b.reviews, reviewAddresses)
	}
	return e.items(b, legs, each)
}

// made is how a refund is made up, after all that was given back of the sale
// before it.
func (e *evidence) made(own *refund) (models.Shares, []string) {
	sale := e.total().Shares
	var back []models.PaidBack
	for _, r := range e.inOrder() {
		paid, reviews := e.paidBack(r, sale, left(sale, back))
		back = append(back, paid)
		if r == own {
			return models.Prorate(sale, back)[len(back)-1], reviews
		}
	}
	return models.Shares{}, nil // own is among them
}

// inOrder are the order's refunds as they were made.
func (e *evidence) inOrder() []*refund {
	all := make([]*refund, len(e.Refunds))
	for i := range e.Refunds {
		all[i] = &e.Refunds[i]
	}
	slices.SortStableFunc(all, func(a, b *refund) int {
		return cmp.Or(parseDate(a.Created).Compare(parseDate(b.Created)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// left is what a sale still holds after what was given back.
func left(sale models.Shares, back []models.PaidBack) models.Shares {
	for _, made := range models.Prorate(sale, back) {
		sale = less(sale, made)
	}
	return sale
}

// less is a without b, and nothing below zero.
func less(a, b models.Shares) models.Shares {
	return models.Shares{
		SalesAmount: max(0, a.SalesAmount-b.SalesAmount), SalesTax: max(0, a.SalesTax-b.SalesTax),
		ShippingAmount: max(0, a.ShippingAmount-b.ShippingAmount), ShippingTax: max(0, a.ShippingTax-b.ShippingTax),
		Excluded: max(0, a.Excluded-b.Excluded),
	}
}

// paidBack is what a refund gave back, as far as BigCommerce says what it is
// made of, and what to review.
func (e *evidence) paidBack(r *refund, sale, left models.Shares) (models.PaidBack, []string) {
	amount, tax := r.paid().cents(), r.TotalTax.cents()
	unsplit := models.PaidBack{Amount: amount}
	k := e.contents(r)
	switch {
	case amount == 0:
		return unsplit, nil
	case r.declined() > 0:
		return unsplit, []string{reviewDeclined}
	case k.taxOnly && tax == amount:
		return known(amount, taxAlone(tax, left)), []string{reviewTaxOnly}
	case k.unknown || len(r.Items) == 0:
		return unsplit, []string{reviewProrated}
	case tax < 0:
		return known(amount, models.Shares{SalesAmount: amount}), []string{reviewTaxTaken}
	}
	s, reviews := k.shares(amount-k.level.cents(), tax, sale, left)
	if k.level > 0 {
		s = atLevel(s, k.level.cents(), left)
		reviews = append(reviews, reviewLevel)
	}
	if belowZero(s) {
		return unsplit, []string{reviewProrated}
	}
	return known(amount, s), reviews
}

func known(amount models.Amount, s models.Shares) models.PaidBack {
	return models.PaidBack{Amount: amount, Known: &s}
}

func belowZero(s models.Shares) bool {
	return min(s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax, s.Excluded) < 0
}

// taxAlone takes tax from the goods first: what they do not hold is shipping's.
func taxAlone(tax models.Amount, left models.Shares) models.Shares {
	onShipping := min(max(0, tax-left.SalesTax), left.ShippingTax)
	return models.Shares{SalesTax: tax - onShipping, ShippingTax: onShipping}
}

// contents is what a refund's items say.
type contents struct {
	goods, ships, taxOnly, unknown bool
	shipping, level, gift          micros
	inclusive                      bool // the amounts of its items contain the tax
}

// contents sums the items up by what they give back.
func (e *evidence) contents(r *refund) (k contents) {
	k.taxOnly = true
	var requested micros
	told := true
	for i := range r.Items {
		it := &r.Items[i]
		k.taxOnly = k.taxOnly && it.Type == "TAX"
		if it.Requested != nil {
			requested += *it.Requested
		} else {
			told = false
		}
		switch it.Type {
		case "PRODUCT", "GIFT_WRAPPING", "FEE":
			k.goods = true
			k.gift += e.giftIn(it)
		case "SHIPPING", "HANDLING":
			k.ships = true
			k.shipping += it.amount()
			k.unknown = k.unknown || it.Requested == nil && len(r.Items) > 1
		case "ORDER":
			k.level += it.amount()
			k.unknown = k.unknown || it.Requested == nil
		case "TAX":
		default:
			k.unknown = true
		}
	}
	k.inclusive = e.Order.TaxInclusive
	if told && requested != 0 && r.TotalTax != 0 {
		k.inclusive = near(requested, *cmp.Or(r.TotalAmount, new(micros)))
	}
	return k
}

func (it *refundItem) amount() micros {
	if it.Requested == nil {
		return 0
	}
	return *it.Requested
}

// giftIn is what an item gives back of a gift certificate that was sold.
func (e *evidence) giftIn(it *refundItem) (sum micros) {
	if it.Type != "PRODUCT" {
		return 0
	}
	e.eachLine(func(l *line) {
		if l.ID == it.ID && l.Type == giftCertificate {
			sum = it.value(l)
		}
	})
	return sum
}

// value is what an item gives back of a line.
func (it *refundItem) value(l *line) micros {
	switch {
	case it.Requested != nil:
		return *it.Requested
	case it.Quantity >= l.Quantity || it.Quantity <= 0:
		return l.incTax()
	}
	return scale(l.incTax(), models.Amount(it.Quantity), models.Amount(l.Quantity))
}

func (l *line) incTax() micros {
	if l.DiscountedIncTax != nil {
		return *l.DiscountedIncTax
	}
	return l.TotalIncTax
}

// shares is what an itemised amount, tax included, is made of. The tax is one
// sum: all of it is the goods' without shipping, and shipping's without goods.
func (k contents) shares(amount, tax models.Amount, sale, left models.Shares) (models.Shares, []string) {
	gift := k.gift.cents()
	switch {
	case !k.ships:
		return models.Shares{SalesAmount: amount - tax - gift, SalesTax: tax, Excluded: gift}, nil
	case !k.goods:
		return models.Shares{ShippingAmount: amount - tax, ShippingTax: tax}, nil
	case tax == 0:
		shipping := k.shipping.cents()
		return models.Shares{SalesAmount: amount - shipping - gift, ShippingAmount: shipping, Excluded: gift}, nil
	case amount == left.Total() && tax == left.SalesTax+left.ShippingTax: // the last one takes what is left
		return left, []string{reviewShipping}
	}
	s := models.Shares{Excluded: gift}
	s.ShippingTax = min(k.shippingTax(amount-gift, tax, sale), left.ShippingTax)
	s.SalesTax = tax - s.ShippingTax
	s.ShippingAmount = k.shipping.cents()
	if k.inclusive {
		s.ShippingAmount -= s.ShippingTax
	}
	s.SalesAmount = amount - gift - tax - s.ShippingAmount
	return s, []string{reviewShipping}
}

// shippingTax is shipping's part of the tax, by the rates of the sale.
func (k contents) shippingTax(amount, tax models.Amount, sale models.Shares) models.Amount {
	goods := micros(amount)*perCent - k.shipping
	goodsBase, shippingBase := sale.SalesAmount, sale.ShippingAmount
	if k.inclusive {
		goodsBase, shippingBase = goodsBase+sale.SalesTax, shippingBase+sale.ShippingTax
	} else {
		goods -= micros(tax) * perCent
	}
	return divide(tax, []micros{scale(goods, sale.SalesTax, goodsBase), scale(k.shipping, sale.ShippingTax, shippingBase)})[1]
}

// atLevel adds an amount that was given back for the order as a whole, without
// tax: goods as far as there are any left, and of what remains in proportion.
func atLevel(s models.Shares, amount models.Amount, left models.Shares) models.Shares {
	left = less(left, s)
	goods := min(amount, left.SalesAmount)
	left.SalesAmount = 0
	rest := models.Prorate(left, []models.PaidBack{{Amount: amount - goods}})[0]
	s.SalesAmount += goods
	s.SalesTax += rest.SalesTax
	s.ShippingAmount += rest.ShippingAmount
	s.ShippingTax += rest.ShippingTax
	s.Excluded += rest.Excluded
	return s
}

package square

import (
	"cmp"
	"slices"
	"time"

	"extractor/models"
)

// More sentences for the person who reviews.
const (
	reviewProrated = "Square gives no split of this refund into goods, tax and shipping; it was divided in proportion to the sale."
	reviewNoSale   = "Square gives no split of this refund, and its sale is not known; all of it is counted as goods."
	reviewFailed   = "A part of this refund failed at Square."
	reviewSources  = "This return goes back to more than one sale; the address of the first was used."
)

func paid(status string) bool { return status == "COMPLETED" || status == "APPROVED" }

func failed(status string) bool {
	return status == "REJECTED" || status == "FAILED" || status == "CANCELED"
}

// states counts how the refunds of the return order stand. A refund of its own
// tells it better than the order's list.
func (e *evidence) states() (done, off, open int) {
	states := map[string]string{}
	for _, r := range e.Order.Refunds {
		states[r.ID] = r.Status
	}
	for _, r := range e.Refunds {
		if _, listed := states[r.ID]; listed || r.OrderID == e.Order.ID {
			states[r.ID] = r.Status
		}
	}
	for _, state := range states {
		switch {
		case paid(state):
			done++
		case failed(state):
			off++
		default:
			open++
		}
	}
	return done, off, open
}

// settled reports whether a return counts: its money went back, or none had to,
// as in an even exchange.
func (e *evidence) settled() bool {
	done, off, open := e.states()
	return open == 0 && (done > 0 || off == 0)
}

// returnItem is the refund that the order's returns mean.
func (e *evidence) returnItem() models.Item {
	o := e.Order
	s := e.newRefund(e.sale(), o)
	e.dateAt(s, cmp.Or(o.ClosedAt, e.paidAt(), o.CreatedAt))
	s.Currency = e.currency(o.returnTotal(), o.TotalMoney)
	shares := e.returnShares(s)
	setShares(s, shares)
	if total := o.returnTotal(); total != nil {
		s.Charged = pointer(total.cents() - o.returnRounding() - shares.Excluded)
	}
	if done, off, _ := e.states(); done > 0 && off > 0 {
		s.Review(reviewFailed)
	}
	if len(e.Sources) > 1 {
		s.Review(reviewSources)
	}
	return skipEmpty(models.Item{Kind: models.KindRefund, Key: o.ID, Sale: s})
}

// newRefund is a refund with the addresses of its sale: what was shipped is
// taxed, and given back, where it went.
func (e *evidence) newRefund(sale, otherwise *order) *models.Sale {
	s := &models.Sale{ShipFrom: e.Location.place(), Description: e.Location.Name}
	if sale == nil {
		sale = otherwise
	}
	e.places(s, sale)
	return s
}

// sale is the first sale that was given back; nil when it is not known.
func (e *evidence) sale() *order {
	if len(e.Sources) == 0 {
		return nil
	}
	return &e.Sources[0]
}

// paidAt is when the first refund of the order was made.
func (e *evidence) paidAt() (at time.Time) {
	for _, r := range e.Refunds {
		if r.OrderID == e.Order.ID && (at.IsZero() || r.CreatedAt.Before(at)) {
			at = r.CreatedAt
		}
	}
	return at
}

// returnShares is what the return is made of, as Square says or in proportion to the sale.
func (e *evidence) returnShares(s *models.Sale) models.Shares {
	o := e.Order
	if o.amountOnly() {
		return e.prorated(s, gift{at: o.CreatedAt, id: o.ID, PaidBack: models.PaidBack{Amount: o.returnAmount()}})
	}
	shares, reviews := o.returned(e.Sources)
	for _, sentence := range reviews {
		s.Review(sentence)
	}
	return shares
}

// amountOnly reports whether the returns name an amount alone: lines without a
// tax and without an item they go back to.
func (o *order) amountOnly() bool {
	for _, ret := range o.Returns {
		itemised := func(l line) bool {
			return l.ItemType != "CUSTOM_AMOUNT" || l.SourceUID != "" || l.TotalTaxMoney.Amount != 0
		}
		if len(ret.ServiceCharges) > 0 || len(ret.Tips) > 0 || slices.ContainsFunc(ret.LineItems, itemised) {
			return false
		}
	}
	return true
}

// returned sums up itemised returns of these sales.
func (o *order) returned(sales []order) (all models.Shares, reviews []string) {
	for i := range o.Returns {
		ret := &o.Returns[i]
		sale := ret.source(sales)
		s, sentences := sharesOf(ret.LineItems, ret.charges(sale), sale.shipped())
		for _, tip := range ret.Tips {
			s.Excluded += tip.AppliedMoney.cents()
		}
		all = add(all, s)
		reviews = append(reviews, sentences...)
	}
	return all, slices.Compact(reviews)
}

// source is the sale that the return goes back to; an empty one when none is known.
func (ret *orderReturn) source(sales []order) *order {
	for i := range sales {
		if sales[i].ID == ret.SourceOrderID {
			return &sales[i]
		}
	}
	if len(sales) > 0 {
		return &sales[0]
	}
	return &order{}
}

// charges are the returned service charges with their types, which only the
// sale tells: a gratuity that was no sale is no refund either.
func (ret *orderReturn) charges(sale *order) []serviceCharge {
	all := slices.Clone(ret.ServiceCharges)
	for i := range all {
		for _, taken := range sale.ServiceCharges {
			if all[i].Type == "" && taken.UID != "" && taken.UID == all[i].SourceUID {
				all[i].Type = taken.Type
			}
		}
	}
	return all
}

func add(a, b models.Shares) models.Shares {
	a.SalesAmount += b.SalesAmount
	a.SalesTax += b.SalesTax
	a.ShippingAmount += b.ShippingAmount
	a.ShippingTax += b.ShippingTax
	a.Excluded += b.Excluded
	return a
}

// returnTotal is what Square says was given back in all; nil when it does not.
func (o *order) returnTotal() *money {
	if o.ReturnAmounts != nil {
		return &o.ReturnAmounts.TotalMoney
	}
	var total *money
	for _, ret := range o.Returns {
		if ret.Amounts == nil {
			return nil
		}
		if total == nil {
			total = &money{Currency: ret.Amounts.TotalMoney.Currency}
		}
		total.Amount += ret.Amounts.TotalMoney.Amount
	}
	return total
}

func (o *order) returnRounding() (sum models.Amount) {
	for _, ret := range o.Returns {
		sum += ret.Rounding.AmountMoney.cents()
	}
	return sum
}

// returnAmount is the amount of a return that names nothing else.
func (o *order) returnAmount() models.Amount {
	if total := o.returnTotal(); total != nil && total.Amount != 0 {
		return total.cents() - o.returnRounding()
	}
	shares, _ := o.returned(nil)
	return shares.Total()
}

// refundItems is what a refund without a return order means.
func (e *evidence) refundItems() []models.Item {
	r := e.Refund
	if !paid(r.Status) {
		return nil
	}
	s := e.newRefund(e.sale(), &order{})
	e.dateAt(s, r.CreatedAt)
	s.Currency = e.currency(&r.AmountMoney)
	amount := r.AmountMoney.cents()
	shares := e.prorated(s, gift{at: r.CreatedAt, id: r.ID, PaidBack: models.PaidBack{Amount: amount}})
	setShares(s, shares)
	s.Charged = pointer(amount - shares.Excluded)
	return []models.Item{skipEmpty(models.Item{Kind: models.KindRefund, Key: r.ID, Sale: s})}
}

// gift is one thing given back of a sale, and when.
type gift struct {
	models.PaidBack
	at time.Time
	id string
}

// prorated is what own is made of in proportion to its sale, after all that was
// given back of it before.
func (e *evidence) prorated(s *models.Sale, own gift) models.Shares {
	sale := e.sale()
	if sale == nil {
		s.Review(reviewNoSale)
		return models.Shares{SalesAmount: own.Amount}
	}
	s.Review(reviewProrated)
	gifts := append(e.earlier(own.id, sale), own)
	slices.SortFunc(gifts, func(a, b gift) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	list := make([]models.PaidBack, len(gifts))
	for i, g := range gifts {
		list[i] = g.PaidBack
	}
	shares, _ := sale.shares()
	return models.Prorate(shares, list)[slices.IndexFunc(gifts, func(g gift) bool { return g.id == own.id })]
}

// earlier are the other things given back of the sale: return orders, and
// refunds that have none. What failed gave nothing back.
func (e *evidence) earlier(own string, sale *order) (gifts []gift) {
	seen := map[string]bool{own: true}
	for _, r := range e.Refunds {
		g := gift{PaidBack: models.PaidBack{Amount: r.AmountMoney.cents()}, at: r.CreatedAt, id: r.ID}
		if i := slices.IndexFunc(e.Returns, func(o order) bool { return o.ID == r.OrderID }); i >= 0 {
			g = e.Returns[i].gift(sale)
		} else if r.OrderID == own {
			continue
		}
		if failed(r.Status) || seen[g.id] {
			continue
		}
		seen[g.id] = true
		gifts = append(gifts, g)
	}
	return gifts
}

// gift is what a return order gave back.
func (o *order) gift(sale *order) gift {
	g := gift{at: o.CreatedAt, id: o.ID, PaidBack: models.PaidBack{Amount: o.returnAmount()}}
	if !o.amountOnly() {
		known, _ := o.returned([]order{*sale})
		g.Known = &known
	}
	return g
}

package stripe

import (
	"bytes"
	"cmp"
	"slices"

	"extractor/models"
)

// reviewProrated is for refunds of which Stripe knows nothing but the amount.
const reviewProrated = "Stripe gives no split of this refund into goods, tax and shipping; it was divided in proportion to the sale."

// gift is one thing given back: a refund, or credit by a credit note.
type gift struct {
	models.PaidBack
	id, description string
	at              int64
	shares          models.Shares
}

// gifts are all that was given back, in the order of time, with their shares.
// The amounts are known from credit notes, or in proportion to the sale:
// cumulatively, the last one takes what is left.
func (d *deal) gifts(e *evidence) ([]gift, error) {
	known, rests := d.noted(e)
	gifts := rests
	for i := range e.Payments {
		p := &e.Payments[i]
		for j := range p.Refunds {
			r := &p.Refunds[j]
			if r.ID == "" {
				return nil, models.Errorf(models.Refused, "Stripe sent a refund of this payment without its id. It is tried again after our next update.")
			}
			if r.Status == "succeeded" && !p.Charge.released(r) {
				gifts = append(gifts, d.refund(r, known[r.ID]))
			}
		}
	}
	if len(gifts) == 0 {
		return nil, nil
	}
	slices.SortFunc(gifts, func(a, b gift) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	list := make([]models.PaidBack, len(gifts))
	for i := range gifts {
		list[i] = gifts[i].PaidBack
	}
	for i, shares := range models.Prorate(d.shares, list) {
		gifts[i].shares = shares
	}
	return gifts, nil
}

func (d *deal) refund(r *refund, known models.Shares) gift {
	g := gift{id: r.ID, at: r.Created, description: "Refund " + r.ID + " of " + d.description}
	g.Amount = d.money.cents(r.Amount)
	if known != (models.Shares{}) && known.Total() == g.Amount { // notes may name a part of it only
		g.Known = &known
	}
	return g
}

// released reports whether a refund only let go of what a charge reserved and
// did not capture. It moved no money, so that there is no balance transaction.
func (c *charge) released(r *refund) bool {
	none := len(r.BalanceTransaction) == 0 || bytes.Equal(r.BalanceTransaction, []byte("null"))
	return none && c != nil && c.AmountCaptured > 0 && r.Amount == c.Amount-c.AmountCaptured
}

// noted is what credit notes say of refunds, by the refund's id, and what they
// gave back otherwise: as credit for later, or outside Stripe.
func (d *deal) noted(e *evidence) (refunds map[string]models.Shares, rests []gift) {
	for i := range e.Notes {
		n := &e.Notes[i]
		if !n.issued() {
			continue
		}
		parts := n.parts(d.money)
		for j, r := range n.Refunds {
			if refunds == nil {
				refunds = map[string]models.Shares{}
			}
			refunds[r.Refund] = plus(refunds[r.Refund], parts[1+j])
		}
		if rest := parts[len(parts)-1]; rest.Total() > 0 && n.ID != "" {
			g := gift{id: n.ID, at: cmp.Or(n.EffectiveAt, n.Created), description: "Credit note " + cmp.Or(n.Number, n.ID)}
			g.PaidBack = models.PaidBack{Amount: rest.Total(), Known: &rest}
			rests = append(rests, g)
		}
	}
	return refunds, rests
}

func (n *creditNote) issued() bool { return n.Status != "void" }

// before is how much of the note made the invoice smaller before it was paid.
func (n *creditNote) before() int64 {
	if n.PrePayment != nil {
		return *n.PrePayment
	}
	if n.Type == "pre_payment" {
		return n.Total
	}
	return 0
}

// parts divides a note, to the cent: what it took off before the payment, then
// what it gave back with each refund, and last what is left.
func (n *creditNote) parts(m money) []models.Shares {
	list := make([]models.PaidBack, 0, 2+len(n.Refunds))
	rest := m.cents(n.Total)
	add := func(amount models.Amount) {
		list = append(list, models.PaidBack{Amount: amount})
		rest -= amount
	}
	add(m.cents(n.before()))
	for _, r := range n.Refunds {
		add(m.cents(r.Amount))
	}
	add(max(0, rest))
	return models.Prorate(n.shares(m), list)
}

func (d *deal) refundItem(g *gift) models.Item {
	s := d.newSale(g.at, g.shares)
	s.Description = g.description
	s.Charged = pointer(g.Amount - g.shares.Excluded)
	if g.Known == nil {
		s.Review(reviewProrated)
	}
	return skipEmpty(models.Item{Kind: models.KindRefund, Key: g.id, Sale: s})
}

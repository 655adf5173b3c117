package stripe

import (
	"extractor/models"
)

// bySession takes what a Checkout Session tells. Its discounts are in
// amount_total already.
// https://docs.stripe.com/api/checkout/sessions/object
func (d *deal) bySession(s *session) {
	m := moneyOf(s.Currency)
	if m != d.money {
		d.review(reviewCurrency)
		d.money = m
	}
	tax := int64(0)
	if s.TotalDetails != nil {
		tax = s.TotalDetails.AmountTax
	}
	d.shares = m.split(s.AmountTotal-tax, tax, s.ShippingCost)
}

// split divides a total without tax, and the tax, which both include shipping.
// Shipping without tax is its total less its tax; the field amount_subtotal is
// the same where tax is added, but not where it is in the price.
func (m money) split(excluding, tax int64, c *shippingCost) (s models.Shares) {
	if c != nil {
		s.ShippingTax = m.cents(c.AmountTax)
		s.ShippingAmount = m.cents(c.AmountTotal) - s.ShippingTax
	}
	s.SalesTax = m.cents(tax) - s.ShippingTax
	s.SalesAmount = m.cents(excluding) - s.ShippingAmount
	return s
}

// byIntent takes what the merchant's own checkout told Stripe of the amount.
// Tax on shipping is not told apart there. Without the tax, the rest is goods.
// https://docs.stripe.com/api/payment_intents/object#payment_intent_object-amount_details
func (d *deal) byIntent(in *intent) {
	details := &in.Details
	if details.Tip != nil {
		d.shares.Excluded = d.money.cents(details.Tip.Amount)
	}
	tax, told := details.tax()
	if !told && details.Shipping == nil {
		d.shares.SalesAmount = d.charged - d.shares.Excluded
		d.review(reviewBare)
		return
	}
	if details.Shipping != nil {
		d.shares.ShippingAmount = d.money.cents(details.Shipping.Amount)
	}
	if !told {
		d.review(reviewNoTax)
	}
	d.shares.SalesTax = d.money.cents(tax)
	d.shares.SalesAmount = d.money.cents(in.Amount) - d.shares.SalesTax - d.shares.ShippingAmount - d.shares.Excluded
}

// tax is told in one sum, or line by line.
func (a *amountDetails) tax() (sum int64, told bool) {
	if a.Tax != nil && a.Tax.Amount != nil {
		return *a.Tax.Amount, true
	}
	if a.LineItems == nil || a.LineItems.HasMore {
		return 0, false
	}
	for _, line := range a.LineItems.Data {
		if line.Tax == nil || line.Tax.Amount == nil {
			return 0, false
		}
		if *line.Tax.Amount > beyond || *line.Tax.Amount < -beyond {
			return *line.Tax.Amount, true // absurd: the policy refuses it
		}
		sum += *line.Tax.Amount
	}
	return sum, len(a.LineItems.Data) > 0
}

// invoiceDeal is what an invoice was for. Credit notes from before the payment
// made it smaller. How it was paid does not matter: credit is money, too.
// https://docs.stripe.com/api/invoices/object
func (e *evidence) invoiceDeal() *deal {
	in := e.Invoice
	d := &deal{at: in.paidAt(), money: moneyOf(in.Currency), livemode: in.Livemode, description: "Invoice " + in.name()}
	d.shares = in.shares(d.money)
	d.charged = d.money.cents(in.Total)
	for i := range e.Notes {
		if n := &e.Notes[i]; n.issued() && n.before() != 0 {
			part := n.parts(d.money)[0]
			d.shares = minus(d.shares, part)
			d.charged -= d.money.cents(n.before())
		}
	}
	d.places = e.placesOf(nil)
	if in.Transitions == nil || in.Transitions.PaidAt == 0 {
		d.review(reviewUndated)
	}
	return d
}

func (in *invoice) name() string {
	if in.Number != "" {
		return in.Number
	}
	return in.ID
}

func (in *invoice) paidAt() int64 {
	if in.Transitions != nil && in.Transitions.PaidAt != 0 {
		return in.Transitions.PaidAt
	}
	return in.Created
}

// shares is what an invoice or a credit note is made of.
func (b *bill) shares(m money) models.Shares {
	tax := b.tax()
	excluding := b.Total - tax
	if b.TotalExcludingTax != nil {
		excluding = *b.TotalExcludingTax
	}
	return m.split(excluding, tax, b.ShippingCost)
}

// tax is the sum of the taxes, under whichever name they were sent. Added taxes
// and those in the price are both in the total.
func (b *bill) tax() (sum int64) {
	taxes := b.TotalTaxes
	if len(taxes) == 0 {
		taxes = b.TotalTaxAmounts
	}
	if taxes == nil && b.TotalExcludingTax != nil {
		return b.Total - *b.TotalExcludingTax
	}
	for _, t := range taxes {
		sum += max(-beyond, min(t.Amount, beyond))
	}
	return sum
}

func minus(a, b models.Shares) models.Shares {
	a.SalesAmount -= b.SalesAmount
	a.SalesTax -= b.SalesTax
	a.ShippingAmount -= b.ShippingAmount
	a.ShippingTax -= b.ShippingTax
	a.Excluded -= b.Excluded
	return a
}

func plus(a, b models.Shares) models.Shares { return minus(a, minus(models.Shares{}, b)) }

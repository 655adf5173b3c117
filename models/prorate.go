package models

import (
	"math/bits"
	"slices"
)

// Shares are the parts a sale or a refund is made of.
type Shares struct {
	SalesAmount, SalesTax, ShippingAmount, ShippingTax Amount
	// Excluded is money that belongs to neither: tips, gift cards sold.
	Excluded Amount
}

// Total is the sum of all parts.
func (s Shares) Total() Amount { return sum(s.parts()) }

// PaidBack is one refund of a sale, in the order they were made.
type PaidBack struct {
	Amount Amount  // what was given back in all, tips included
	Known  *Shares // how it is made up, where the host says so; else it is prorated
}

// Prorate says how each refund of a sale is made up. A refund of which only
// the amount is known is split in proportion to what the sale still holds:
// cumulatively, so that cents do not drift however many refunds there are, and
// the one that gives back the last cent takes exactly what is left of each
// part. No part is ever below zero or above what the sale has left; a refund
// above the sale adds up to less than its amount, which the comparison of
// Policy.Apply then names.
func Prorate(sale Shares, refunds []PaidBack) []Shares {
	made := make([]Shares, len(refunds))
	base := sale.atLeastZero() // what was left after the last refund whose parts are known
	var since Amount           // prorated since then
	for i, r := range refunds {
		if r.Known != nil {
			made[i] = *r.Known
			base = base.less(base.portion(since)).less(*r.Known)
			since = 0
			continue
		}
		until := min(since+max(r.Amount, 0), base.Total())
		made[i] = base.portion(until).less(base.portion(since))
		since = until
	}
	return made
}

// portion is the part of s that makes up amount, each share in proportion. It
// is the highest-averages method of Webster and Sainte-Laguë with cents for
// seats: whoever adds a cent to amount adds it to one share and takes none from
// another, so differences between portions are never below zero. Rounding each
// share for itself, or by largest remainder, has no such guarantee.
func (s Shares) portion(amount Amount) Shares {
	parts, total := s.parts(), s.Total()
	if amount <= 0 || slices.Max(parts[:]) > maxAmount { // the latter is no sale, and would overflow below
		return Shares{}
	}
	var given [5]Amount
	for i, part := range parts {
		given[i] = max(0, proportion(part, amount, total)-behind)
	}
	for left := amount - sum(given); left > 0; left-- {
		given[next(parts, given)]++
	}
	return fromParts(given)
}

// behind is how far below its exact proportion a share can end: with n shares
// the divisor differs from the exact one by at most n/2 cents, and rounding
// adds another half.
const behind = 3

// next is the share that the next cent goes to: the one with the highest part/(2·given+1).
func next(parts, given [5]Amount) int {
	best := 0
	for i := 1; i < len(parts); i++ {
		aHi, aLo := bits.Mul64(uint64(parts[i]), uint64(2*given[best]+1))
		bHi, bLo := bits.Mul64(uint64(parts[best]), uint64(2*given[i]+1))
		if aHi > bHi || aHi == bHi && aLo > bLo {
			best = i
		}
	}
	return best
}

// proportion is part·amount/total rounded down; amount is at most total.
func proportion(part, amount, total Amount) Amount {
	hi, lo := bits.Mul64(uint64(part), uint64(amount))
	quotient, _ := bits.Div64(hi, lo, uint64(total))
	return Amount(quotient)
}

func (s Shares) parts() [5]Amount {
	return [5]Amount{s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax, s.Excluded}
}

func fromParts(p [5]Amount) Shares { return Shares{p[0], p[1], p[2], p[3], p[4]} }

func sum(parts [5]Amount) (total Amount) {
	for _, part := range parts {
		total += part
	}
	return total
}

// less is s without o, and nothing below zero.
func (s Shares) less(o Shares) Shares {
	a, b := s.parts(), o.parts()
	for i := range a {
		a[i] = max(0, a[i]-b[i])
	}
	return fromParts(a)
}

func (s Shares) atLeastZero() Shares { return s.less(Shares{}) }

package bigcommerce

import (
	"math/bits"
	"slices"

	"extractor/models"
)

// touched are the legs that a refund's items name; all, where an item names none.
func touched(r *refund, legs []leg) (touched []leg) {
	everywhere := len(r.Items) == 0 || slices.ContainsFunc(r.Items, func(it refundItem) bool {
		return !slices.ContainsFunc(legs, func(l leg) bool { return l.named(it) })
	})
	for i := range legs {
		if everywhere || slices.ContainsFunc(r.Items, legs[i].named) {
			touched = append(touched, legs[i])
		}
	}
	return touched
}

// named reports whether an item is of this leg: its address, or one of its lines.
func (l leg) named(it refundItem) bool {
	switch it.Type {
	case "SHIPPING", "HANDLING":
		return l.id != 0 && l.id == it.ID
	case "PRODUCT", "GIFT_WRAPPING":
		return l.line(it.ID) != nil
	}
	return false
}

func (l leg) line(id int64) *line {
	for i := range l.lines {
		if l.lines[i].ID == id {
			return &l.lines[i]
		}
	}
	return nil
}

// splitRefund divides a refund among the legs it touches: goods and their tax
// by what its items name there, shipping likewise, and each by the sale's where
// they name nothing.
func splitRefund(r *refund, whole models.Shares, legs []leg) []models.Shares {
	var named, sold [4][]micros
	for i := range legs {
		goods, tax, shipping := legs[i].givenBack(r)
		for c, v := range []micros{goods, tax, shipping, shipping} {
			named[c] = append(named[c], v)
		}
		for c, v := range []micros{legs[i].goods(legs[i].lineTax()), legs[i].lineTax(), legs[i].shipping, legs[i].shippingTax} {
			sold[c] = append(sold[c], v)
		}
	}
	for c := range named {
		if sumOf(named[c]) == 0 {
			named[c] = sold[c]
		}
	}
	each, _ := columns(whole, named)
	return each
}

// givenBack is what a refund's items name of a leg.
func (l leg) givenBack(r *refund) (goods, tax, shipping micros) {
	for i := range r.Items {
		it := &r.Items[i]
		if !l.named(*it) {
			continue
		}
		switch p := l.line(it.ID); it.Type {
		case "PRODUCT", "GIFT_WRAPPING":
			value := it.value(p)
			goods += value
			tax += scale(p.TotalTax, models.Amount(value), models.Amount(p.incTax()))
		default:
			shipping += it.amount()
		}
	}
	return goods, tax, shipping
}

// scale is m·part/whole, rounded down; 0 where that is no proportion.
func scale(m micros, part, whole models.Amount) micros {
	if m <= 0 || part <= 0 || whole <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(m), uint64(part))
	if hi >= uint64(whole) {
		return 0
	}
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return micros(min(quotient, uint64(mostMicros)))
}

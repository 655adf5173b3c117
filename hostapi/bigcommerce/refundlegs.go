package bigcommerce

import (
	"math/bits"
	"slices"

	"extractor/models"
)

// touched are the legs that a refund's items name; all, where an item names none.
func (e *evidence) touched(r *refund, legs []leg) (touched []leg) {
	var named []bool
	for i := range legs {
		named = append(named, slices.ContainsFunc(r.Items, legs[i].named))
	}
	everywhere := slices.ContainsFunc(r.Items, func(it refundItem) bool {
		return !slices.ContainsFunc(legs, func(l leg) bool { return l.named(it) })
	})
	for i := range legs {
		if named[i] || everywhere || len(r.Items) == 0 {
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

// splitRefund divides a refund among the legs it touches: goods by what its
// items name there, shipping likewise, and both by the sale's where they name
// nothing.
func (e *evidence) splitRefund(r *refund, whole models.Shares, legs []leg) []models.Shares {
	goods, shipping := make([]micros, len(legs)), make([]micros, len(legs))
	for i := range legs {
		for _, it := range r.Items {
			switch l := legs[i].line(it.ID); {
			case !legs[i].named(it):
			case l != nil && it.Type != "SHIPPING" && it.Type != "HANDLING":
				goods[i] += it.value(l)
			default:
				shipping[i] += it.amount()
			}
		}
	}
	if sumOf(goods) == 0 {
		for i := range legs {
			goods[i] = legs[i].goods(0)
		}
	}
	if sumOf(shipping) == 0 {
		shipping, _ = shippingOf(legs)
	}
	each, _ := columns(whole, [4][]micros{goods, goods, shipping, shipping})
	return each
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

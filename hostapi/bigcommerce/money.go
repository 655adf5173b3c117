package bigcommerce

import (
	"bytes"
	"errors"
	"math/bits"

	"github.com/shopspring/decimal"

	"extractor/models"
)

// micros is money in millionths of the currency's main unit. BigCommerce
// reckons in four decimals; the rest is room for sums.
type micros int64

const (
	microDigits = 6
	perCent     = 10_000            // micros in a cent
	cent        = micros(perCent)   // as money
	mostMicros  = micros(1e9 * 1e6) // a billion, as in models.Policy: beyond it lies a mistaken unit
)

var errAmount = errors.New("no amount of money")

// UnmarshalJSON reads a number or the same in a string. Nothing, as null or "",
// is zero. What is finer than a millionth is the noise of somebody's binary
// fractions and is rounded away.
func (m *micros) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if len(b) == 0 || string(b) == "null" {
		*m = 0
		return nil
	}
	if v, ok := plainMicros(b); ok {
		*m = v
		return nil
	}
	const longest = 40 // digits: none of BigCommerce's numbers comes near
	d, err := decimal.NewFromString(string(b))
	if err != nil || len(b) > longest || d.Exponent() > 12 || d.Exponent() < -longest {
		return errAmount
	}
	if d = d.Shift(microDigits).Round(0); d.Abs().GreaterThan(decimal.NewFromInt(int64(mostMicros))) {
		return errAmount
	}
	*m = micros(d.IntPart())
	return nil
}

// plainMicros reads what nearly all amounts look like, "12.3400", without a
// detour over big numbers.
func plainMicros(b []byte) (micros, bool) {
	const most = 9 // whole digits that are sure to be below the limit
	n, whole, fraction, point := micros(0), 0, 0, false
	for _, c := range b {
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return 0, false
		case point:
			fraction++
		default:
			whole++
		}
		if whole > most || fraction > microDigits {
			return 0, false
		}
		n = n*10 + micros(c-'0')
	}
	for ; fraction < microDigits; fraction++ {
		n *= 10
	}
	return n, whole > 0
}

// cents rounds half away from zero. Each amount that is sent is rounded once, here.
func (m micros) cents() models.Amount {
	if m < 0 {
		return -(-m).cents()
	}
	return models.Amount((m + perCent/2) / perCent)
}

// near reports whether two amounts differ by a cent at most.
func near(a, b micros) bool { return (a - b).abs() <= cent }

func (m micros) abs() micros {
	if m < 0 {
		return -m
	}
	return m
}

// divide shares total out in proportion to weights, to the cent: each share ends
// where the running sum does, so no cent is lost and the last share takes the
// remainder. Without any weight the first takes all.
func divide(total models.Amount, weights []micros) []models.Amount {
	shares := make([]models.Amount, len(weights))
	sum := sumOf(weights)
	if sum == 0 || total <= 0 {
		shares[0] = total
		return shares
	}
	var run micros
	var given models.Amount
	for i, w := range weights {
		run += max(w, 0)
		upTo := proportion(total, run, sum)
		shares[i], given = upTo-given, upTo
	}
	return shares
}

// sumOf leaves out what is below zero: it can be no weight.
func sumOf(weights []micros) (sum micros) {
	for _, w := range weights {
		sum += max(w, 0)
	}
	return sum
}

// proportion is total·part/whole, rounded half up; part is at most whole.
func proportion(total models.Amount, part, whole micros) models.Amount {
	hi, lo := bits.Mul64(uint64(total), uint64(part))
	lo, carry := bits.Add64(lo, uint64(whole)/2, 0)
	quotient, _ := bits.Div64(hi+carry, lo, uint64(whole))
	return models.Amount(quotient)
}

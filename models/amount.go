package models

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// Amount is money in cents of the item's currency. Integers keep sums exact;
// hosts with finer decimals compute in decimal.Decimal and round once, here.
type Amount int64

// RoundDecimal rounds d to cents, half away from zero as hosts print it.
func RoundDecimal(d decimal.Decimal) Amount {
	return Amount(d.Shift(2).Round(0).IntPart())
}

// ParseAmount reads a decimal such as "12.34" and refuses anything finer than a cent.
func ParseAmount(s string) (Amount, error) {
	if a, ok := plainAmount(s); ok {
		return a, nil
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", s, err)
	}
	cents := d.Shift(2)
	if !cents.IsInteger() || !cents.BigInt().IsInt64() {
		return 0, fmt.Errorf("amount %q is not a number of cents", s)
	}
	return Amount(cents.IntPart()), nil
}

// plainAmount reads what nearly all amounts look like, "12.34", without a detour over big numbers.
func plainAmount(s string) (Amount, bool) {
	const most = 15 // digits that are sure to fit
	n, point := Amount(0), len(s)-3
	if point < 1 || len(s) > most || s[point] != '.' {
		return 0, false
	}
	for i := range len(s) {
		if i == point {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + Amount(s[i]-'0')
	}
	return n, true
}

// Decimal is the amount in whole units.
func (a Amount) Decimal() decimal.Decimal { return decimal.New(int64(a), -2) }

// AppendTo appends the amount in whole units with two decimals: 1234 → 12.34.
func (a Amount) AppendTo(b []byte) []byte {
	u := uint64(a)
	if a < 0 {
		b, u = append(b, '-'), uint64(-a)
	}
	b = strconv.AppendUint(b, u/100, 10)
	return append(b, '.', byte('0'+u%100/10), byte('0'+u%10))
}

// String is the amount in whole units with two decimals.
func (a Amount) String() string { return string(a.AppendTo(nil)) }

// MarshalJSON writes an exact JSON number with two decimals.
func (a Amount) MarshalJSON() ([]byte, error) { return a.AppendTo(nil), nil }

// UnmarshalJSON reads a JSON number, or the same in a string.
func (a *Amount) UnmarshalJSON(b []byte) error {
	v, err := ParseAmount(string(bytes.Trim(b, `"`)))
	*a = v
	return err
}

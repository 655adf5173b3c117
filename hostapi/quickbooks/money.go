package quickbooks

import (
	"bytes"
	"errors"

	"github.com/shopspring/decimal"

	"extractor/models"
)

// exact is an amount as QuickBooks writes it, a JSON number with any number of
// decimals, in millionths. Sums are exact; each amount that leaves is rounded once.
type exact int64

const (
	decimals   = 6
	unit       = 1_000_000          // millionths in one
	perCent    = unit / 100         // millionths in a cent
	most       = 1_000_000_000      // a billion, the most that is sent on; thousands of them still add up
	mostDigits = 9 + decimals       // of a number below that, without sign and point
	oddest     = 2 * (decimals + 9) // the exponent beyond which a number is nonsense
)

var (
	errNoAmount = errors.New("not an amount")
	errTooFine  = errors.New("an amount with more than six decimals")
	errTooLarge = errors.New("an amount above a billion")
)

// UnmarshalJSON reads a number, or the same in a string. null leaves it as it is.
func (e *exact) UnmarshalJSON(b []byte) (err error) {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	*e, err = parseExact(b)
	return err
}

// parseExact reads a JSON number or string.
func parseExact(b []byte) (exact, error) {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = b[1 : len(b)-1]
	}
	if e, ok := plainExact(b); ok {
		return e, nil
	}
	return oddExact(string(b))
}

// plainExact reads what nearly all amounts look like, "337.5", without a detour over big numbers.
func plainExact(b []byte) (exact, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	whole, fraction, point := bytes.Cut(b, []byte{'.'})
	if len(whole) == 0 || len(whole) > mostDigits-decimals || len(fraction) > decimals || point && len(fraction) == 0 {
		return 0, false
	}
	n := exact(0)
	for i := range len(whole) + decimals {
		digit := byte('0')
		switch {
		case i < len(whole):
			digit = whole[i]
		case i-len(whole) < len(fraction):
			digit = fraction[i-len(whole)]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = n*10 + exact(digit-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// oddExact reads all other numbers: with an exponent, with zeros at the end.
func oddExact(s string) (exact, error) {
	d, err := decimal.NewFromString(s)
	if err != nil {
		return 0, errNoAmount
	}
	if d.IsZero() {
		return 0, nil
	}
	if d.Exponent() > oddest || d.Exponent() < -oddest { // working with it would take for ever
		return 0, errTooLarge
	}
	if d.Abs().GreaterThan(decimal.NewFromInt(most)) {
		return 0, errTooLarge
	}
	if d = d.Shift(decimals); !d.IsInteger() {
		return 0, errTooFine
	}
	return exact(d.IntPart()), nil
}

// cents is e rounded to cents, half away from zero.
func (e exact) cents() models.Amount {
	half := exact(perCent / 2)
	if e < 0 {
		half = -half
	}
	return models.Amount((e + half) / perCent)
}

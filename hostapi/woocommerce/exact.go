package woocommerce

import (
	"bytes"
	"errors"

	"github.com/shopspring/decimal"

	"extractor/models"
)

// exact is an amount in hundred-millionths of the currency's unit: finer than
// the six decimals that WooCommerce keeps, so that sums are rounded once, when
// they become cents.
type exact int64

const (
	exactDigits = 8
	exactUnit   = 100_000_000
	exactCent   = exactUnit / 100
	// wholeDigits is how many digits an amount may have before the point: sums of
	// ninety of the largest still fit.
	wholeDigits = 9
	// maxLength is the longest amount that is read: PHP writes up to 17 digits.
	maxLength = 40
	// maxExponent is the largest power of ten, which PHP writes for tiny rests.
	maxExponent = 30
)

var errAmount = errors.New("not an amount")

// UnmarshalJSON reads a decimal in a string, as WooCommerce writes it, or a bare
// one, as some plugins do. Nothing at all is zero.
func (e *exact) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if len(b) == 0 || string(b) == "null" {
		*e = 0
		return nil
	}
	v, ok := plainExact(b)
	if !ok {
		var err error
		if v, err = oddExact(string(b)); err != nil {
			return err
		}
	}
	*e = v
	return nil
}

// plainExact reads what nearly all amounts look like: "-12.345678".
func plainExact(b []byte) (exact, bool) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	whole, fraction, found := bytes.Cut(b, []byte("."))
	if len(whole) == 0 || len(whole) > wholeDigits || len(fraction) > exactDigits || found && len(fraction) == 0 {
		return 0, false
	}
	v, ok := digits(0, whole)
	if !ok {
		return 0, false
	}
	if v, ok = digits(v, fraction); !ok {
		return 0, false
	}
	for range exactDigits - len(fraction) {
		v *= 10
	}
	if negative {
		v = -v
	}
	return v, true
}

// digits appends decimal digits to v.
func digits(v exact, b []byte) (exact, bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + exact(c-'0')
	}
	return v, true
}

// oddExact reads more digits, and powers of ten.
func oddExact(s string) (exact, error) {
	if len(s) > maxLength {
		return 0, errAmount
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxExponent || d.Exponent() < -maxExponent-maxLength {
		return 0, errAmount
	}
	d = d.Round(exactDigits).Shift(exactDigits)
	if digits := d.Abs().Truncate(0).String(); len(digits) > wholeDigits+exactDigits {
		return 0, errAmount
	}
	return exact(d.IntPart()), nil
}

// cents rounds, half away from zero as WooCommerce prints it.
func (e exact) cents() models.Amount {
	if e < 0 {
		return -(-e).cents()
	}
	return models.Amount((e + exactCent/2) / exactCent)
}

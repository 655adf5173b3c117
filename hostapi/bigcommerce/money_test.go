package bigcommerce

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"extractor/models"
)

func TestMicros(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]micros{
		`"12.3400"`: 12_340_000, `12.34`: 12_340_000, `"0"`: 0, `0.5`: 500_000, `""`: 0, `null`: 0, `"-5.0000"`: -5_000_000,
		`8.3300000000000001`: 8_330_000, `0.91000000000000003`: 910_000, `"62.6793"`: 62_679_300, `"1000000000"`: mostMicros, `1e2`: 100_000_000,
		`"0.0000005"`: 1, `"0.00000049"`: 0,
	} {
		var got micros
		if err := got.UnmarshalJSON([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{`"a lot"`, `"1,000.00"`, `"$5"`, `[]`, `{}`, `true`, `1e400`, `-1e400`, `"1000000000.01"`, `99999999999999999999`, `"1.2.3"`, `"."`, `" "`} {
		var got micros
		if err := got.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s was read as %d", text, got)
		}
	}
}

func TestCents(t *testing.T) {
	t.Parallel()
	for m, want := range map[micros]models.Amount{0: 0, 4_999: 0, 5_000: 1, 14_999: 1, 15_000: 2, -4_999: 0, -5_000: -1, 62_679_300: 6268, 4_395_500: 440} {
		if got := m.cents(); got != want {
			t.Errorf("%d: %v", m, got)
		}
	}
}

// Both ways to read an amount agree, and both agree with big numbers.
func TestMicrosReadAsBigNumbersDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,9}(\.[0-9]{0,6})?`).Draw(t, "text")
		var got micros
		err := got.UnmarshalJSON([]byte(text))
		d, err2 := decimal.NewFromString(text)
		if err2 != nil {
			return // "12." is read as 12, which big numbers may not do
		}
		if want := micros(d.Shift(6).IntPart()); err != nil || got != want || got.cents() != models.RoundDecimal(d) {
			t.Fatalf("%s: %d, want %d, %v", text, got, want, err)
		}
	})
}

// Whatever is divided adds up, and no share is below zero or further from its proportion than a cent.
func TestDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := models.Amount(rapid.Int64Range(0, 1_000_000_000_00).Draw(t, "total"))
		var weights []micros
		for range rapid.IntRange(1, 6).Draw(t, "legs") {
			weights = append(weights, micros(rapid.Int64Range(-5, int64(mostMicros)).Draw(t, "weight")))
		}
		var sum models.Amount
		for i, share := range divide(total, weights) {
			sum += share
			if share < 0 || weights[i] <= 0 && sumOf(weights) > 0 && share != 0 {
				t.Fatalf("share %v of weight %v", share, weights[i])
			}
			if all := sumOf(weights); all > 0 {
				exact := decimal.NewFromInt(int64(total)).Mul(decimal.NewFromInt(int64(max(0, weights[i])))).Div(decimal.NewFromInt(int64(all)))
				if exact.Sub(decimal.NewFromInt(int64(share))).Abs().GreaterThan(decimal.NewFromInt(1)) {
					t.Fatalf("share %v, exactly %v", share, exact)
				}
			}
		}
		if sum != total {
			t.Fatalf("%v of %v", sum, total)
		}
	})
}

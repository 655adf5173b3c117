package woocommerce

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"extractor/models"
)

func TestExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]models.Amount{
		`"12.34"`: 1234, `"-12.34"`: -1234, `"12.345000"`: 1235, `"-12.345000"`: -1235, `"12.344999"`: 1234, `"0.005"`: 1, `"-0.005"`: -1, `"0.00499999"`: 0,
		`""`: 0, `null`: 0, `0`: 0, `7`: 700, `"7"`: 700, `1.65`: 165, `"0.9"`: 90, `"5.4855"`: 549, `"999999999.99"`: 99999999999,
		`"0.30000000000000004"`: 30, `"1.0E-5"`: 0, `"1.2E+3"`: 120000, `"-4.5e-1"`: -45, `"0012.50"`: 1250,
	} {
		var e exact
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.cents() != want {
			t.Errorf("%s is %v cents instead of %d, %v", text, e.cents(), want, err)
		}
	}
	for _, text := range []string{
		`"a lot"`, `"1,50"`, `"1.5.0"`, `"$5"`, `true`, `[]`, `{}`, `"1e400"`, `"1e999999999"`, `"1e-999999999"`, `"12345678901"`, `"NaN"`, `"Infinity"`, `"0x10"`, `"- 5"`,
		`"0.00000000000000000000000000000000000000000000000001"`,
	} {
		var e exact
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s is %v", text, e)
		}
	}
}

// Up to eight decimals are kept, and cents are rounded like WooCommerce's own.
func TestExactIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,8})?`).Draw(t, "text")
		var e exact
		if err := json.Unmarshal([]byte(text), &e); err != nil && text[0] != '0' && text[0] != '-' {
			t.Fatal(err)
		}
		want := decimal.RequireFromString(text)
		if err := e.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil || !decimal.New(int64(e), -exactDigits).Equal(want) {
			t.Fatalf("%s is %d, %v", text, e, err)
		}
		if e.cents() != models.RoundDecimal(want) {
			t.Fatalf("%s is %v, not %v", text, e.cents(), models.RoundDecimal(want))
		}
	})
}

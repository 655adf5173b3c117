package models

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawAddress(t *rapid.T, name string) Address {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[A-Z][a-z ]{0,9}`))
	draw := func(what string) string { return text.Draw(t, name+what) }
	return Address{Line1: draw("line1"), City: draw("city"), State: draw("state"), Zip: draw("zip"), Country: draw("country")}
}

func drawSale(t *rapid.T) Sale {
	amount := rapid.Map(rapid.Int64Range(-1e15, 1e15), func(n int64) Amount { return Amount(n) })
	return Sale{
		Date:   LocalTime(rapid.SampledFrom([]string{"2026-02-28T23:59:59", "", "never"}).Draw(t, "date")),
		At:     time.Unix(rapid.Int64Range(-6e10, 2e11).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC(),
		ShipTo: drawAddress(t, "to "), ShipFrom: drawAddress(t, "from "),
		SalesAmount: amount.Draw(t, "sales"), SalesTax: amount.Draw(t, "tax"), ShippingAmount: amount.Draw(t, "shipping"), ShippingTax: amount.Draw(t, "shipping tax"),
		Currency: rapid.SampledFrom([]string{"USD", "", `U"D`}).Draw(t, "currency"), Description: rapid.String().Draw(t, "description"), ReviewMessage: rapid.String().Draw(t, "review"),
	}
}

// TestStoredSaleIsReadAsItWasWritten: with any text in it, and as encoding/json
// reads it, in the form that was written and in any other.
func TestStoredSaleIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawSale(t)
		stored := text.AppendJSON(nil)
		var want Sale
		if err := json.Unmarshal(stored, &want); err != nil {
			t.Fatal(err)
		}
		spaced, err := json.MarshalIndent(json.RawMessage(stored), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{stored, spaced} {
			var got Sale
			if err := got.ReadJSON(string(form)); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\nread as %+v, %v\nwant    %+v", form, got, err, want)
			}
		}
	})
}

func TestPlainStoredSaleTakesTheShortWay(t *testing.T) {
	t.Parallel()
	for _, s := range []Sale{
		{At: time.Unix(0, 1).UTC()},
		{Date: "2026-02-28T23:59:59", At: time.Unix(1, 0).UTC(), ShipTo: Address{Line1: "Straße 1", State: "NY"}, ShipFrom: Address{Country: "US"}, SalesTax: 1234, Description: "Order 1", ReviewMessage: "Look."},
	} {
		text := string(s.AppendJSON(nil))
		var got Sale
		if r := (saleReader{text}); !r.sale(&got) || r.left != "" || !reflect.DeepEqual(got, s) {
			t.Errorf("%s read as %+v", text, got)
		}
	}
}

func TestTornStoredSaleIsAnError(t *testing.T) {
	t.Parallel()
	s := Sale{At: time.Unix(0, 0).UTC(), Currency: "USD", ShipTo: Address{State: "NY", Zip: "10001"}}
	whole := string(s.AppendJSON(nil))
	for n := range len(whole) {
		if err := new(Sale).ReadJSON(whole[:n]); err == nil {
			t.Errorf("%s was read", whole[:n])
		}
	}
}

package stripe

import (
	"encoding/json"
	"os"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestTransformGolden(t *testing.T) {
	hostapitest.Golden(t, open(t, "http://127.0.0.1", soon), "testdata", models.Policy{})
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	hostapitest.AddsUp(t, "testdata/*.golden.json")
}

// With a test key of ours, test payments are what there is to read.
func TestTestPaymentsCountWithATestKey(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/charge_in_test_mode.json")
	if err != nil {
		t.Fatal(err)
	}
	var r hostapi.Record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"sk_live_app": skipTest, "sk_test_app": ""} {
		h, err := (&Config{ClientID: "ca_app", SecretKey: key}).Open()
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Transform(r)
		if err != nil || len(items) != 2 || items[0].Skip != want || items[1].Skip != want {
			t.Errorf("%.7s: %+v, %v", key, items, err)
		}
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency string
		n        int64
		want     models.Amount
	}{
		{"usd", 1234, 1234}, {"eur", -5, -5}, {"jpy", 1234, 1234_00}, {"xpf", 1, 1_00}, {"ugx", 500, 500}, {"isk", 500, 500}, {"huf", 500, 500},
		{"kwd", 1230, 123}, {"bhd", 5, 1}, {"tnd", 4, 0}, {"omr", -15, -2},
		{"usd", 9e18, models.Amount(beyond)}, {"jpy", -9e18, models.Amount(-beyond * 100)},
	} {
		if got := moneyOf(c.currency).cents(c.n); got != c.want {
			t.Errorf("%d %s: %d, want %d", c.n, c.currency, got, c.want)
		}
	}
}

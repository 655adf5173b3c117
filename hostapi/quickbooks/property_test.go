package quickbooks

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// books is a document as QuickBooks reckons it up, and what it should come to.
type books struct {
	lines                            []any
	goods, taxed, shipping, tax, off int // cents
	shippingTaxed                    bool
}

// number is cents as QuickBooks writes them, without zeros at the end.
func number(cents int) json.Number {
	s := models.Amount(cents).String()
	return json.Number(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
}

func itemLine(cents int, ref string, taxed bool) map[string]any {
	code := "NON"
	if taxed {
		code = "TAX"
	}
	return map[string]any{"Amount": number(cents), "DetailType": lineItem,
		lineItem: map[string]any{"ItemRef": map[string]any{"value": ref}, "TaxCodeRef": map[string]any{"value": code}}}
}

// drawBooks makes a document out of everything a form has.
func drawBooks(t *rapid.T) *books {
	b := &books{}
	cents := rapid.IntRange(0, 1_000_000)
	var bundle []any
	for range rapid.IntRange(1, 6).Draw(t, "lines") {
		amount, taxed := cents.Draw(t, "amount"), rapid.Bool().Draw(t, "taxed")
		b.goods += amount
		if taxed {
			b.taxed += amount
		}
		if rapid.Bool().Draw(t, "in a bundle") {
			bundle = append(bundle, itemLine(amount, "4", taxed))
			continue
		}
		b.lines = append(b.lines, itemLine(amount, "4", taxed))
	}
	if len(bundle) > 0 {
		b.lines = append(b.lines, map[string]any{"Amount": number(cents.Draw(t, "of the bundle")), "DetailType": lineGroup, lineGroup: map[string]any{"Line": bundle}})
	}
	b.lines = append(b.lines, map[string]any{"Amount": number(b.goods), "DetailType": "SubTotalLineDetail"})
	if rapid.Bool().Draw(t, "discount") {
		b.off = rapid.IntRange(0, b.goods).Draw(t, "off")
		b.lines = append(b.lines, map[string]any{"Amount": number(b.off), "DetailType": lineDiscount})
	}
	if rapid.Bool().Draw(t, "shipped") {
		b.shipping, b.shippingTaxed = cents.Draw(t, "shipping"), rapid.Bool().Draw(t, "shipping taxed")
		b.lines = append(b.lines, itemLine(b.shipping, shippingItem, b.shippingTaxed))
	}
	if base := b.taxed + b.shipping; b.taxed > 0 || b.shippingTaxed {
		b.tax = rapid.IntRange(0, base/8).Draw(t, "tax")
	}
	return b
}

func (b *books) total() int { return b.goods - b.off + b.shipping + b.tax }

func (b *books) document(t *rapid.T) []byte {
	doc := fakeDoc("1", 1)
	doc["Line"], doc["TxnTaxDetail"], doc["TotalAmt"] = b.lines, map[string]any{"TotalTax": number(b.tax)}, number(b.total())
	doc["ApplyTaxAfterDiscount"] = rapid.Bool().Draw(t, "tax after discount")
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Whatever is in a document, goods and shipping come out as they went in, and
// with the tax they add up to its total, of sales and refunds alike.
func TestDocumentsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		b, e := drawBooks(t), rapid.SampledFrom(entities).Draw(t, "entity")
		items, err := h.Transform(hostapi.Record{Kind: e.name, Key: e.name + "-1", Body: b.document(t)})
		if err != nil || len(items) != 1 || items[0].Kind != e.item {
			t.Fatalf("%+v, %v", items, err)
		}
		s := items[0].Sale
		if s.SalesAmount != models.Amount(b.goods-b.off) || s.ShippingAmount != models.Amount(b.shipping) || s.SalesTax+s.ShippingTax != models.Amount(b.tax) {
			t.Fatalf("%+v of %+v", s, b)
		}
		if s.Total() != models.Amount(b.total()) || *s.Charged != s.Total() || s.SalesTax < 0 || s.ShippingTax < 0 {
			t.Fatalf("%v of %v, charged %v", s.Total(), b.total(), s.Charged)
		}
		if !b.shippingTaxed && s.ShippingTax != 0 {
			t.Fatalf("%v of tax on shipping that is not taxed", s.ShippingTax)
		}
		if told := strings.Contains(s.ReviewMessage, reviewShipping); told != (b.shippingTaxed && b.shipping > 0 && b.tax > 0) {
			t.Fatalf("%v: %q", told, s.ReviewMessage)
		}
	})
}

// The tax on shipping is within a cent of its exact proportion.
func TestShippingTaxIsInProportion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		goods, shipping := rapid.IntRange(0, 10_000_000).Draw(t, "goods"), rapid.IntRange(1, 1_000_000).Draw(t, "shipping")
		tax := rapid.IntRange(0, (goods+shipping)/8).Draw(t, "tax")
		sums := sums{goods: exact(goods) * perCent, taxedGoods: exact(goods) * perCent, taxedShipping: exact(shipping) * perCent}
		ofGoods, ofShipping := sums.divide(models.Amount(tax), false)
		want := big.NewRat(int64(tax)*int64(shipping), int64(goods+shipping))
		off := new(big.Rat).Sub(want, big.NewRat(int64(ofShipping), 1))
		if ofGoods+ofShipping != models.Amount(tax) || off.Abs(off).Cmp(big.NewRat(1, 1)) > 0 {
			t.Fatalf("%d of %d, exactly %s", ofShipping, tax, want.FloatString(3))
		}
	})
}

// Numbers are read exactly, however they are written, and rounded half away from zero.
func TestExactIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		millionths := rapid.Int64Range(-most*unit, most*unit).Draw(t, "millionths")
		r := big.NewRat(millionths, unit)
		text := r.FloatString(rapid.IntRange(decimals, 12).Draw(t, "decimals"))
		if rapid.Bool().Draw(t, "short") && strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		got, err := parseExact([]byte(text))
		if err != nil || int64(got) != millionths {
			t.Fatalf("%s became %d, %v", text, got, err)
		}
		cents := new(big.Rat).Mul(r, big.NewRat(100, 1)).FloatString(0) // rounds half away from zero
		if fmt.Sprint(int64(got.cents())) != cents && cents != "-0" {
			t.Fatalf("%s is %d cents, want %s", text, got.cents(), cents)
		}
	})
}

func TestExactRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "-", ".", "1,5", "1 000", "0x10", "NaN", "Infinity", "true", "[]", `""`, "1e400", "1e999999999", "-1e-999999999",
		"0.0000001", "1000000000.01", "99999999999", "1e10"} {
		if got, err := parseExact([]byte(text)); err == nil {
			t.Errorf("%q became %d", text, got)
		}
	}
	for text, want := range map[string]exact{"0": 0, "-0.0": 0, "337.5": 337_500_000, "140.0": 140_000_000, "1e2": 100_000_000, "25E-1": 2_500_000,
		`"8.75"`: 8_750_000, "0.1000000000": 100_000, "1000000000": most * unit} {
		if got, err := parseExact([]byte(text)); err != nil || got != want {
			t.Errorf("%q became %d, %v", text, got, err)
		}
	}
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	hostapitest.AddsUp(t, "testdata/*.golden.json", "testdata/*/*.golden.json")
}

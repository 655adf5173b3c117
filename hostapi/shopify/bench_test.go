package shopify

import (
	"encoding/json"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/internal/jsonscan"
	"extractor/models"
)

const benchOrders = 50

// onePage is a page of orders of five kilobytes.
func onePage(t testing.TB) []byte {
	t.Helper()
	f := &fakeShopify{t: t}
	for n := range benchOrders {
		var lines, back []object
		for range 9 {
			lines = append(lines, fakeLine("PRODUCT", "108.25", "8.25"))
		}
		for range 4 {
			back = append(back, fakeLine("PRODUCT", "-108.25", "-8.25"))
		}
		o := fakeOrder(n+1, n, fakeAgreement(n+1, n, "ORDER", append(lines, fakeLine("SHIPPING", "5.41", "0.41"))...),
			fakeAgreement(100+n, n+1, "REFUND", fakeLine("PRODUCT", "-108.25", "-8.25"), fakeLine("SHIPPING", "-5.41", "-0.41")),
			fakeAgreement(200+n, n+2, "REFUND", back...))
		o["billingAddress"] = o["shippingAddress"]
		f.orders = append(f.orders, o)
	}
	page, err := json.Marshal(f.list(map[string]any{"n": float64(benchOrders), "query": byUpdate.search(window), "after": nil}))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// order before the ledger.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "").(*host)
	hostapitest.Speed(b, benchOrders, func() {
		var l listing
		_, err := readReply(page, func(s *jsonscan.Scanner) (err error) { l, err = readOrders(s, "America/Chicago"); return err })
		if err != nil || len(l.records) != benchOrders {
			b.Fatal(len(l.records), err)
		}
		for _, r := range l.records {
			sold(b, h, r)
		}
	}, page)
}

func sold(b *testing.B, h *host, r hostapi.Record) {
	items, err := h.Transform(r)
	if err != nil || len(items) == 0 {
		b.Fatalf("%d items, %v", len(items), err)
	}
	for i := range items {
		if err := (models.Policy{}).Apply(&items[i]); err != nil {
			b.Fatal(err)
		}
	}
}

package shopify

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"extractor/internal/jsonscan"
	"extractor/models"
)

const benchOrders = 50

// onePage is a page of orders of five kilobytes.
func onePage(t testing.TB) []byte {
	t.Helper()
	f := &fakeShopify{t: t}
	for n := range benchOrders {
		var lines []object
		for range 9 {
			lines = append(lines, fakeLine("PRODUCT", "108.25", "8.25"))
		}
		o := fakeOrder(n+1, n, fakeAgreement(n+1, n, "ORDER", append(lines, fakeLine("SHIPPING", "5.41", "0.41"))...),
			fakeAgreement(100+n, n+1, "REFUND", fakeLine("PRODUCT", "-108.25", "-8.25"), fakeLine("SHIPPING", "-5.41", "-0.41")))
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
// order before the ledger: 60,000 orders a second on one core are wanted. The
// processor's own time is measured, since others may want it as well.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "").(*host)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	started := processorTime(b)
	for b.Loop() {
		var l listing
		_, err := readReply(page, func(s *jsonscan.Scanner) (err error) { l, err = readOrders(s, "America/Chicago"); return err })
		if err != nil || len(l.records) != benchOrders {
			b.Fatal(len(l.records), err)
		}
		for _, r := range l.records {
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
	}
	b.ReportMetric(float64(len(page)/benchOrders), "B/order")
	b.ReportMetric(float64(b.N*benchOrders)/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64(b.N*benchOrders)/(processorTime(b)-started).Seconds(), "orders/cpu-s")
}

// processorTime is what this process has used so far, the garbage collector's part too.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

package sandbox

import (
	"io"
	"net/http"
	"testing"
	"time"

	"extractor/hostapi/hostapitest"

	"extractor/models"
	world "extractor/sandbox"
)

// onePage is a page of plain orders as the host sends it.
func onePage(t testing.TB) []byte {
	t.Helper()
	w := newWorld(t)
	if _, err := w.Host.MakeOrders("shop-1", pageSize, time.Now().AddDate(0, 0, -1), 1); err != nil {
		t.Fatal(err)
	}
	granted, err := w.Host.Grant("shop-1")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		w.HostURL()+"/api/orders?limit=250&updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+granted.AccessToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// newWorld starts a sandbox for one test.
func newWorld(t testing.TB) *world.World {
	t.Helper()
	w, err := world.Start(t.Context(), world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// order before the ledger: 60,000 orders a second on one core are wanted.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := &host{}
	hostapitest.Speed(b, pageSize, func() {
		records, _, err := splitPage(page)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range records {
			items, err := h.Transform(r)
			if err != nil || len(items) == 0 {
				b.Fatalf("%d items, %v", len(items), err)
			}
			if err := (models.Policy{}).Apply(&items[0]); err != nil {
				b.Fatal(err)
			}
		}
	}, page)
}

// BenchmarkSplit is the cutting of a page alone.
func BenchmarkSplit(b *testing.B) {
	page := onePage(b)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, _, err := splitPage(page); err != nil {
			b.Fatal(err)
		}
	}
}

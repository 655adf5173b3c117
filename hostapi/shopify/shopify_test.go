package shopify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// shop is a shop with sales and refunds.
func shop(t testing.TB) (*fakeShopify, []string) {
	f := &fakeShopify{t: t, scopes: []string{"read_orders", "read_locations", "read_all_orders"}}
	var keys []string
	for n := 1; n <= 9; n++ {
		sold := fakeAgreement(100+n, 0, "ORDER", fakeLine("PRODUCT", "108.25", "8.25"), fakeLine("SHIPPING", "5.41", "0.41"), fakeLine("TIP", "3.0", "0.0"))
		f.orders = append(f.orders, fakeOrder(n, n, sold))
		keys = append(keys, fmt.Sprint(n))
	}
	f.orders[4]["agreements"] = append(f.orders[4]["agreements"].([]object),
		fakeAgreement(200, 2, "REFUND", fakeLine("PRODUCT", "-54.13", "-4.13")),
		fakeAgreement(201, 3, "REFUND", fakeLine("ADJUSTMENT", "-10.0", "0.0")))
	return f, keys
}

// longShop is shop with an order that takes several requests.
func longShop(t testing.TB) (*fakeShopify, []string) {
	f, keys := shop(t)
	f.orders[2]["agreements"] = longOrder()
	return f, keys
}

// longOrder are agreements, and sales in one of them, that take several requests.
func longOrder() (all []object) {
	for n := range 15 {
		a := fakeAgreement(9_000_000+n, n, "ORDER_EDIT", fakeLine("PRODUCT", "1.08", "0.08"))
		if n == 1 || n == 14 {
			for range 240 {
				a["lines"] = append(a["lines"].([]object), fakeLine("PRODUCT", "1.08", "0.08"))
			}
		}
		all = append(all, a)
	}
	return all
}

func TestConformance(t *testing.T) {
	_, keys := shop(t)
	hostapitest.Run(t, hostapitest.Case{
		Open: open, Window: window, Keys: keys, Account: hostapi.Account{HostID: fakeShop},
		Wire: func(t testing.TB) http.Handler { f, _ := shop(t); return f },
	})
}

// counter puts a host in front of f.
func counter(t testing.TB, f *fakeShopify) (*host, hostapi.Account) {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.address = server.URL
	h := open(t, server.URL).(*host)
	return h, hostapi.Account{HostID: fakeShop, Client: server.Client(), Zone: time.UTC}
}

// reader is Pull, Recount or Backfill.
type reader func(hostapi.Cursor) (*hostapi.Page, error)

// readAll reads until nothing is left.
func readAll(t testing.TB, read reader) (records []hostapi.Record) {
	t.Helper()
	var from hostapi.Cursor
	for range 200 {
		page, err := read(from)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, page.Records...)
		if !page.More {
			return records
		}
		if page.Next == from && page.Wait == 0 {
			t.Fatalf("in a circle at %s", from)
		}
		from = page.Next
	}
	t.Fatal("no end")
	return nil
}

func keysOf(records []hostapi.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return keys
}

func itemsOf(t testing.TB, h *host, r hostapi.Record) []models.Item {
	t.Helper()
	items, err := h.Transform(r)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// An order that does not fit is read to its end, so that not a cent is missing.
func TestLongOrdersAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	f, keys := longShop(t)
	h, a := counter(t, f)
	records := readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, window, c) })
	if got := keysOf(records); !slices.Equal(got, keys) {
		t.Fatal(got)
	}
	items := itemsOf(t, h, records[2])
	if len(items) != 15 || items[1].Sale.Total() != 241*108 || items[14].Sale.SalesTax != 241*8 || items[2].Sale.Total() != 108 {
		t.Errorf("%d items, %v and %v", len(items), items[1].Sale.Total(), items[14].Sale.SalesTax)
	}
	if f.calls["Agreements"] != 2 || f.calls["Sales"] != 6 {
		t.Errorf("%v", f.calls)
	}
}

// What is not whole is not used.
func TestAnOrderThatChangesMeanwhileIsReadAgain(t *testing.T) {
	t.Parallel()
	f, _ := longShop(t)
	f.moved = true
	h, a := counter(t, f)
	if _, err := h.Pull(t.Context(), a, window, ""); models.KindOf(err) != models.Unavailable {
		t.Error(err)
	}
}

func TestPagesFitWhatTheyCost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		requested, dear int
		want            []int
	}{
		"cheap":      {20, 0, []int{4, 45}},
		"dear":       {300, 0, []int{4, 3, 3}},
		"too dear":   {0, 3, []int{4, 2, 2, 2, 2, 2}},
		"not stated": {0, 0, []int{4, 4, 4}},
	} {
		f, keys := shop(t)
		f.requested, f.dear = c.requested, c.dear
		h, a := counter(t, f)
		records := readAll(t, func(from hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, window, from) })
		if !slices.Equal(keysOf(records), keys) || !slices.Equal(f.sizes, c.want) {
			t.Errorf("%s: %v in pages of %v, want %v", name, keysOf(records), f.sizes, c.want)
		}
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	f, _ := longShop(t)
	f.dear = 4
	h, a := counter(t, f)
	records, err := h.Fetch(t.Context(), a, []string{"9", "404", "3", "1", "5"})
	if got := keysOf(records); err != nil || !slices.Equal(got, []string{"1", "3", "5", "9"}) {
		t.Fatal(got, err)
	}
	for _, r := range records {
		if r.Key == "3" && len(itemsOf(t, h, r)) != 15 {
			t.Error("a fetched order is not whole")
		}
	}
}

func TestRecountGoesByTheDayOfTheOrder(t *testing.T) {
	t.Parallel()
	f, keys := shop(t)
	h, a := counter(t, f)
	records := readAll(t, func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Recount(t.Context(), a, window, c) })
	if got := keysOf(records); !slices.Equal(got, keys) {
		t.Error(got)
	}
	if got := byDay.search(models.Window{From: noon, To: noon.Add(time.Second + 1)}); got !=
		"created_at:>='2026-10-01T12:00:00Z' created_at:<'2026-10-01T12:00:02Z'" {
		t.Error(got)
	}
}

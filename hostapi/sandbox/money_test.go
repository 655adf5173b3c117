package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/models"
	world "extractor/sandbox"
)

// TestMoney: whatever befalls an order of whatever kind, its items are those
// the shop itself expects, to the cent, and add up to what was charged.
func TestMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := open(t, w.HostURL()).(*host)
	a := hostapi.Account{Client: bearer(t, w, "shop-1")}
	kinds := []string{"plain", "refunded", "partly", "cancelled", "test", "pending", "digital", "pickup"}
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(r, "kind")
		body := map[string]any{"account": "shop-1", "count": 1, "seed": rapid.Uint64().Draw(r, "seed"), "from": "2026-03-01", "to": "2026-03-31"}
		if kind != "plain" {
			body["mix"] = map[string]int{kind: 100}
		}
		must(r, tryControl(t.Context(), w, "orders", body))
		truth := newest(w)
		for i := range rapid.IntRange(0, 5).Draw(r, "changes") {
			befall(t, r, w, truth.ID, i)
		}
		truth = newest(w)
		records, err := h.Fetch(t.Context(), a, []string{truth.ID})
		must(r, err)
		compare(r, h, records[0], truth)
	})
}

func must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// newest is the shop's view of the order made last.
func newest(w *world.World) world.Truth {
	return slices.MaxFunc(w.Host.Truth("shop-1"), func(x, y world.Truth) int { return strings.Compare(x.ID, y.ID) })
}

// befall does something to the order. The shop refuses what makes no sense.
func befall(t *testing.T, r *rapid.T, w *world.World, id string, i int) {
	what := rapid.SampledFrom([]string{"amount", "line", "rest", "edit", "cancel", "pay"}).Draw(r, fmt.Sprint("change ", i))
	verb, body := "refund", map[string]any{}
	switch what {
	case "amount":
		body["amount"] = models.Amount(rapid.IntRange(1, 5000).Draw(r, fmt.Sprint("cents ", i))).String()
	case "line":
		body["line"] = 0
	case "edit", "cancel":
		verb = what
	case "pay":
		verb, body["status"] = "edit", "paid"
	}
	_ = tryControl(t.Context(), w, "orders/"+id+"/"+verb, body)
}

// compare holds what the adapter makes of the record against the shop's truth.
func compare(r *rapid.T, h *host, record hostapi.Record, truth world.Truth) {
	items, err := h.Transform(record)
	must(r, err)
	var got []world.Expected
	for i := range items {
		it := &items[i]
		must(r, (models.Policy{}).Apply(it))
		if it.Skip != "" {
			continue
		}
		if *it.Sale.Charged != it.Sale.Total() {
			r.Errorf("%s adds up to %v, charged %v", it.Key, it.Sale.Total(), *it.Sale.Charged)
		}
		got = append(got, expectedOf(it))
	}
	if !slices.Equal(got, truth.Expected) {
		r.Errorf("got  %+v\nwant %+v", got, truth.Expected)
	}
}

func expectedOf(it *models.Item) world.Expected {
	s := it.Sale
	return world.Expected{
		ItemID: it.Key, Refund: it.Kind == models.KindRefund, TransactionDate: string(s.Date), State: s.ShipTo.State, Zip: s.ShipTo.Zip,
		SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax,
		ReviewRequired: s.ReviewMessage != "",
	}
}

// TestWholeShop: the same for a few hundred orders at once, page by page.
func TestWholeShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	control(t, w, "orders", map[string]any{"account": "shop-3", "count": 600, "from": "2026-01-01", "to": "2026-04-01", "seed": 2, "mix": everyKind})
	h := open(t, w.HostURL()).(*host)
	a := hostapi.Account{Client: bearer(t, w, "shop-3")}
	var got []world.Expected
	for cursor, more := hostapi.Cursor(""), true; more; {
		page, err := h.Pull(t.Context(), a, models.Window{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, transformed(t, h, page.Records)...)
		cursor, more = page.Next, page.More
	}
	var want []world.Expected
	for _, x := range w.Host.Truth("shop-3") {
		want = append(want, x.Expected...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d items, want %d, or they differ", len(got), len(want))
	}
}

func transformed(t *testing.T, h *host, records []hostapi.Record) (all []world.Expected) {
	t.Helper()
	for _, r := range records {
		items, err := h.Transform(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			if err := (models.Policy{}).Apply(&items[i]); err != nil {
				t.Fatal(err)
			}
			if items[i].Skip == "" {
				all = append(all, expectedOf(&items[i]))
			}
		}
	}
	return all
}

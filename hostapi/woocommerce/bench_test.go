package woocommerce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"extractor/hostapi/hostapitest"

	"extractor/models"
)

// onePage is a page of orders of some five kilobytes each, as a site writes them.
func onePage(t testing.TB) []byte {
	t.Helper()
	var orders []any
	for n := range pageSize {
		o := fakeOrder(10_000+n, n)
		var lines []any
		var cents int
		for l := range 6 {
			total := 1000 + 10*l
			cents += total
			lines = append(lines, map[string]any{
				"id": 20_000 + l, "name": fmt.Sprintf("Woo Single #%d &ndash; Color: Black, Size: M", l), "product_id": 93, "variation_id": 0, "quantity": 2,
				"tax_class": "", "subtotal": fmt.Sprintf("%d.%02d0000", total/100, total%100), "subtotal_tax": "0.450000",
				"total": fmt.Sprintf("%d.%02d0000", total/100, total%100), "total_tax": "0.136667", "sku": "Bar3", "price": 5.05,
				"taxes": []any{map[string]any{"id": 75, "total": "0.1", "subtotal": "0.1"}, map[string]any{"id": 76, "total": "0.036667", "subtotal": "0.036667"}},
				"meta_data": []any{
					map[string]any{"id": 2095, "key": "pa_color", "value": "black", "display_key": "Color", "display_value": "Black"},
					map[string]any{"id": 2096, "key": "size", "value": "M \"Test\"", "display_key": "Size", "display_value": "M Test"},
				},
				"image": map[string]any{"id": "177", "src": "https://shop.example.com/wp-content/uploads/2026/01/single-6-black-300x300.jpg"},
			})
		}
		o["line_items"] = lines
		total := cents + 82 + 500 + 41
		o["total"], o["total_tax"] = fmt.Sprintf("%d.%02d0000", total/100, total%100), "1.230000"
		o["customer_note"] = "Leave it at the door, please."
		orders = append(orders, o)
	}
	page, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// order before the ledger: cutting the page, making records, reading them.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "").(*host)
	shop := store{Line1: "100 Main St", City: "Denver", Country: "US:CO", Postcode: "80202"}
	none := make([][]json.RawMessage, pageSize)
	hostapitest.Speed(b, pageSize, func() {
		heads, err := splitOrders(page)
		if err != nil {
			b.Fatal(err)
		}
		records, err := pack(heads, none, shop)
		if err != nil || len(records) != pageSize {
			b.Fatal(err)
		}
		for _, r := range records {
			items, err := h.Transform(r)
			if err != nil || len(items) == 0 {
				b.Fatalf("%d items, %v", len(items), err)
			}
			if err := (models.Policy{}).Apply(&items[0]); err != nil || items[0].Skip != "" || items[0].Sale.ReviewMessage != "" {
				b.Fatalf("%+v, %v", items[0].Sale, err)
			}
		}
	}, page)
}

// BenchmarkSplit is the cutting of a page alone.
func BenchmarkSplit(b *testing.B) {
	page := onePage(b)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if heads, err := splitOrders(page); err != nil || len(heads) != pageSize || bytes.Equal(heads[0].raw, heads[1].raw) {
			b.Fatal(err)
		}
	}
}

package bigcommerce

import (
	"encoding/json"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// orderSize is about what an order with one line and an address has at BigCommerce.
const orderSize = 5000

// onePage is a page of plain orders as BigCommerce sends them, with what we do
// not read.
func onePage(t testing.TB) []byte {
	t.Helper()
	orders := make([]map[string]any, orderLimit)
	for i := range orders {
		o := fakeOrder(i+1, i)
		o["staff_notes"], o["customer_message"] = "", strings.Repeat("text ", 40)
		for _, part := range []string{"products", "shipping_addresses", "coupons"} {
			o[part] = map[string]any{"url": "https://api.bigcommerce.com/stores/abc123/v2/orders/1/" + part, "resource": "/orders/1/" + part}
		}
		l := o["consignments"].([]any)[0].(map[string]any)["shipping"].([]any)[0].(map[string]any)["line_items"].([]any)[0].(map[string]any)
		for _, name := range []string{"base_price", "price_ex_tax", "price_inc_tax", "price_tax", "base_total", "weight", "width", "height", "depth", "base_cost_price"} {
			l[name] = "100.0000"
		}
		options := []any{}
		for written(t, o) < orderSize {
			options = append(options, map[string]any{"id": len(options), "display_name": "Size", "display_value": "S", "type": "Multiple choice", "option_id": 18})
			l["product_options"] = options
		}
		orders[i] = o
	}
	page, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func written(t testing.TB, o map[string]any) int {
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// BenchmarkSplitTransform is what the adapter does for each order before the
// ledger: cut it out of its page, pack it, and say what it means. 60,000 orders
// a second on one core are wanted.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "http://127.0.0.1").(*host)
	packed, err := json.Marshal(store{Zone: "America/Chicago"})
	if err != nil {
		b.Fatal(err)
	}
	hostapitest.Speed(b, orderLimit, func() {
		heads, err := cutOrders(page)
		if err != nil {
			b.Fatal(err)
		}
		for i := range heads {
			transformOne(b, h, &heads[i], packed)
		}
	}, page)
}

func transformOne(b *testing.B, h *host, o *head, packed []byte) {
	p := parcel{store: packed, order: o.raw}
	r := hostapi.Record{Key: o.key(), Kind: kindOrder, Version: hostapi.TimeVersion(o.modified), Body: p.body()}
	items, err := h.Transform(r)
	if err != nil || len(items) != 1 {
		b.Fatalf("%d items, %v", len(items), err)
	}
	if err := (models.Policy{}).Apply(&items[0]); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSplit is the cutting of a page alone.
func BenchmarkSplit(b *testing.B) {
	page := onePage(b)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, err := cutOrders(page); err != nil {
			b.Fatal(err)
		}
	}
}

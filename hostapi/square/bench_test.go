package square

import (
	"encoding/json"
	"fmt"
	"testing"

	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// fullOrder is a sale with what Square sends of one, some five kilobytes.
func fullOrder(n int) map[string]any {
	o := fakeOrder(fmt.Sprintf("CAISENgvlJ6jLWAzERDzjyHVy%04d", n), "L01", n)
	var lines []any
	for i := range 6 {
		lines = append(lines, map[string]any{
			"uid": fmt.Sprintf("8uSwfzvUImn3IRrvciqlX%d", i), "quantity": "1", "name": "A thing on the shelf", "variation_name": "Regular", "item_type": "ITEM",
			"catalog_object_id": "W62UWFY35CWMYGVWK6TWJDNI", "catalog_version": 1654800832000,
			"applied_taxes":    []any{map[string]any{"uid": "GkVUN5aUrLPc8tM1aWJdsC", "tax_uid": "state-sales-tax", "applied_money": usd(83)}},
			"base_price_money": usd(1000), "variation_total_price_money": usd(1000), "gross_sales_money": usd(1000), "total_discount_money": usd(0),
			"total_service_charge_money": usd(0), "total_tax_money": usd(83), "total_money": usd(1083),
		})
	}
	total := usd(6 * 1083)
	o["line_items"], o["total_money"], o["total_tax_money"], o["total_tip_money"] = lines, total, usd(6*83), usd(0)
	o["net_amounts"] = map[string]any{"total_money": total, "tax_money": usd(6 * 83), "discount_money": usd(0), "tip_money": usd(0), "service_charge_money": usd(0)}
	o["taxes"] = []any{map[string]any{"uid": "state-sales-tax", "name": "State Sales Tax", "percentage": "8.3", "type": "ADDITIVE", "applied_money": usd(6 * 83), "scope": "ORDER"}}
	o["tenders"] = []any{map[string]any{"id": "EnZdNAlWCmfh6Mt5FMNST1o7taB", "location_id": "L01", "transaction_id": o["id"], "created_at": at(n), "note": "",
		"amount_money": total, "type": "CARD", "payment_id": "EnZdNAlWCmfh6Mt5FMNST1o7taB",
		"card_details": map[string]any{"status": "CAPTURED", "entry_method": "EMV", "card": map[string]any{"card_brand": "VISA", "last_4": "1111", "exp_month": 11, "exp_year": 2030}}}}
	o["source"], o["pricing_options"] = map[string]any{"name": "Point of Sale"}, map[string]any{"auto_apply_taxes": true}
	return o
}

// onePage is a page of such orders as a search gives it.
func onePage(t testing.TB) []byte {
	t.Helper()
	var orders []any
	for n := range orderLimit {
		orders = append(orders, fullOrder(n))
	}
	page, err := json.Marshal(map[string]any{"orders": orders, "cursor": "next"})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// order before the ledger: cutting the page, making records, reading them.
func BenchmarkSplitTransform(b *testing.B) {
	page := onePage(b)
	h := open(b, "http://127.0.0.1").(*host)
	r := &reader{locations: []location{fakeLocation(1)}}
	hostapitest.Speed(b, orderLimit, func() {
		list, err := cutOrders(page)
		if err != nil || byUpdate.lastOrder(list.things).IsZero() {
			b.Fatal(err)
		}
		records, err := r.orderRecords(b.Context(), list.things, list.heads)
		if err != nil || len(records) != orderLimit {
			b.Fatal(len(records), err)
		}
		for _, record := range records {
			items, err := h.Transform(record)
			if err != nil || len(items) != 1 {
				b.Fatalf("%d items, %v", len(items), err)
			}
			if err := (models.Policy{}).Apply(&items[0]); err != nil || items[0].Sale.ReviewMessage != "" {
				b.Fatal(items[0].Sale.ReviewMessage, err)
			}
		}
	}, page)
}

package square

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// cart is an order as Square reckons it up, and what it should come to.
type cart struct {
	order map[string]any
	want  models.Shares
	total int
}

func (c *cart) line(kind string, goods, tax int) map[string]any {
	c.total += goods + tax
	return map[string]any{"uid": fmt.Sprint(c.total), "item_type": kind, "total_money": usd(goods + tax), "total_tax_money": usd(tax)}
}

// drawCart makes a completed order out of everything a till knows.
func drawCart(t *rapid.T, id string) *cart {
	c := &cart{order: fakeOrder(id, "L01", 1)}
	cents := rapid.IntRange(0, 1_000_00)
	var lines, charges []any
	for range rapid.IntRange(1, 5).Draw(t, "lines") {
		kind := rapid.SampledFrom([]string{"ITEM", "ITEM", "CUSTOM_AMOUNT", "GIFT_CARD"}).Draw(t, "kind")
		goods, tax := cents.Draw(t, "goods"), cents.Draw(t, "tax")/10
		if kind == "GIFT_CARD" {
			tax = 0
			c.want.Excluded += models.Amount(goods)
		} else {
			c.want.SalesAmount += models.Amount(goods)
			c.want.SalesTax += models.Amount(tax)
		}
		lines = append(lines, c.line(kind, goods, tax))
	}
	if rapid.Bool().Draw(t, "shipped") {
		goods, tax := cents.Draw(t, "shipping"), cents.Draw(t, "shipping tax")/10
		charge := c.line("", goods, tax)
		charge["name"], charge["type"] = "Shipping", "CUSTOM"
		charges = append(charges, charge)
		c.want.ShippingAmount, c.want.ShippingTax = models.Amount(goods), models.Amount(tax)
		c.order["fulfillments"] = []any{map[string]any{"type": "SHIPMENT"}}
	}
	tip := cents.Draw(t, "tip")
	c.want.Excluded += models.Amount(tip)
	c.total += tip
	c.order["line_items"], c.order["service_charges"] = lines, charges
	c.order["total_tip_money"], c.order["total_money"] = usd(tip), usd(c.total)
	return c
}

func orderRecord(t *rapid.T, body map[string]any) hostapi.Record {
	body["location"] = fakeLocation(1)
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return hostapi.Record{Kind: kindOrder, Key: "x", Version: "1", Body: b}
}

func one(t *rapid.T, h *host, body map[string]any) models.Item {
	items, err := h.Transform(orderRecord(t, body))
	if err != nil || len(items) != 1 {
		t.Fatalf("%+v, %v", items, err)
	}
	return items[0]
}

func sharesOfSale(s *models.Sale) models.Shares {
	return models.Shares{SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax}
}

// Whatever is in a cart, goods, tax and shipping come out as they went in and
// add up to what was charged.
func TestCartsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t, "S01")
		item := one(t, h, map[string]any{"order": c.order})
		got := sharesOfSale(item.Sale)
		got.Excluded = c.want.Excluded
		if got != c.want || item.Sale.Charged == nil || *item.Sale.Charged != item.Sale.Total() {
			t.Fatalf("%+v of %+v, charged %v", got, c.want, item.Sale.Charged)
		}
	})
}

// However a cart is given back in amounts, the refunds make it up to the cent.
func TestAmountsGivenBackMakeUpTheCart(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t, "S01")
		var refunds, returns []any
		var sum models.Shares
		for n, left := 1, c.total; left > 0; n++ {
			amount := rapid.IntRange(1, left).Draw(t, "amount")
			if n == 6 {
				amount = left
			}
			left -= amount
			id := fmt.Sprintf("R%d", n)
			ret := fakeReturn(id, "S01", 10+n, amount, false)
			body := map[string]any{"order": ret, "sources": []any{c.order}, "refunds": refunds, "returns": returns}
			sum = add(sum, sharesOfSale(one(t, h, body).Sale))
			refunds = append(refunds, fakeRefund("refund-"+id, id, "pay-S01", 10+n, amount, "COMPLETED"))
			returns = append(returns, ret)
		}
		sum.Excluded = c.want.Excluded
		if c.total > 0 && sum != c.want {
			t.Fatalf("given back %+v of %+v", sum, c.want)
		}
	})
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	hostapitest.AddsUp(t, "testdata/*.golden.json")
}

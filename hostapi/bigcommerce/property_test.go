package bigcommerce

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// cart is an order as BigCommerce reckons it up, and what it should come to.
type cart struct {
	order map[string]any
	want  models.Shares
}

func dollars(cents int) string { return models.Amount(cents).String() + "00" }

// drawCart makes an order out of everything a shop knows, sent to one or more
// addresses. Discounts are already taken off the lines.
func drawCart(t *rapid.T) *cart {
	cents := rapid.IntRange(0, 1_000_00)
	o := fakeOrder(1, 1)
	var goods, tax, shipping, shippingTax, gifts int
	var addresses, certificates []any
	for n := range rapid.IntRange(1, 3).Draw(t, "addresses") {
		a := fakeAddress(n*100+10, 0, 0)
		var lines []any
		for i := range rapid.IntRange(0, 3).Draw(t, "lines") {
			g, x := cents.Draw(t, "goods"), cents.Draw(t, "tax")/10
			goods, tax = goods+g, tax+x
			lines = append(lines, map[string]any{"id": n*100 + i + 1, "type": "physical", "quantity": 1, "total_ex_tax": dollars(g), "total_tax": dollars(x),
				"total_inc_tax": dollars(g + x), "discounted_total_inc_tax": dollars(g + x)})
		}
		s, x, hand := cents.Draw(t, "shipping"), cents.Draw(t, "shipping tax")/10, cents.Draw(t, "handling")/100
		shipping, shippingTax = shipping+s+hand, shippingTax+x
		a["cost_ex_tax"], a["cost_tax"], a["handling_cost_ex_tax"], a["line_items"] = dollars(s), dollars(x), dollars(hand), lines
		addresses = append(addresses, a)
		o["handling_cost_ex_tax"] = dollars(hand) // the last; the rest is put into shipping below
		o["shipping_cost_ex_tax"] = dollars(shipping - hand)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "gift certificates") {
		g := cents.Draw(t, "certificate")
		gifts += g
		certificates = append(certificates, map[string]any{"line_items": []any{map[string]any{"id": 900 + i, "total_ex_tax": dollars(g), "total_inc_tax": dollars(g)}}})
	}
	o["consignments"] = []any{map[string]any{"shipping": addresses, "pickups": []any{}, "downloads": []any{}, "email": map[string]any{"gift_certificates": certificates}}}
	o["subtotal_ex_tax"], o["subtotal_tax"], o["subtotal_inc_tax"] = dollars(goods+gifts), dollars(tax), dollars(goods+gifts+tax)
	o["shipping_cost_tax"], o["total_tax"] = dollars(shippingTax), dollars(tax+shippingTax)
	o["total_ex_tax"], o["total_inc_tax"] = dollars(goods+gifts+shipping), dollars(goods+gifts+shipping+tax+shippingTax)
	o["gift_certificate_amount"], o["store_credit_amount"] = dollars(cents.Draw(t, "paid with a certificate")), dollars(cents.Draw(t, "store credit"))
	return &cart{o, models.Shares{SalesAmount: models.Amount(goods), SalesTax: models.Amount(tax), ShippingAmount: models.Amount(shipping), ShippingTax: models.Amount(shippingTax), Excluded: models.Amount(gifts)}}
}

func transformed(t *rapid.T, h *host, kind string, body map[string]any) []models.Item {
	body["store"] = map[string]any{"zone": "America/Chicago"}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	items, err := h.Transform(hostapi.Record{Kind: kind, Key: "x", Version: "1", Body: b})
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// summed adds items up, and makes sure that each is what was charged for it.
func summed(t *rapid.T, items []models.Item) (s models.Shares) {
	seen := map[string]bool{}
	for _, it := range items {
		if seen[it.Key] || it.Sale.Charged == nil || *it.Sale.Charged != it.Sale.Total() {
			t.Fatalf("%s: %v, charged %v", it.Key, it.Sale.Total(), it.Sale.Charged)
		}
		seen[it.Key] = true
		s.SalesAmount += it.Sale.SalesAmount
		s.SalesTax += it.Sale.SalesTax
		s.ShippingAmount += it.Sale.ShippingAmount
		s.ShippingTax += it.Sale.ShippingTax
	}
	return s
}

func add(a, b models.Shares) models.Shares {
	return models.Shares{
		SalesAmount: a.SalesAmount + b.SalesAmount, SalesTax: a.SalesTax + b.SalesTax,
		ShippingAmount: a.ShippingAmount + b.ShippingAmount, ShippingTax: a.ShippingTax + b.ShippingTax, Excluded: a.Excluded + b.Excluded,
	}
}

// Whatever is in a cart and wherever it goes, goods, tax and shipping come out
// as they went in and add up to what was charged; nothing is below zero.
func TestCartsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		items := transformed(t, h, kindOrder, map[string]any{"order": c.order})
		got := summed(t, items)
		got.Excluded = c.want.Excluded
		if got != c.want {
			t.Fatalf("%+v of %+v", got, c.want)
		}
		for _, it := range items {
			if min(it.Sale.SalesAmount, it.Sale.SalesTax, it.Sale.ShippingAmount, it.Sale.ShippingTax) < 0 {
				t.Fatalf("%+v", it.Sale)
			}
		}
	})
}

// However fine BigCommerce reckons, each amount is rounded once, and what the
// four then differ from the total is named.
func TestFineAmountsAreRoundedOnce(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		fine := rapid.Int64Range(0, 10_000_000)
		goods, tax, shipping, shippingTax := micros(fine.Draw(t, "goods")*100), micros(fine.Draw(t, "tax")*10), micros(fine.Draw(t, "shipping")*100), micros(fine.Draw(t, "shipping tax")*10)
		text := func(m micros) string { return fmt.Sprintf("%d.%06d", m/1e6, m%1e6) }
		o := fakeOrder(1, 1)
		o["shipping_cost_ex_tax"], o["shipping_cost_tax"] = text(shipping), text(shippingTax)
		o["subtotal_tax"], o["total_tax"] = text(tax), text(tax+shippingTax)
		o["total_ex_tax"], o["total_inc_tax"] = text(goods+shipping), text(goods+shipping+tax+shippingTax)
		it := transformed(t, h, kindOrder, map[string]any{"order": o})[0]
		s := it.Sale
		if s.SalesAmount != goods.cents() || s.SalesTax != tax.cents() || s.ShippingAmount != shipping.cents() || s.ShippingTax != shippingTax.cents() {
			t.Fatalf("%+v", s)
		}
		if *s.Charged != (goods + shipping + tax + shippingTax).cents() {
			t.Fatalf("charged %v", *s.Charged)
		}
		if it.Skip != "" {
			return
		}
		if err := (models.Policy{}).Apply(&it); err != nil || (s.ReviewMessage != "") != (*s.Charged != s.Total()) {
			t.Fatalf("%v of %v: %q, %v", s.Total(), *s.Charged, s.ReviewMessage, err)
		}
	})
}

// However a cart is given back, with and without a split, the refunds make it
// up to the cent, and the last takes what is left.
func TestRefundsMakeUpTheCart(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		refunds := drawRefunds(t, int(c.want.Total()))
		var sum models.Shares
		for i := range refunds {
			items := transformed(t, h, kindRefund, map[string]any{"order": c.order, "refund": i + 1, "refunds": refunds})
			for _, it := range items {
				if min(it.Sale.SalesAmount, it.Sale.SalesTax, it.Sale.ShippingAmount, it.Sale.ShippingTax) < 0 {
					t.Fatalf("%+v", it.Sale)
				}
			}
			sum = add(sum, summed(t, items))
		}
		sum.Excluded = c.want.Excluded
		if c.want.Total() > 0 && sum != c.want {
			t.Fatalf("given back %+v of %+v by %v", sum, c.want, refunds)
		}
	})
}

// drawRefunds gives a sum back in up to six refunds, some for the order as a
// whole and the rest of amounts alone. They are listed in any order.
func drawRefunds(t *rapid.T, total int) (refunds []map[string]any) {
	for n := 1; total > 0; n++ {
		amount := rapid.IntRange(1, total).Draw(t, "amount")
		if n == 6 {
			amount = total
		}
		total -= amount
		items := []any{}
		if rapid.Bool().Draw(t, "for the order") {
			items = append(items, map[string]any{"item_type": "ORDER", "item_id": 1, "requested_amount": dollars(amount)})
		}
		refunds = append(refunds, map[string]any{
			"id": n, "order_id": 1, "created": at(n).Format(time.RFC3339), "total_amount": json.Number(dollars(amount)), "total_tax": 0, "items": items,
			"payments": []any{map[string]any{"amount": json.Number(dollars(amount)), "is_declined": false}},
		})
	}
	if len(refunds) > 1 && rapid.Bool().Draw(t, "listed backwards") {
		refunds[0], refunds[len(refunds)-1] = refunds[len(refunds)-1], refunds[0]
	}
	return refunds
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	hostapitest.AddsUp(t, "testdata/*.golden.json")
}

package woocommerce

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/models"
)

// cart is an order as WooCommerce reckons it up, in millionths.
type cart struct {
	rates      []int64 // of tax, in millionths
	inclusive  bool    // prices include tax
	perLine    bool    // taxes are rounded to cents on each line
	goods, fee []priced
	shipping   *priced
	tip        int64 // cents
}

// priced is a line: its net amount and its taxes by rate.
type priced struct {
	net   int64
	taxes []int64
}

const million = 1_000_000

// round is n/d rounded half up; n is not below zero.
func round(n, d int64) int64 { return (2*n + d) / (2 * d) }

// price makes a line of a price in cents, as WC_Tax does.
func (c *cart) price(cents int64, taxed bool) priced {
	whole := cents * million / 100
	if !taxed || len(c.rates) == 0 {
		return priced{net: whole}
	}
	var sum int64
	for _, r := range c.rates {
		sum += r
	}
	p, base := priced{net: whole}, whole
	if c.inclusive {
		base = round(whole*million, million+sum)
	}
	for _, r := range c.rates {
		tax := round(base*r, million)
		if c.perLine {
			tax = round(tax, million/100) * (million / 100)
		}
		p.taxes = append(p.taxes, tax)
		if c.inclusive {
			p.net -= tax
		}
	}
	return p
}

func (p priced) tax() (sum int64) {
	for _, t := range p.taxes {
		sum += t
	}
	return sum
}

func drawCart(t *rapid.T) *cart {
	c := &cart{inclusive: rapid.Bool().Draw(t, "inclusive"), perLine: rapid.Bool().Draw(t, "per line")}
	c.rates = rapid.SliceOfN(rapid.Int64Range(1_000, 90_000), 0, 3).Draw(t, "rates")
	cents := rapid.Int64Range(0, 200_00)
	for range rapid.IntRange(1, 6).Draw(t, "lines") {
		price := cents.Draw(t, "price")
		price -= price * rapid.Int64Range(0, 100).Draw(t, "coupon") / 100 // coupons are in the lines' totals
		c.goods = append(c.goods, c.price(price, rapid.Bool().Draw(t, "taxed")))
	}
	for range rapid.IntRange(0, 2).Draw(t, "fees") {
		c.fee = append(c.fee, c.price(cents.Draw(t, "fee"), rapid.Bool().Draw(t, "fee taxed")))
	}
	if rapid.Bool().Draw(t, "shipped") {
		p := c.price(cents.Draw(t, "shipping"), rapid.Bool().Draw(t, "shipping taxed"))
		c.shipping = &p
	}
	if rapid.Bool().Draw(t, "tipped") {
		c.tip = cents.Draw(t, "tip")
	}
	return c
}

// six writes millionths as WooCommerce does.
func six(n int64) string {
	if n < 0 {
		return "-" + six(-n)
	}
	return fmt.Sprintf("%d.%06d", n/million, n%million)
}

// written is a line as WooCommerce writes it; sign is -1 for one that is given back.
func written(p priced, sign int64) map[string]any {
	taxes := []any{}
	for _, t := range p.taxes {
		taxes = append(taxes, map[string]any{"id": 1, "total": six(sign * t)})
	}
	return map[string]any{"total": six(sign * p.net), "total_tax": six(sign * p.tax()), "taxes": taxes}
}

func sum(lines []priced) (net, tax int64) {
	for _, p := range lines {
		net, tax = net+p.net, tax+p.tax()
	}
	return net, tax
}

// order writes the cart as WooCommerce does: taxes are rounded per total, and
// the total after everything was added up.
func (c *cart) order() (order map[string]any, total int64) {
	const cent = million / 100
	goods, goodsTax := sum(c.goods)
	fees, feeTax := sum(c.fee)
	var shipping priced
	o := fakeOrder(1, 1)
	o["shipping_lines"] = []any{}
	if c.shipping != nil {
		shipping = *c.shipping
		line := written(shipping, 1)
		line["method_id"] = "flat_rate"
		o["shipping_lines"] = []any{line}
	}
	cartTax, shippingTax := round(goodsTax+feeTax, cent)*cent, round(shipping.tax(), cent)*cent
	total = round(goods+fees+c.tip*cent+shipping.net+cartTax+shippingTax, cent) * cent
	o["line_items"], o["fee_lines"] = writtenAll(c.goods, 1), append(writtenAll(c.fee, 1), c.tipLine(1)...)
	o["shipping_total"], o["shipping_tax"], o["total_tax"], o["total"] = six(shipping.net), six(shippingTax), six(cartTax+shippingTax), six(total)
	return o, total
}

func writtenAll(lines []priced, sign int64) (all []any) {
	for _, p := range lines {
		all = append(all, written(p, sign))
	}
	return all
}

func (c *cart) tipLine(sign int64) []any {
	if c.tip == 0 {
		return nil
	}
	line := written(priced{net: c.tip * million / 100}, sign)
	line["name"] = "Tip"
	return []any{line}
}

func transformed(t *rapid.T, h *host, order map[string]any, refunds []any) []models.Item {
	b, err := json.Marshal(map[string]any{"order": order, "refunds": refunds, "store": store{}})
	if err != nil {
		t.Fatal(err)
	}
	items, err := h.Transform(hostapi.Record{Kind: kindOrder, Key: "1", Version: "1", Body: b})
	if err != nil || len(items) != 1+len(refunds) {
		t.Fatalf("%+v, %v", items, err)
	}
	return items
}

// Whatever is in a cart, its parts are what WooCommerce charged for, to the
// cent, and each is what its lines come to.
func TestCartsAddUp(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		order, total := c.order()
		s := transformed(t, h, order, nil)[0].Sale
		cents := models.Amount(total / (million / 100))
		if s.Total() != cents-models.Amount(c.tip) || *s.Charged != s.Total() {
			t.Fatalf("%v of %v, charged %v", s.Total(), cents, *s.Charged)
		}
		var tax exact
		if err := json.Unmarshal([]byte(order["total_tax"].(string)), &tax); err != nil || s.SalesTax+s.ShippingTax != tax.cents() {
			t.Fatalf("taxes %v and %v of %v", s.SalesTax, s.ShippingTax, tax.cents())
		}
		goods, goodsTax := sum(c.goods)
		fees, feeTax := sum(c.fee)
		slack := models.Amount(2)
		if !near(s.SalesAmount, models.Amount(round(goods+fees, million/100)), slack) || !near(s.SalesTax, models.Amount(round(goodsTax+feeTax, million/100)), 1) {
			t.Fatalf("goods %v, tax %v of %s and %s", s.SalesAmount, s.SalesTax, six(goods+fees), six(goodsTax+feeTax))
		}
		if c.tip == 0 && s.ReviewMessage != "" {
			t.Fatal(s.ReviewMessage)
		}
	})
}

// itemised is a refund of some lines, with the amount that the admin page puts.
func (c *cart) itemised(goods []priced, shipping *priced, tip bool) (map[string]any, int64) {
	const cent = million / 100
	net, tax := sum(goods)
	r := fakeRefund(0, 0, "")
	r["line_items"] = writtenAll(goods, -1)
	if shipping != nil {
		r["shipping_lines"] = []any{written(*shipping, -1)}
		net, tax = net+shipping.net, tax+shipping.tax()
	}
	if tip {
		r["fee_lines"] = c.tipLine(-1)
		net += c.tip * cent
	}
	return r, round(net+tax, cent)
}

// However a cart is given back, each refund adds up to its amount, and all of
// them to the sale: lines first, amounts after them.
func TestRefundsAddUp(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		order, total := c.order()
		left := total / (million / 100)
		var refunds []any
		var given []int64
		add := func(r map[string]any, amount int64) {
			n := len(refunds) + 1
			r["id"], r["amount"] = n, six(amount*million/100)
			r["date_created_gmt"], r["date_created"] = at(n), at(n)
			refunds, given, left = append(refunds, r), append(given, amount), left-amount
		}
		byAmount := true
		if rapid.Bool().Draw(t, "some goods") {
			if r, amount := c.itemised(c.goods[:1], nil, false); amount > 0 && amount <= left {
				add(r, amount)
				byAmount = false
			}
		}
		for n := 0; left > 0; n++ {
			amount := rapid.Int64Range(1, left).Draw(t, "amount")
			if n == 4 {
				amount = left
			}
			add(fakeRefund(0, 0, ""), amount)
		}
		items := transformed(t, h, order, refunds)
		var back, tips models.Amount
		var parts models.Sale
		for i, it := range items[1:] {
			s := it.Sale
			if *s.Charged != s.Total() || *s.Charged > models.Amount(given[i]) {
				t.Fatalf("refund %d: %v, charged %v of %d", i, s.Total(), *s.Charged, given[i])
			}
			back, tips = back+s.Total(), tips+models.Amount(given[i])-*s.Charged
			parts.SalesAmount, parts.SalesTax = parts.SalesAmount+s.SalesAmount, parts.SalesTax+s.SalesTax
			parts.ShippingAmount, parts.ShippingTax = parts.ShippingAmount+s.ShippingAmount, parts.ShippingTax+s.ShippingTax
		}
		s := items[0].Sale
		if back != s.Total() || tips != models.Amount(c.tip) {
			t.Fatalf("given back %v and tips %v of %v and %d", back, tips, s.Total(), c.tip)
		}
		for i, part := range amounts(&parts) { // WooCommerce rounds lines that are given back by themselves: a cent may lie elsewhere
			if of := amounts(s)[i]; part != of && (byAmount || !near(part, of, 1)) {
				t.Fatalf("given back %v of %v", amounts(&parts), amounts(s))
			}
		}
	})
}

// All lines of a cart given back at once are the cart.
func TestAllLinesGivenBack(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		order, total := c.order()
		r, _ := c.itemised(c.goods, c.shipping, true)
		r["id"], r["amount"], r["date_created_gmt"] = 7, six(total), at(9)
		r["fee_lines"] = append(writtenAll(c.fee, -1), c.tipLine(-1)...)
		items := transformed(t, h, order, []any{r})
		sale, back := amounts(items[0].Sale), amounts(items[1].Sale)
		for i := range sale {
			if !near(sale[i], back[i], 1) {
				t.Fatalf("given back %v of %v", back, sale)
			}
		}
		if items[0].Sale.Total() != items[1].Sale.Total() {
			t.Fatalf("given back %v of %v", back, sale)
		}
	})
}

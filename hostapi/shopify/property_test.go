package shopify

import (
	"testing"

	"pgregory.net/rapid"

	"extractor/models"
)

// cart is an order as Shopify reckons it up, and what it should come to.
type cart struct {
	lines []object
	want  models.Shares
}

func (c *cart) total() models.Amount { return c.want.Total() }

// text is an amount as Shopify writes it: with one decimal where that is enough.
func text(a models.Amount) string {
	s := a.String()
	if s[len(s)-1] == '0' {
		return s[:len(s)-1]
	}
	return s
}

func (c *cart) add(kind string, net, tax models.Amount) {
	switch kind {
	case "TIP", "GIFT_CARD":
		c.want.Excluded += net + tax
	case "SHIPPING":
		c.want.ShippingAmount += net
		c.want.ShippingTax += tax
	default:
		c.want.SalesAmount += net
		c.want.SalesTax += tax
	}
	c.lines = append(c.lines, fakeLine(kind, text(net+tax), text(tax)))
}

// drawCart makes an order out of everything Shopify knows.
func drawCart(t *rapid.T) *cart {
	c := &cart{}
	cents := rapid.IntRange(0, 1_000_00)
	kinds := []string{"PRODUCT", "PRODUCT", "SHIPPING", "TIP", "GIFT_CARD", "FEE", "ADDITIONAL_FEE", "DUTY", "ADJUSTMENT", "UNKNOWN"}
	c.add("PRODUCT", models.Amount(1+cents.Draw(t, "first")), models.Amount(cents.Draw(t, "first tax")/10))
	for range rapid.IntRange(0, 6).Draw(t, "lines") {
		net, tax := cents.Draw(t, "net"), cents.Draw(t, "tax")/10
		c.add(rapid.SampledFrom(kinds).Draw(t, "kind"), models.Amount(net), models.Amount(tax))
	}
	return c
}

func ledgerItems(t *rapid.T, h *host, agreements ...object) []models.Item {
	r := record(t, wholeOrder(fakeOrder(1, 1, agreements...)))
	items, err := h.Transform(r)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func sharesOf(s *models.Sale) models.Shares {
	return models.Shares{SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax}
}

// Whatever is in a cart, goods, tax and shipping come out as they went in and
// add up to what was charged.
func TestCartsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		items := ledgerItems(t, h, fakeAgreement(1, 1, "ORDER", c.lines...))
		if len(items) != 1 || items[0].Kind != models.KindSale {
			t.Fatalf("%+v", items)
		}
		got := sharesOf(items[0].Sale)
		got.Excluded = c.want.Excluded
		if got != c.want || *items[0].Sale.Charged != items[0].Sale.Total() {
			t.Fatalf("%+v of %+v, charged %v", got, c.want, *items[0].Sale.Charged)
		}
	})
}

// Any ledger, whatever its signs, keeps its sum: sales less refunds are what
// was charged in all, and no amount of an item is below zero.
func TestAnyLedgerKeepsItsSum(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		var agreements []object
		var want models.Amount
		cents := rapid.IntRange(-1_000_00, 1_000_00)
		for n := range rapid.IntRange(1, 4).Draw(t, "agreements") {
			var lines []object
			for range rapid.IntRange(1, 4).Draw(t, "lines") {
				// Without adjustments: an amount above what the order holds has no split.
				kind := rapid.SampledFrom([]string{"PRODUCT", "SHIPPING", "TIP", "DUTY"}).Draw(t, "kind")
				total, tax := models.Amount(cents.Draw(t, "total")), models.Amount(cents.Draw(t, "tax"))
				if kind != "TIP" {
					want += total
				}
				lines = append(lines, fakeLine(kind, text(total), text(tax)))
			}
			agreements = append(agreements, fakeAgreement(n+1, n, "ORDER_EDIT", lines...))
		}
		var got models.Amount
		for _, it := range ledgerItems(t, h, agreements...) {
			s := it.Sale
			if min(s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax) < 0 {
				t.Fatalf("%+v", sharesOf(s))
			}
			if it.Kind == models.KindRefund {
				got -= s.Total()
			} else {
				got += s.Total()
			}
		}
		if got != want {
			t.Fatalf("%v of %v", got, want)
		}
	})
}

// However a cart is given back in amounts, the refunds make it up to the cent.
func TestAmountsGivenBackMakeUpTheCart(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCart(t)
		agreements := []object{fakeAgreement(1, 0, "ORDER", c.lines...)}
		for n, left := 1, c.total(); left > 0; n++ {
			amount := models.Amount(rapid.IntRange(1, int(left)).Draw(t, "amount"))
			if n == 6 {
				amount = left
			}
			left -= amount
			agreements = append(agreements, fakeAgreement(n+1, n, "REFUND", fakeLine("ADJUSTMENT", text(-amount), "0.0")))
		}
		var sum models.Shares
		for _, it := range ledgerItems(t, h, agreements...)[1:] {
			if it.Kind != models.KindRefund || *it.Sale.Charged != it.Sale.Total() {
				t.Fatalf("%s: %v charged %v", it.Kind, it.Sale.Total(), *it.Sale.Charged)
			}
			sum = plus(sum, sharesOf(it.Sale))
		}
		sum.Excluded = c.want.Excluded
		if sum != c.want {
			t.Fatalf("given back %+v of %+v", sum, c.want)
		}
	})
}

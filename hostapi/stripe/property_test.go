package stripe

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/models"
)

// basket is a payment as Stripe tells of it, and what it should come to.
type basket struct {
	kind string
	body thing
	want models.Shares
}

// drawBasket makes a paid session, invoice, detailed intent or bare charge.
func drawBasket(t *rapid.T) *basket {
	cents := rapid.IntRange(0, 1_000_00)
	goods, tax := cents.Draw(t, "goods")+1, cents.Draw(t, "tax")/10
	shipping, shippingTax := cents.Draw(t, "shipping"), cents.Draw(t, "shipping tax")/10
	b := &basket{kind: kindPayment, body: thing{"zone": "America/New_York"}}
	b.want = models.Shares{SalesAmount: models.Amount(goods), SalesTax: models.Amount(tax), ShippingAmount: models.Amount(shipping), ShippingTax: models.Amount(shippingTax)}
	total := goods + tax + shipping + shippingTax
	switch rapid.SampledFrom([]string{"session", "invoice", "intent", "charge"}).Draw(t, "source") {
	case "session":
		b.body["session"] = fakeSession(total, tax+shippingTax, shipping+shippingTax, shippingTax)
	case "invoice":
		b.kind = kindInvoice
		b.body["invoice"] = fakeInvoice("in_1", 1, total, tax+shippingTax, shipping+shippingTax, shippingTax)
	case "intent":
		total += b.detail(t, cents.Draw(t, "tip"), total)
	case "charge":
		b.want = models.Shares{SalesAmount: models.Amount(total)}
	}
	b.pay(total)
	return b
}

// detail makes it an intent with amount_details, where tax is told in one sum.
func (b *basket) detail(t *rapid.T, tip, total int) int {
	b.want.SalesTax += b.want.ShippingTax
	b.want.ShippingTax, b.want.Excluded = 0, models.Amount(tip)
	b.body["intent"] = thing{"amount": total + tip, "currency": "usd", "amount_details": thing{"tip": thing{"amount": tip},
		"tax": thing{"total_tax_amount": int(b.want.SalesTax)}, "shipping": thing{"amount": int(b.want.ShippingAmount)}}}
	return tip
}

func (b *basket) pay(cents int) {
	p := thing{"charge": fakeCharge("ch_1", "pi_1", 1, cents), "refunds": []any{}}
	if in := b.body["intent"]; in != nil {
		p["intent"] = in
	}
	b.body["payments"] = []any{p}
}

func (b *basket) refund(r thing) {
	p := b.body["payments"].([]any)[0].(thing)
	p["refunds"] = append(p["refunds"].([]any), r)
}

func (b *basket) items(t *rapid.T, h *host) []models.Item {
	body, err := json.Marshal(b.body)
	if err != nil {
		t.Fatal(err)
	}
	items, err := h.Transform(hostapi.Record{Kind: b.kind, Key: "x", Version: "1", Body: body})
	if err != nil || len(items) == 0 {
		t.Fatalf("%+v, %v", items, err)
	}
	for _, it := range items {
		if s := it.Sale; s.Charged == nil || *s.Charged != s.Total() {
			t.Fatalf("%s is %v of %v", it.Key, s.Total(), s.Charged)
		}
	}
	return items
}

func sharesOf(s *models.Sale) models.Shares {
	return models.Shares{SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax}
}

// Whatever was paid for, and however it was told, goods, tax and shipping come
// out as they went in and add up to what was charged.
func TestBasketsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1", soon)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBasket(t)
		got := sharesOf(b.items(t, h)[0].Sale)
		got.Excluded = b.want.Excluded
		if got != b.want {
			t.Fatalf("%+v of %+v", got, b.want)
		}
	})
}

// However a basket is given back, the refunds make it up to the cent, and those
// that failed count for nothing.
func TestRefundsMakeUpTheBasket(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1", soon)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBasket(t)
		left := int(b.want.Total())
		for n := 1; left > 0; n++ {
			amount := rapid.IntRange(1, left).Draw(t, "amount")
			if n == 6 {
				amount = left
			}
			id := fmt.Sprintf("re_%d", n)
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 && n < 6 {
				b.refund(fakeRefund(id, "ch_1", "pi_1", 10+n, amount, "failed"))
				continue
			}
			b.refund(fakeRefund(id, "ch_1", "pi_1", 10+n, amount, "succeeded"))
			left -= amount
		}
		var sum models.Shares
		for _, it := range b.items(t, h)[1:] {
			sum = plus(sum, sharesOf(it.Sale))
		}
		sum.Excluded = b.want.Excluded
		if sum != b.want {
			t.Fatalf("given back %+v of %+v", sum, b.want)
		}
	})
}

// A credit note that gives some back by refunds and the rest as credit is
// divided to the cent.
func TestPartsOfACreditNoteMakeItUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.IntRange(0, 1_000_00)
		goods, tax, shipping, shippingTax := cents.Draw(t, "goods"), cents.Draw(t, "tax"), cents.Draw(t, "shipping"), cents.Draw(t, "shipping tax")
		total := goods + tax + shipping + shippingTax
		n := &creditNote{bill: bill{Total: int64(total), TotalTaxes: []taxAmount{{int64(tax)}, {int64(shippingTax)}},
			ShippingCost: &shippingCost{AmountTax: int64(shippingTax), AmountTotal: int64(shipping + shippingTax)}}}
		before := int64(rapid.IntRange(0, total).Draw(t, "before"))
		n.PrePayment = &before
		for left := total - int(before); left > 0 && len(n.Refunds) < 4; {
			amount := rapid.IntRange(0, left).Draw(t, "amount")
			n.Refunds = append(n.Refunds, noteRefund{"re", int64(amount)})
			left -= amount
		}
		var sum models.Shares
		for _, part := range n.parts("USD") {
			sum = plus(sum, part)
		}
		want := models.Shares{SalesAmount: models.Amount(goods), SalesTax: models.Amount(tax), ShippingAmount: models.Amount(shipping), ShippingTax: models.Amount(shippingTax)}
		if sum != want {
			t.Fatalf("%+v of %+v", sum, want)
		}
	})
}

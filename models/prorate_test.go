package models

import (
	"testing"

	"pgregory.net/rapid"
)

func TestProrateSplitsByTheSale(t *testing.T) {
	t.Parallel()
	// A sale of 99.00 with 14.85 tax, and 14.85 given back without a word how.
	got := Prorate(Shares{SalesAmount: 9900, SalesTax: 1485}, []PaidBack{{Amount: 1485}, {Amount: 9900}})
	want := []Shares{{SalesAmount: 1291, SalesTax: 194}, {SalesAmount: 8609, SalesTax: 1291}}
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProrateKnownPartsComeOffFirst(t *testing.T) {
	t.Parallel()
	sale := Shares{SalesAmount: 8000, SalesTax: 800, ShippingAmount: 1000}
	shipping := Shares{ShippingAmount: 1000}
	got := Prorate(sale, []PaidBack{{Amount: 1000, Known: &shipping}, {Amount: 4400}, {Amount: 4400}})
	half := Shares{SalesAmount: 4000, SalesTax: 400}
	if got[0] != shipping || got[1] != half || got[2] != half {
		t.Errorf("got %+v", got)
	}
}

func TestProrateNeverGivesMoreThanTheSale(t *testing.T) {
	t.Parallel()
	sale := Shares{SalesAmount: 1000, Excluded: 200}
	got := Prorate(sale, []PaidBack{{Amount: 1500}, {Amount: 1}, {Amount: -5}})
	if got[0] != sale || got[1] != (Shares{}) || got[2] != (Shares{}) {
		t.Errorf("got %+v", got)
	}
	if got := Prorate(Shares{SalesAmount: 1 << 62, SalesTax: 1 << 62}, []PaidBack{{Amount: 1 << 62}}); got[0] != (Shares{}) {
		t.Errorf("of a sale that cannot be: %+v", got)
	}
	if got := Prorate(Shares{}, []PaidBack{{Amount: 5}}); got[0] != (Shares{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func drawShares(t *rapid.T) Shares {
	part := rapid.Int64Range(0, rapid.SampledFrom([]int64{3, 1000, int64(maxAmount)}).Draw(t, "scale"))
	var p [5]Amount
	for i := range p {
		p[i] = Amount(part.Draw(t, "part"))
	}
	return fromParts(p)
}

// However a sale is given back, the refunds make it up to the cent.
func TestProrateAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sale := drawShares(t)
		var refunds []PaidBack
		for left := sale.Total(); left > 0; {
			amount := Amount(rapid.Int64Range(1, int64(left)).Draw(t, "refund"))
			if len(refunds) == 30 {
				amount = left
			}
			refunds = append(refunds, PaidBack{Amount: amount})
			left -= amount
		}
		var all [5]Amount
		for i, made := range Prorate(sale, refunds) {
			if made.Total() != refunds[i].Amount {
				t.Fatalf("refund %d of %d is made up of %+v", i, refunds[i].Amount, made)
			}
			for k, part := range made.parts() {
				if part < 0 {
					t.Fatalf("refund %d has a part below zero: %+v", i, made)
				}
				all[k] += part
			}
		}
		if fromParts(all) != sale {
			t.Fatalf("refunds make up %+v of %+v", all, sale)
		}
	})
}

// The split of a sum stays within three cents of its exact proportion, and each
// cent more is added to one part alone.
func TestPortionIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShares(t)
		if s.Total() == 0 {
			return
		}
		amount := Amount(rapid.Int64Range(1, int64(s.Total())).Draw(t, "amount"))
		parts, before := s.portion(amount).parts(), s.portion(amount-1).parts()
		grown := 0
		for i, part := range s.parts() {
			exact := proportion(part, amount, s.Total())
			if parts[i] < exact-behind || parts[i] > exact+behind+1 || parts[i] > part {
				t.Fatalf("share %d of %d is %d, in proportion %d", i, part, parts[i], exact)
			}
			grown += int(parts[i] - before[i])
			if parts[i] < before[i] {
				t.Fatalf("one cent more took from share %d", i)
			}
		}
		if grown != 1 {
			t.Fatalf("one cent more added %d", grown)
		}
	})
}

package sandbox

import (
	"testing"
	"time"

	"extractor/models"
)

func (x Expected) total() models.Amount {
	return x.SalesAmount + x.SalesTax + x.ShippingAmount + x.ShippingTax
}

// TestTruthAddsUp: for every kind of order the items' amounts are what was
// charged and given back, and orders that do not count have none.
func TestTruthAddsUp(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(400, map[string]int{"refunded": 15, "partly": 15, "cancelled": 10, "test": 5, "pending": 5, "digital": 10, "pickup": 10})
	byID := map[string]document{}
	all, _ := s.all("created", 250)
	for _, d := range all {
		byID[d.ID] = d
	}
	for _, x := range s.Host.Truth("shop-1") {
		d := byID[x.ID]
		if d.Status != statusPaid || d.Test {
			if len(x.Expected) != 0 {
				t.Errorf("%s: %s, test %v, and yet %d items", x.ID, d.Status, d.Test, len(x.Expected))
			}
			continue
		}
		checkTruth(t, d, x.Expected)
	}
}

func checkTruth(t *testing.T, d document, items []Expected) {
	t.Helper()
	if len(items) != 1+len(d.Refunds) {
		t.Fatalf("%s: %d items for %d refunds", d.ID, len(items), len(d.Refunds))
	}
	if got := items[0].total(); got != models.Amount(d.sale()) {
		t.Errorf("%s: the sale adds up to %v, charged %v", d.ID, got, d.sale())
	}
	for i, r := range d.Refunds {
		if got := items[i+1].total(); got != models.Amount(r.Amount) || items[i+1].ItemID != d.ID+"-r"+r.ID {
			t.Errorf("%s: refund %s adds up to %v, given back %v", items[i+1].ItemID, r.ID, got, r.Amount)
		}
	}
}

// TestLastRefundTakesTheRest: refunds of amounts add up to the sale in every part.
func TestLastRefundTakesTheRest(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	made := s.make(1, nil)
	for _, body := range []string{`{"amount":"0.01"}`, `{"amount":"1.37"}`, `{"amount":"0.33"}`, ""} {
		if r := s.control("orders/"+made.FirstID+"/refund", body); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	items := s.Host.Truth("shop-1")[0].Expected
	sum := items[0]
	for _, x := range items[1:] {
		sum.SalesAmount -= x.SalesAmount
		sum.SalesTax -= x.SalesTax
		sum.ShippingAmount -= x.ShippingAmount
		sum.ShippingTax -= x.ShippingTax
		if !x.ReviewRequired {
			t.Errorf("%s is not marked for review", x.ItemID)
		}
	}
	if len(items) != 5 || sum.SalesAmount != 0 || sum.SalesTax != 0 || sum.ShippingAmount != 0 || sum.ShippingTax != 0 {
		t.Errorf("of %d items this is left: %+v", len(items), sum)
	}
}

// TestLocalDay: an instant belongs to the merchant's day, on both sides of a change of clocks.
func TestLocalDay(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for instant, want := range map[string]string{
		"2026-04-01T03:30:00.000Z": "2026-03-31T23:30:00",
		"2026-03-08T06:59:59.000Z": "2026-03-08T01:59:59",
		"2026-03-08T07:00:00.000Z": "2026-03-08T03:00:00",
		"2026-11-01T05:30:00.000Z": "2026-11-01T01:30:00",
		"2026-11-01T06:30:00.000Z": "2026-11-01T01:30:00",
	} {
		if got := local(instant, zone); got != want {
			t.Errorf("%s: %s, want %s", instant, got, want)
		}
	}
}

package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"extractor/models"
	"extractor/sandbox"
)

// foretold is the answer of a preview.
type foretold struct {
	Complete bool
	Message  *string
	Totals   struct{ New, Changed, Unchanged, Bad, Skipped int64 }
	Months   []month
	Bad      []struct {
		Reason string
		Count  int64
	}
	Skipped []struct {
		Reason string
		Count  int64
	}
	Items []struct {
		ItemID      string
		Refund      bool
		SalesAmount models.Amount
	}
}

// month is a month's sums.
type month struct {
	Month                                              string
	Sales, Refunds                                     int64
	SalesAmount, SalesTax, ShippingAmount, ShippingTax models.Amount
}

// shopMonths are a shop's months from a day on, by the shop's own numbers.
func (s *stage) shopMonths(shop, start string) (list []month) {
	months := map[string]month{}
	for _, order := range s.world.Host.Truth(shop) {
		for _, e := range order.Expected {
			if e.TransactionDate < start {
				continue
			}
			m, sign := months[e.TransactionDate[:7]], models.Amount(1)
			if m.Month = e.TransactionDate[:7]; e.Refund {
				m.Refunds++
				sign = -1
			} else {
				m.Sales++
			}
			m.SalesAmount += sign * e.SalesAmount
			m.SalesTax += sign * e.SalesTax
			m.ShippingAmount += sign * e.ShippingAmount
			m.ShippingTax += sign * e.ShippingTax
			months[m.Month] = m
		}
	}
	for _, name := range slices.Sorted(maps.Keys(months)) {
		list = append(list, months[name])
	}
	return list
}

// everything is a checksum of the tables that say something of merchants: the
// others are those of a service that is running.
func (s *stage) everything() (all string) {
	s.t.Helper()
	for _, table := range []string{"connections", "tokens", "lanes", "entries", "tallies", "recounts", "batches", "activities", "failures", "bad_items", "quotas", "request_slots"} {
		var sum string
		err := s.store.Pool.QueryRow(s.t.Context(), `SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM `+table+` t`).Scan(&sum)
		if err != nil {
			s.t.Fatal(err)
		}
		all += table + " " + sum + "\n"
	}
	return all
}

func TestPreviewForetellsTheSync(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.host("/control/orders", map[string]any{"account": "shop-1", "count": 300, "from": days(70), "seed": 11,
		"mix": map[string]int{"refunded": 5, "partly": 5, "cancelled": 5, "test": 3, "pending": 3, "digital": 3, "pickup": 5}})
	s.must(http.MethodPut, "/connector", map[string]bool{"enabled": false}, nil) // nothing travels yet
	s.connect("demo", "shop-1", days(40))
	s.eventually(30*time.Second, func() string { // the housekeeping has done its part
		var done bool
		if err := s.store.Pool.QueryRow(t.Context(), `SELECT company_name IS NOT NULL AND trim_at > now() FROM connections`).Scan(&done); err != nil || !done {
			return fmt.Sprint("not named and looked through: ", err)
		}
		return ""
	})
	before := s.everything()
	var p foretold
	s.must(http.MethodPost, "/connections/demo/preview", nil, &p)
	if after := s.everything(); after != before {
		t.Errorf("something was written:\n%s\nbefore:\n%s", after, before)
	}
	if want := s.shopMonths("shop-1", days(40)); !slices.Equal(p.Months, want) || len(want) < 2 || !p.Complete || len(p.Items) != 20 {
		t.Errorf("foretold %+v\nbut the shop has %+v", p, want)
	}

	s.must(http.MethodPut, "/connector", map[string]bool{"enabled": true}, nil)
	var done struct{ Totals tally }
	s.eventually(30*time.Second, func() string {
		s.must(http.MethodGet, "/connections/demo/completeness", nil, &done)
		if n := done.Totals.Delivered.Items; n != p.Totals.New || done.Totals.Pending.Items > 0 {
			return fmt.Sprintf("%d were foretold, %d are delivered, %d under way", p.Totals.New, n, done.Totals.Pending.Items)
		}
		return ""
	})
	var sum sums
	for _, m := range p.Months {
		sum.add(sums{m.Sales + m.Refunds, m.SalesAmount, m.SalesTax, m.ShippingAmount, m.ShippingTax})
	}
	if sum != done.Totals.Delivered {
		t.Errorf("foretold %+v, delivered %+v", sum, done.Totals.Delivered)
	}
	if len(p.Skipped) != len(done.Totals.Skipped) || len(p.Skipped) < 2 {
		t.Errorf("foretold %+v, skipped %+v", p.Skipped, done.Totals.Skipped)
	}
	for _, r := range p.Skipped {
		if done.Totals.Skipped[r.Reason].Items != r.Count {
			t.Errorf("%s: foretold %d, skipped %d", r.Reason, r.Count, done.Totals.Skipped[r.Reason].Items)
		}
	}
	sent := p.Totals.New
	s.must(http.MethodPost, "/connections/demo/preview", nil, &p)
	if p.Totals.New+p.Totals.Changed != 0 || p.Totals.Unchanged != sent {
		t.Errorf("afterwards %+v", p.Totals)
	}
}

// sums are items and their money.
type sums struct {
	Items                                              int64
	SalesAmount, SalesTax, ShippingAmount, ShippingTax models.Amount
}

func (s *sums) add(o sums) {
	s.Items += o.Items
	s.SalesAmount += o.SalesAmount
	s.SalesTax += o.SalesTax
	s.ShippingAmount += o.ShippingAmount
	s.ShippingTax += o.ShippingTax
}

// tally is a part of GET /connections/{id}/completeness.
type tally struct {
	Pending, Delivered sums
	Skipped            map[string]sums
}

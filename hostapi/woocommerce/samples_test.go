package woocommerce

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	return hostapitest.Sample(t, "woocommerce", "docs_"+name+".json")
}

// items are what an order of the documentation means, with these refunds.
func items(t *testing.T, order []byte, refunds []json.RawMessage) []models.Item {
	t.Helper()
	heads, err := splitOrders(append(append([]byte("["), order...), ']'))
	if err != nil {
		t.Fatal(err)
	}
	records, err := pack(heads, [][]json.RawMessage{refunds}, store{Country: "US:CA"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := open(t, "").Transform(records[0])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func amounts(s *models.Sale) [4]models.Amount {
	return [4]models.Amount{s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax}
}

// Orders 727 and 723 add up as the documentation shows them.
func TestPublishedOrders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][][4]models.Amount{
		"orders_list_all_orders":   {{1800, 135, 1000, 0}, {2900, 0, 1000, 0}},
		"orders_retrieve_an_order": {{1800, 135, 1000, 0}},
		"orders_create_an_order":   nil,
	} {
		b := sample(t, name)
		if b[0] != '[' {
			b = append(append([]byte("["), b...), ']')
		}
		heads, err := splitOrders(b)
		if err != nil || len(heads) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		for i, o := range heads {
			it := items(t, o.raw, nil)[0]
			if *it.Sale.Charged != it.Sale.Total() || want != nil && amounts(it.Sale) != want[i] {
				t.Errorf("%s: order %s is %v, charged %v", name, o.key, amounts(it.Sale), *it.Sale.Charged)
			}
			if o.modified.IsZero() || o.created.IsZero() || o.status == "" {
				t.Errorf("%s: %+v", name, o)
			}
		}
	}
}

// Order 723 gave back 9.00 for an album, and an amount of 10.00 after it.
func TestPublishedRefunds(t *testing.T) {
	t.Parallel()
	var refunds []json.RawMessage
	if err := json.Unmarshal(sample(t, "order-refunds_list_all_refunds"), &refunds); err != nil {
		t.Fatal(err)
	}
	heads, err := splitOrders(sample(t, "orders_list_all_orders"))
	if err != nil || len(heads) != 2 || len(heads[1].refunds) != 2 {
		t.Fatalf("%+v, %v", heads, err)
	}
	all := items(t, heads[1].raw, refunds)
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	for i, want := range []struct {
		key    string
		date   models.LocalTime
		shares [4]models.Amount
		review bool
	}{
		{"723", "2017-03-21T16:54:51", [4]models.Amount{2900, 0, 1000, 0}, false},
		{"723-r724", "2017-03-21T16:55:37", [4]models.Amount{900, 0, 0, 0}, false},
		{"723-r726", "2017-03-21T17:07:11", [4]models.Amount{667, 0, 333, 0}, true},
	} {
		it := all[i]
		if it.Key != want.key || it.Sale.Date != want.date || amounts(it.Sale) != want.shares || (it.Sale.ReviewMessage != "") != want.review {
			t.Errorf("%s on %s is %v: %s", it.Key, it.Sale.Date, amounts(it.Sale), it.Sale.ReviewMessage)
		}
	}
	if err := (models.Policy{}).Apply(&all[0]); err != nil || all[0].Skip != models.SkipNonUS {
		t.Errorf("an order to Brazil: %q, %v", all[0].Skip, err)
	}
}

// Each single refund of the documentation reads like the one in the list.
func TestPublishedSingleRefunds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"order-refunds_create_a_refund", "order-refunds_retrieve_a_refund"} {
		var r refund
		if err := json.Unmarshal(sample(t, name), &r); err != nil || r.ID != 726 || r.Amount.cents() != 1000 || !r.byAmount() {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		var made madeRefund
		if err := json.Unmarshal(sample(t, name), &made); err != nil || made.order() != "723" {
			t.Errorf("%s belongs to order %q, %v", name, made.order(), err)
		}
	}
}

// The rest of the documentation's answers are none of ours, and are not taken for orders.
func TestPublishedOthersAreNoOrders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"system-status_list_all_system_status_items", "webhooks_create_a_webhook"} {
		body := sample(t, name)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-WP-Total", "1")
			w.Header().Set("X-WP-TotalPages", "1")
			w.Write(body)
		}))
		h := open(t, server.URL).(*host)
		if page, err := h.Pull(t.Context(), hostapi.Account{Client: server.Client()}, window, ""); models.KindOf(err) != models.Unavailable {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
		server.Close()
	}
	heads, err := splitOrders(sample(t, "taxes_list_all_tax_rates"))
	if err != nil || len(heads) == 0 {
		t.Fatal(err)
	}
	records, err := pack(heads[:1], make([][]json.RawMessage, 1), store{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "").Transform(records[0]); models.KindOf(err) != models.Refused {
		t.Errorf("a tax rate became an order: %v", err)
	}
}

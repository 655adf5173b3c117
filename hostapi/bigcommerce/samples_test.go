package bigcommerce

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func sample(t *testing.T, name string, out any) []byte {
	t.Helper()
	return hostapitest.SampleJSON(t, out, "bigcommerce", name)
}

// published transforms an example of an order as if it had been paid for.
func published(t *testing.T, o map[string]any, more map[string]any) models.Item {
	t.Helper()
	o["status_id"], o["payment_method"] = 11, "Credit Card"
	body := map[string]any{"store": map[string]any{"zone": "America/Chicago"}, "order": o}
	for k, v := range more {
		body[k] = v
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	items, err := open(t, "http://127.0.0.1").Transform(hostapi.Record{Kind: kindOrder, Key: "x", Body: b})
	if err != nil || len(items) != 1 {
		t.Fatalf("%v, %v", items, err)
	}
	return items[0]
}

// Order 218 has discounts in terms with tax, and two fees that its total does not contain.
func TestPublishedOrder218(t *testing.T) {
	t.Parallel()
	var o map[string]any
	sample(t, "v2_order_Resp__Response.json", &o)
	s := published(t, o, nil).Sale
	if s.SalesAmount != 5344+1230+400 || s.SalesTax != 440+800 || s.ShippingAmount != 1109 || s.ShippingTax != 91 || *s.Charged != s.Total() || s.ReviewMessage != reviewFees {
		t.Errorf("with fees: %+v, charged %v", s, *s.Charged)
	}
	delete(o, "fees")
	s = published(t, o, nil).Sale
	if s.SalesAmount != 5344 || s.SalesTax != 440 || s.ShippingAmount != 1109 || s.ShippingTax != 91 || *s.Charged != 6984 || s.ReviewMessage != "" {
		t.Errorf("without fees: %+v", s)
	}
}

// Order 100 has a subtotal with tax and a total without: that is for a person to look at.
func TestPublishedOrder100(t *testing.T) {
	t.Parallel()
	var all []map[string]any
	sample(t, "v2_orderCollection_Resp__response.json", &all)
	s := published(t, all[0], nil).Sale
	if s.SalesAmount != 36195 || s.SalesTax != 0 || s.ShippingAmount != 0 || s.ShippingTax != 0 || *s.Charged != 36195 || !strings.Contains(s.ReviewMessage, "25.63") {
		t.Errorf("%+v", s)
	}
}

// Order 247 was paid at the test gateway; without that it adds up.
func TestPublishedOrder247(t *testing.T) {
	t.Parallel()
	var o map[string]any
	raw := sample(t, "v2_order_Resp__Multiple_Items.json", &o)
	items, err := open(t, "http://127.0.0.1").Transform(hostapi.Record{Kind: kindOrder, Key: "247", Body: parcel{store: []byte(`{"zone":"UTC"}`), order: raw}.body()})
	if err != nil || len(items) != 1 || items[0].Skip != skipTest {
		t.Errorf("%+v, %v", items, err)
	}
	s := published(t, o, nil).Sale
	if s.SalesAmount != 92447 || s.SalesTax != 7627 || s.ShippingAmount != 739 || s.ShippingTax != 61 || s.Total() != 100874 || s.ReviewMessage != "" || s.Date != "2019-06-20T11:07:08" {
		t.Errorf("%+v", s)
	}
}

// The published parts of orders are read: addresses, products, taxes, fees, pickups.
func TestPublishedParts(t *testing.T) {
	t.Parallel()
	var addresses, products, taxes []any
	var fees map[string][]any
	var pickups map[string]any
	sample(t, "v2_orderShippingAddressCollection_Resp__response.json", &addresses)
	sample(t, "v2_orderProductsCollection_Resp__response.json", &products)
	sample(t, "v2_orderTaxes_Resp__response.json", &taxes)
	sample(t, "v2_get_orders_order_id_fees__response.json", &fees)
	sample(t, "v2_get_orders_order_id_consignments__Pickup_Consignments.json", &pickups)
	o := fakeOrder(1, 1)
	delete(o, "consignments")
	o["fees"] = fees["fees"]
	s := published(t, o, map[string]any{"addresses": addresses[:1], "products": products, "taxes": taxes}).Sale
	if len(s.Places) != 2 || s.Places[0].Address.State != "Texas" || s.Places[0].Address.Zip != "78251" {
		t.Errorf("%+v", s.Places)
	}
	o["consignments"] = pickups
	if s = published(t, o, nil).Sale; len(s.Places) != 2 || s.Places[0].Kind != models.PlacePickup || s.Places[0].Address.Zip != "78726" {
		t.Errorf("%+v", s.Places)
	}
}

// Two published addresses make two items, which add up to the order.
func TestPublishedAddresses(t *testing.T) {
	t.Parallel()
	var addresses, products []any
	sample(t, "v2_orderShippingAddressCollection_Resp__response.json", &addresses)
	sample(t, "v2_orderProductsCollection_Resp__response.json", &products)
	o := fakeOrder(229, 1)
	delete(o, "consignments")
	b, err := json.Marshal(map[string]any{"store": map[string]any{"zone": "UTC"}, "order": o, "addresses": addresses, "products": products})
	if err != nil {
		t.Fatal(err)
	}
	items, err := open(t, "http://127.0.0.1").Transform(hostapi.Record{Kind: kindOrder, Key: "229", Body: b})
	if err != nil || len(items) != 2 || items[0].Key != "229-a132" || items[1].Key != "229-a133" {
		t.Fatalf("%+v, %v", items, err)
	}
	if sum := items[0].Sale.Total() + items[1].Sale.Total(); sum != 11908 || items[0].Sale.ReviewMessage != reviewSplit {
		t.Errorf("%v, %q", sum, items[0].Sale.ReviewMessage)
	}
}

func TestPublishedRefunds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]models.Shares{
		"docs_refunds_create_a_refund.json":  {SalesAmount: 1000, SalesTax: 83, ShippingAmount: 1000},
		"v3_RefundID_Response__Example.json": {SalesAmount: 4500, SalesTax: 500},
	} {
		var answer struct {
			Data map[string]any `json:"data"`
		}
		sample(t, name, &answer)
		if answer.Data["created"] == "" {
			answer.Data["created"] = "2026-03-05T18:00:00+00:00" // the example leaves it out
		}
		o := fakeOrder(1, 1)
		o["id"] = answer.Data["order_id"]
		o["shipping_cost_tax"], o["total_tax"] = "0.0000", "8.2500"
		b, err := json.Marshal(map[string]any{"store": map[string]any{"zone": "UTC"}, "order": o, "refund": answer.Data["id"], "refunds": []any{answer.Data}})
		if err != nil {
			t.Fatal(err)
		}
		items, err := open(t, "http://127.0.0.1").Transform(hostapi.Record{Kind: kindRefund, Key: "x", Body: b})
		if err != nil || len(items) != 1 {
			t.Fatalf("%s: %v, %v", name, items, err)
		}
		s := items[0].Sale
		if got := (models.Shares{SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax}); got != want || *s.Charged != s.Total() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The published order statuses are those that we skip by number.
func TestPublishedStatuses(t *testing.T) {
	t.Parallel()
	var all []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	sample(t, "v2_orderStatusCollection_Resp__response.json", &all)
	var skipped []string
	for _, s := range all {
		if skipStatus[s.ID] != "" {
			skipped = append(skipped, s.Name)
		}
	}
	slices.Sort(skipped)
	if want := []string{"Awaiting Payment", "Cancelled", "Declined", "Incomplete", "Manual Verification Required", "Pending"}; !slices.Equal(skipped, want) {
		t.Errorf("%v", skipped)
	}
}

// Published errors become kinds that the engine reacts to.
func TestPublishedErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		want   models.Kind
	}{
		"v3_400_BadRequest__response.json":          {400, models.Internal},
		"v3_403_Unauthorized__response.json":        {403, models.Unauthorised},
		"v3_404_NotFound__response.json":            {404, models.Unavailable}, // the store's own information
		"v3_422_UnprocessableEntity__response.json": {422, models.Internal},
		"v2_404_Resp__response.json":                {404, models.Unavailable},
	} {
		var parsed json.RawMessage
		body := sample(t, name, &parsed)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			w.Write(body) // the client reads it or not
		}))
		t.Cleanup(server.Close)
		_, err := open(t, server.URL).(*host).Pull(t.Context(), hostapi.Account{HostID: fakeStore, Client: server.Client()}, window, "")
		if models.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublishedEvents(t *testing.T) {
	t.Parallel()
	h := waker(t)
	for _, name := range hostapitest.Samples(t, "bigcommerce", "webhooks", "*.json") {
		body := strings.ReplaceAll(string(hostapitest.Sample(t, name)), "{store_hash}", fakeStore)
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set(hookHeader, h.hookSecret(fakeStore))
		if n, err := h.Wake(r, []byte(body)); err != nil || !slices.Equal(n.Wake, []string{fakeStore}) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
}

package stripe

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func sample(t *testing.T, name string) thing {
	t.Helper()
	b := hostapitest.Sample(t, "stripe", name)
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out thing
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// with is a sample with some members replaced, by those that a paid one has.
func with(t thing, members thing) thing {
	for name, v := range members {
		t[name] = v
	}
	return t
}

func transformed(t *testing.T, h *host, kind string, body thing) ([]models.Item, error) {
	t.Helper()
	body["zone"] = "America/New_York"
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	items, err := h.Transform(hostapi.Record{Kind: kind, Key: "x", Version: "1", Body: b})
	if err != nil && models.KindOf(err) != models.Refused {
		t.Error(err)
	}
	return items, err
}

// Each published object is read where it would stand in a record, although most
// of them have odd amounts.
func TestPublishedObjects(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1", soon)
	paid := with(sample(t, "official_fixtures/charge.json"), thing{"captured": true, "amount_captured": 100})
	refund := sample(t, "official_fixtures/refund.json")
	note := sample(t, "official_fixtures/credit_note.json")
	for name, c := range map[string]struct {
		kind  string
		body  thing
		items int
		total models.Amount // of the first item
	}{
		"charge":         {kindPayment, thing{"payments": []any{thing{"charge": paid}}}, 1, 100},
		"charge as sent": {kindPayment, thing{"payments": []any{thing{"charge": sample(t, "official_fixtures/charge.json")}}}, 0, 0},
		"intent":         {kindPayment, thing{"payments": []any{thing{"charge": paid, "intent": sample(t, "official_fixtures/payment_intent.json")}}}, 1, 100},
		"refund":         {kindPayment, thing{"payments": []any{thing{"charge": paid, "refunds": []any{refund}}}}, 2, 100},
		"session": {kindPayment, thing{"payments": []any{thing{"charge": paid}}, "session": with(sample(t, "official_fixtures/checkout.session.json"),
			thing{"amount_total": 100, "currency": "usd", "total_details": thing{"amount_tax": 8}, "shipping_cost": nil})}, 1, 100},
		"invoice": {kindInvoice, thing{"invoice": with(sample(t, "official_fixtures/invoice.json"), thing{"status": "paid", "shipping_cost": nil})}, 1, 1000},
		"credit note": {kindInvoice, thing{"notes": []any{with(note, thing{"shipping_cost": nil, "pre_payment_amount": 0, "refunds": []any{}})},
			"invoice": with(sample(t, "official_fixtures/invoice.json"), thing{"status": "paid", "shipping_cost": nil})}, 2, 1000},
	} {
		items, err := transformed(t, h, c.kind, c.body)
		if err != nil || len(items) != c.items {
			t.Errorf("%s: %+v, %v", name, items, err)
			continue
		}
		if c.items > 0 && (items[0].Sale.Total() != c.total || items[0].Skip != skipTest) {
			t.Errorf("%s: %v, skip %q", name, items[0].Sale.Total(), items[0].Skip)
		}
	}
}

// The lists of the mock server are cut, and each leads to what it should.
func TestRecordedLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lead func(listed) (root, bool)
		want string
	}{
		"charges":      {rootOfCharge, ""}, // not captured
		"refunds":      {rootOfRefund, "ch_1PgafuB7WZ01zgkWXYmPNZs8"},
		"invoices":     {rootOfInvoice, "in_1Pgc6tB7WZ01zgkWu9fdqL6I"},
		"credit_notes": {rootOfCreditNote, "in_1Pgc75B7WZ01zgkWYv4iMwt7"},
		"events":       {rootOfEvent, ""}, // of a plan
	} {
		b := hostapitest.Sample(t, "stripe", "mock", name+".json")
		page, err := splitList(b)
		if err != nil || len(page.data) != 1 || page.more {
			t.Errorf("%s: %+v, %v", name, page, err)
			continue
		}
		if got, ok := c.lead(page.data[0]); got.id != c.want || ok != (c.want != "") {
			t.Errorf("%s leads to %q", name, got.id)
		}
	}
}

func TestRecordedAccount(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"official_fixtures/account.json", "mock/account.json"} {
		b, err := json.Marshal(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		var a account
		if err := json.Unmarshal(b, &a); err != nil {
			t.Fatal(err)
		}
		if id := a.identity(); !strings.HasPrefix(id.Account, "acct_") || id.Zone != "Etc/UTC" || id.Email != "site@stripe.com" || id.Address.Country != "US" {
			t.Errorf("%s: %+v", name, id)
		}
	}
}

// All samples, also those of things that we do not read, can stand anywhere in
// a record without harm.
func TestSamplesInEveryPlace(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1", soon)
	for _, name := range hostapitest.Samples(t, "stripe", "*", "*.json") {
		some := sample(t, strings.TrimPrefix(name, "stripe/"))
		for _, kind := range []string{kindPayment, kindInvoice} {
			items, _ := transformed(t, h, kind, thing{"session": some, "invoice": some, "notes": []any{some},
				"payments": []any{thing{"charge": some, "intent": some, "refunds": []any{some}}}})
			for i := range items {
				if err := (models.Policy{}).Apply(&items[i]); err != nil && models.KindOf(err) != models.Refused {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// mockServer is stripe-mock, which knows every address and parameter of the API
// version we speak: go install github.com/stripe/stripe-mock@v0.203.0, then
// stripe-mock -http-addr 127.0.0.1:12111, and STRIPE_MOCK=127.0.0.1:12111.
func mockServer(t *testing.T) (*host, hostapi.Account) {
	t.Helper()
	at := os.Getenv("STRIPE_MOCK")
	if at == "" {
		t.Skip("STRIPE_MOCK names no stripe-mock to ask")
	}
	h := open(t, "http://"+at, soon)
	return h, hostapi.Account{HostID: "acct_1", Client: hostapi.NewBearerClient(h, "sk_test_123", nil)}
}

// Stripe takes every address and parameter that we use.
func TestMockTakesOurRequests(t *testing.T) {
	h, a := mockServer(t)
	r := h.reader(a)
	for stage, src := range sources {
		for _, after := range []string{"", "obj_1"} {
			if _, err := r.list(t.Context(), src.path, src.within(window, after)); err != nil {
				t.Errorf("%s: %v", stage, err)
			}
		}
	}
	for name, ask := range map[string]func() (bool, error){
		"intent": func() (bool, error) {
			x, err := r.alone(t.Context(), root{id: "pi_1"}, &parcel{})
			return len(x) == 1, err
		},
		"charge":  func() (bool, error) { x, err := r.ofCharge(t.Context(), root{id: "ch_1"}); return len(x) == 1, err },
		"session": func() (bool, error) { x, err := r.session(t.Context(), "pi_1"); return x != nil, err },
		"invoice": func() (bool, error) { x, err := r.invoiceOf(t.Context(), "pi_1"); return headOf(x).ID != "", err },
		"payments": func() (bool, error) {
			x, err := r.paymentsOf(t.Context(), "in_1")
			return len(x) == 1 && x[0].intent != nil, err
		},
		"notes": func() (bool, error) {
			p := &parcel{Invoice: json.RawMessage(`{"post_payment_credit_notes_amount":1}`)}
			err := r.addNotes(t.Context(), p, "in_1")
			return len(p.Notes) == 1, err
		},
		"refunds": func() (bool, error) {
			p := &parcel{}
			err := r.addPayment(t.Context(), p, payment{Charge: json.RawMessage(`{"id":"ch_1","amount_refunded":1}`)})
			return err == nil && len(p.Payments[0].Refunds) == 1, err
		},
		"account": func() (bool, error) {
			id, err := h.Identify(t.Context(), a.Client, url.Values{"livemode": {"true"}})
			return id.Account != "", err
		},
		"mode": func() (bool, error) { _, told, err := r.mode(t.Context(), nil); return told, err },
	} {
		if ok, err := ask(); err != nil || !ok {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

// The whole way through the mock server gives records that Transform reads.
func TestMockRecords(t *testing.T) {
	h, a := mockServer(t)
	records, err := h.Fetch(t.Context(), a, []string{"pi_1", "ch_1", "in_1"})
	if err != nil || len(records) == 0 {
		t.Fatal(len(records), err)
	}
	var kinds []string
	for _, r := range records {
		kinds = append(kinds, r.Kind+" "+r.Key[:2])
		if _, err := h.Transform(r); err != nil {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
	if !slices.Contains(kinds, "payment pi") {
		t.Error(kinds)
	}
}

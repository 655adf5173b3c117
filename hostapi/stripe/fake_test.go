package stripe

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
)

type thing = map[string]any

// fakeStripe answers as Stripe does for one merchant. It fails the test on a
// request that Stripe would not understand.
type fakeStripe struct {
	t        testing.TB
	pageSize int
	things   map[string][]thing // by path of their list

	mu    sync.Mutex
	calls map[string]int
}

// filters are the parameters of each list, besides those of paging.
var filters = map[string][]string{
	"/v1/charges":           {"created[gte]", "created[lt]"},
	"/v1/refunds":           {"created[gte]", "created[lt]", "charge"},
	"/v1/invoices":          {"created[gte]", "created[lt]", "status"},
	"/v1/credit_notes":      {"created[gte]", "created[lt]", "invoice"},
	"/v1/events":            {"created[gte]", "created[lt]", "types[]"},
	"/v1/checkout/sessions": {"payment_intent", "status"},
	"/v1/invoice_payments":  {"payment[type]", "payment[payment_intent]", "invoice", "status"},
	"/v1/payment_intents":   {},
}

func (f *fakeStripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	if got := r.Header.Get("Stripe-Version"); got != apiVersion {
		f.t.Errorf("Stripe-Version %q", got)
	}
	f.calls[r.URL.Path]++
	path, id := r.URL.Path, ""
	if filters[path] == nil {
		cut := strings.LastIndex(path, "/")
		path, id = path[:cut], path[cut+1:]
	}
	if filters[path] == nil || r.Method != http.MethodGet {
		f.t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	if id != "" {
		f.one(w, path, id, r.URL.Query()["expand[]"])
		return
	}
	f.list(w, path, r.URL.Query())
}

func (f *fakeStripe) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client hung up
	}
}

func (f *fakeStripe) one(w http.ResponseWriter, path, id string, expand []string) {
	found := f.byID(path, id)
	if found == nil {
		w.WriteHeader(http.StatusNotFound)
		f.answer(w, thing{"error": thing{"type": "invalid_request_error", "code": "resource_missing"}})
		return
	}
	for _, e := range expand {
		found = f.expand(found, strings.Split(e, "."))
	}
	f.answer(w, found)
}

func (f *fakeStripe) byID(path, id string) thing {
	for _, t := range f.things[path] {
		if t["id"] == id {
			return t
		}
	}
	return nil
}

// list answers a page, newest first.
func (f *fakeStripe) list(w http.ResponseWriter, path string, q url.Values) {
	f.known(path, q)
	var found []thing
	for _, t := range f.things[path] {
		if matches(t, q) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b thing) int { return b["created"].(int) - a["created"].(int) })
	if after := q.Get("starting_after"); after != "" {
		i := slices.IndexFunc(found, func(t thing) bool { return t["id"] == after })
		if i < 0 {
			f.t.Errorf("%s: starts after %s, which is not in the list", path, after)
		}
		found = found[i+1:]
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		f.t.Errorf("%s: limit %q", path, q.Get("limit"))
	}
	limit = min(limit, f.pageSize)
	more := len(found) > limit
	data := []thing{}
	for _, t := range found[:min(limit, len(found))] {
		for _, e := range q["expand[]"] {
			t = f.expand(t, strings.Split(strings.TrimPrefix(e, "data."), "."))
		}
		data = append(data, t)
	}
	f.answer(w, thing{"object": "list", "url": path, "has_more": more, "data": data})
}

// known fails on parameters that the list does not have.
func (f *fakeStripe) known(path string, q url.Values) {
	for name := range q {
		if !slices.Contains([]string{"limit", "starting_after", "expand[]"}, name) && !slices.Contains(filters[path], name) {
			f.t.Errorf("%s has no parameter %s", path, name)
		}
	}
	for _, e := range q["expand[]"] {
		if strings.Count(e, ".") > 3 {
			f.t.Errorf("%s: %s is deeper than Stripe expands", path, e)
		}
	}
}

func matches(t thing, q url.Values) bool {
	created, _ := t["created"].(int)
	if from, err := strconv.Atoi(q.Get("created[gte]")); err == nil && created < from {
		return false
	}
	if to, err := strconv.Atoi(q.Get("created[lt]")); err == nil && created >= to {
		return false
	}
	for _, name := range []string{"charge", "invoice", "payment_intent", "status"} {
		if want := q.Get(name); want != "" && t[name] != want {
			return false
		}
	}
	if want := q.Get("payment[payment_intent]"); want != "" && t["payment"].(thing)["payment_intent"] != want {
		return false
	}
	types := q["types[]"]
	return types == nil || slices.Contains(types, t["type"].(string))
}

// lists are where an expanded id is found.
var lists = map[string]string{"pi": "/v1/payment_intents", "ch": "/v1/charges", "in": "/v1/invoices"}

// expand puts the thing in place of its id, along the path.
func (f *fakeStripe) expand(t thing, path []string) thing {
	t = maps.Clone(t)
	switch inner := t[path[0]].(type) {
	case string:
		prefix, _, _ := strings.Cut(inner, "_")
		if whole := f.byID(lists[prefix], inner); whole != nil {
			t[path[0]] = whole
			if len(path) > 1 {
				t[path[0]] = f.expand(whole, path[1:])
			}
		}
	case thing:
		if len(path) > 1 {
			t[path[0]] = f.expand(inner, path[1:])
		}
	}
	if path[0] == "payments" {
		t["payments"] = thing{"object": "list", "data": f.paymentsOf(t["id"]), "has_more": false}
	}
	return t
}

func (f *fakeStripe) paymentsOf(invoice any) (all []thing) {
	for _, p := range f.things["/v1/invoice_payments"] {
		if p["invoice"] == invoice {
			all = append(all, p)
		}
	}
	return all
}

var (
	day    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	window = models.Window{From: day, To: day.AddDate(0, 0, 7)}
)

// at is so many minutes after the beginning of the window, as Stripe has it.
func at(minute int) int { return int(day.Unix()) + 60*minute }

// put adds a thing to a list.
func (f *fakeStripe) put(path string, t thing) thing {
	if f.things == nil {
		f.things = map[string][]thing{}
	}
	f.things[path] = append(f.things[path], t)
	return t
}

// happens adds an event about a thing.
func (f *fakeStripe) happens(minute int, kind string, about thing) {
	id := "evt_" + strconv.Itoa(len(f.things["/v1/events"]))
	f.put("/v1/events", thing{"id": id, "object": "event", "created": at(minute), "type": kind, "data": thing{"object": about}, "livemode": true})
}

var home = thing{"line1": "100 Main St", "city": "Albany", "state": "NY", "postal_code": "12207", "country": "US"}

// fakeCharge is a charge that took so many cents. intent may be "".
func fakeCharge(id, intent string, minute, cents int) thing {
	c := thing{"id": id, "object": "charge", "created": at(minute), "amount": cents, "amount_captured": cents, "amount_refunded": 0,
		"captured": true, "status": "succeeded", "currency": "usd", "livemode": true, "payment_intent": nil,
		"billing_details": thing{"address": home}}
	if intent != "" {
		c["payment_intent"] = intent
	}
	return c
}

// pay adds an intent pi_name and its charge ch_name.
func (f *fakeStripe) pay(name string, minute, cents int) (intent, charge thing) {
	charge = f.put("/v1/charges", fakeCharge("ch_"+name, "pi_"+name, minute, cents))
	intent = f.put("/v1/payment_intents", thing{"id": "pi_" + name, "object": "payment_intent", "created": at(minute), "amount": cents,
		"currency": "usd", "status": "succeeded", "latest_charge": "ch_" + name, "amount_details": thing{"tip": thing{}}})
	f.happens(minute, "charge.succeeded", charge)
	return intent, charge
}

// sell adds a Checkout Session for the payment: cents with tax, and shipping with tax.
func (f *fakeStripe) sell(name string, minute, cents, tax, shipping, shippingTax int) thing {
	s := fakeSession(cents, tax, shipping, shippingTax)
	s["id"], s["payment_intent"], s["created"] = "cs_"+name, "pi_"+name, at(minute)
	return f.put("/v1/checkout/sessions", s)
}

func fakeSession(cents, tax, shipping, shippingTax int) thing {
	return thing{"object": "checkout.session", "id": "cs_1", "status": "complete", "payment_status": "paid", "currency": "usd", "livemode": true,
		"amount_total": cents, "total_details": thing{"amount_tax": tax}, "invoice": nil,
		"shipping_cost":         thing{"amount_total": shipping, "amount_tax": shippingTax, "amount_subtotal": shipping - shippingTax},
		"collected_information": thing{"shipping_details": thing{"address": home}}}
}

// fakeInvoice is a paid invoice of cents, of which tax and shipping with its tax.
func fakeInvoice(id string, minute, cents, tax, shipping, shippingTax int) thing {
	return thing{"id": id, "object": "invoice", "number": "A-" + id, "created": at(minute - 1), "status": "paid", "currency": "usd", "livemode": true,
		"total": cents, "total_excluding_tax": cents - tax, "total_taxes": []any{thing{"amount": tax, "tax_behavior": "exclusive"}},
		"shipping_cost":      thing{"amount_total": shipping, "amount_tax": shippingTax, "amount_subtotal": shipping - shippingTax},
		"status_transitions": thing{"paid_at": at(minute)}, "customer_shipping": thing{"address": home},
		"pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0}
}

// bill adds an invoice that the intents paid.
func (f *fakeStripe) bill(invoice thing, minute int, intents ...string) {
	f.put("/v1/invoices", invoice)
	for i, intent := range intents {
		f.put("/v1/invoice_payments", thing{"id": "inpay_" + intent, "object": "invoice_payment", "created": at(minute), "status": "paid",
			"is_default": i == 0, "invoice": invoice["id"], "payment": thing{"type": "payment_intent", "payment_intent": intent}})
	}
	f.happens(minute, "invoice.paid", invoice)
}

func fakeRefund(id, charge, intent string, minute, cents int, status string) thing {
	r := thing{"id": id, "object": "refund", "created": at(minute), "amount": cents, "currency": "usd", "status": status,
		"charge": charge, "payment_intent": nil, "balance_transaction": "txn_" + id}
	if intent != "" {
		r["payment_intent"] = intent
	}
	return r
}

// giveBack adds a refund of a charge.
func (f *fakeStripe) giveBack(id string, charge thing, minute, cents int, status string) {
	intent, _ := charge["payment_intent"].(string)
	r := f.put("/v1/refunds", fakeRefund(id, charge["id"].(string), intent, minute, cents, status))
	if status == "succeeded" {
		charge["amount_refunded"] = charge["amount_refunded"].(int) + cents
	}
	f.happens(minute, "refund.created", r)
}

// credit adds a credit note for an invoice, all of it paid back by the refund.
func (f *fakeStripe) credit(id string, invoice thing, minute, cents, tax int, refund string) thing {
	n := fakeNote(id, minute, cents, tax)
	n["invoice"] = invoice["id"]
	if refund != "" {
		n["refunds"] = []any{thing{"refund": refund, "amount_refunded": cents}}
	}
	invoice["post_payment_credit_notes_amount"] = invoice["post_payment_credit_notes_amount"].(int) + cents
	f.happens(minute, "credit_note.created", n)
	return f.put("/v1/credit_notes", n)
}

func fakeNote(id string, minute, cents, tax int) thing {
	return thing{"id": id, "object": "credit_note", "created": at(minute), "effective_at": at(minute), "status": "issued", "type": "post_payment",
		"total": cents, "total_excluding_tax": cents - tax, "total_taxes": []any{thing{"amount": tax}},
		"pre_payment_amount": 0, "post_payment_amount": cents, "refunds": []any{}}
}

package stripe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// soon and late are days on which the window is, and is no longer, within reach of events.
var (
	soon = day.AddDate(0, 0, 10)
	late = day.AddDate(0, 2, 0)
)

// open makes the adapter on a day, in front of base.
func open(t testing.TB, base string, today time.Time) *host {
	t.Helper()
	h, err := (&Config{ClientID: "ca_app", SecretKey: "sk_live_app", BaseURL: base, WebhookSecret: "whsec_old, whsec_new"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	h.(*host).now = func() time.Time { return today }
	return h.(*host)
}

// shop is a merchant with every sort of payment.
func shop(t testing.TB) *fakeStripe {
	f := &fakeStripe{t: t, pageSize: 4}
	for n := 1; n <= 5; n++ {
		name := fmt.Sprintf("shop%d", n)
		f.pay(name, n, 2166)
		f.sell(name, n, 2166, 166, 1083, 83)
	}
	_, refunded := f.pay("refunded", 10, 1083)
	f.sell("refunded", 10, 1083, 83, 0, 0)
	f.giveBack("re_part", refunded, 20, 500, "succeeded")
	f.giveBack("re_open", refunded, 21, 100, "pending")

	_, billed := f.pay("billed", 11, 1083)
	f.pay("later", 12, 500)
	invoice := fakeInvoice("in_billed", 13, 1583, 83, 0, 0)
	f.bill(invoice, 13, "pi_billed", "pi_later")
	f.giveBack("re_noted", billed, 22, 541, "succeeded")
	f.credit("cn_noted", invoice, 22, 541, 41, "re_noted")

	detailed, _ := f.pay("detailed", 14, 1283)
	detailed["amount_details"] = thing{"tip": thing{"amount": 200}, "tax": thing{"total_tax_amount": 83}, "shipping": thing{"amount": 100, "to_postal_code": "12207"}}
	f.happens(15, "charge.succeeded", f.put("/v1/charges", fakeCharge("ch_bare", "", 15, 700)))
	f.put("/v1/charges", thing{"id": "ch_failed", "object": "charge", "created": at(16), "status": "failed", "captured": false, "payment_intent": "pi_none"})
	f.bill(fakeInvoice("in_cash", 17, 1083, 83, 0, 0), 17)
	return f
}

func TestConformanceOfEvents(t *testing.T) {
	hostapitest.Run(t, hostapitest.Case{
		Open: func(t testing.TB, base string) hostapi.Host { return open(t, base, soon) }, Window: window,
		Wire: func(t testing.TB) http.Handler { return shop(t) },
		Keys: []string{
			"in_billed", "pi_later", "pi_refunded", // re_noted, cn_noted, re_open, re_part
			"in_cash", "ch_bare", "pi_detailed", "in_billed", "pi_later",
			"in_billed", "pi_later", "pi_refunded", "pi_shop5", // pi_later's event, pi_billed's
			"pi_shop4", "pi_shop3", "pi_shop2", "pi_shop1",
		},
	})
}

func TestConformanceOfLists(t *testing.T) {
	hostapitest.Run(t, hostapitest.Case{
		Open: func(t testing.TB, base string) hostapi.Host { return open(t, base, late) }, Window: window,
		Wire: func(t testing.TB) http.Handler { return shop(t) },
		Keys: []string{
			"ch_bare", "pi_detailed", "in_billed", "pi_later", // charges …
			"in_billed", "pi_later", "pi_refunded", "pi_shop5", "pi_shop4",
			"pi_shop3", "pi_shop2", "pi_shop1",
			"in_billed", "pi_later", "pi_refunded", // refunds …
			"in_cash",               // invoices that no charge leads to …
			"in_billed", "pi_later", // credit notes
		},
	})
}

// counter puts an adapter in front of f.
func counter(t *testing.T, f *fakeStripe, today time.Time) (*host, hostapi.Account) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return open(t, server.URL, today), hostapi.Account{Client: server.Client(), Zone: time.UTC}
}

type road func(h *host, a hostapi.Account, from hostapi.Cursor) (*hostapi.Page, error)

// pullAll reads page after page.
func pullAll(t *testing.T, h *host, a hostapi.Account, by road) []hostapi.Record {
	t.Helper()
	return hostapitest.PullAll(t, func(from hostapi.Cursor) (*hostapi.Page, error) { return by(h, a, from) }, nil)
}

func keys(records []hostapi.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func find(t *testing.T, records []hostapi.Record, key string) hostapi.Record {
	t.Helper()
	i := slices.IndexFunc(records, func(r hostapi.Record) bool { return r.Key == key })
	if i < 0 {
		t.Fatalf("no record %s", key)
	}
	return records[i]
}

// All roads bring the same records, byte for byte, and only their versions differ.
func TestAllRoadsBringTheSame(t *testing.T) {
	t.Parallel()
	f := shop(t)
	h, a := counter(t, f, soon)
	ctx := t.Context()
	roads := map[string]road{
		"pull": func(h *host, a hostapi.Account, c hostapi.Cursor) (*hostapi.Page, error) {
			return h.Pull(ctx, a, window, c)
		},
		"backfill": func(h *host, a hostapi.Account, c hostapi.Cursor) (*hostapi.Page, error) {
			return h.Backfill(ctx, a, window, c)
		},
		"recount": func(h *host, a hostapi.Account, c hostapi.Cursor) (*hostapi.Page, error) {
			return h.Recount(ctx, a, window, c)
		},
	}
	want := pullAll(t, h, a, roads["pull"])
	for name, by := range roads {
		got := pullAll(t, h, a, by)
		if !slices.Equal(keys(got), keys(want)) {
			t.Errorf("%s: %v, want %v", name, keys(got), keys(want))
		}
		for _, r := range got {
			if w := find(t, want, r.Key); string(r.Body) != string(w.Body) || r.Kind != w.Kind {
				t.Errorf("%s: %s differs", name, r.Key)
			}
		}
	}
	fetched, err := h.Fetch(ctx, a, append(keys(want), "pi_gone", "ch_gone", "in_gone"))
	if err != nil || !slices.Equal(keys(fetched), keys(want)) {
		t.Errorf("fetched %v, %v", keys(fetched), err)
	}
}

func TestPullKeepsWithinTheWindow(t *testing.T) {
	t.Parallel()
	for _, today := range []time.Time{soon, late} {
		f := &fakeStripe{t: t, pageSize: 4}
		f.pay("before", -1, 100)
		f.pay("first", 0, 100)
		f.pay("after", 7*24*60, 100)
		h, a := counter(t, f, today)
		page, err := h.Pull(t.Context(), a, models.Window{From: window.From.Add(-time.Millisecond), To: window.To}, "")
		if err != nil || !slices.Equal(keys(page.Records), []string{"pi_first"}) {
			t.Errorf("%v, %v", page, err)
		}
	}
}

// The road is chosen when a window is begun. A cursor keeps it, whatever the time.
func TestRoadOfAWindow(t *testing.T) {
	t.Parallel()
	f := shop(t)
	h, a := counter(t, f, window.From.Add(eventsReach))
	page, err := h.Pull(t.Context(), a, window, "")
	if err != nil || f.calls["/v1/events"] != 1 || f.calls["/v1/charges"] != 0 {
		t.Fatalf("%v, %v", f.calls, err)
	}
	h.now = func() time.Time { return late }
	if _, err := h.Pull(t.Context(), a, window, page.Next); err != nil || f.calls["/v1/events"] != 2 || f.calls["/v1/charges"] != 0 {
		t.Errorf("%v, %v", f.calls, err)
	}
	if _, err := h.Pull(t.Context(), a, window, ""); err != nil || f.calls["/v1/charges"] != 1 {
		t.Errorf("%v, %v", f.calls, err)
	}
	if _, err := h.Pull(t.Context(), a, window, "not ours"); models.KindOf(err) != models.Internal {
		t.Error(err)
	}
}

// A reading has the time of the newest event that led to it; a later change has
// a higher version, on whichever road it is read, and an older list never beats it.
func TestVersionsOrderReadings(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	_, charge := f.pay("one", 1, 1083)
	h, a := counter(t, f, day.Add(5*time.Minute))
	read := func(to int) hostapi.Record {
		page, err := h.Pull(t.Context(), a, models.Window{From: day, To: time.Unix(int64(at(to)), 0)}, "")
		if err != nil {
			t.Fatal(err)
		}
		return find(t, page.Records, "pi_one")
	}
	listed := func() hostapi.Record {
		records, err := h.Fetch(t.Context(), a, []string{"pi_one"})
		if err != nil {
			t.Fatal(err)
		}
		return find(t, records, "pi_one")
	}
	sold, known := read(5), listed()
	f.giveBack("re_1", charge, 6, 100, "succeeded")
	h.now = func() time.Time { return day.Add(30 * time.Minute) }
	repaid := read(10)
	if want := hostapi.TimeVersion(day.Add(time.Minute)); sold.Version != want {
		t.Errorf("version %s, want that of the event, %s", sold.Version, want)
	}
	if !(sold.Version < known.Version && known.Version < repaid.Version && repaid.Version < listed().Version) {
		t.Errorf("%s, %s, %s, %s", sold.Version, known.Version, repaid.Version, listed().Version)
	}
	if margin <= 0 || known.Version >= hostapi.TimeVersion(day.Add(5*time.Minute)) {
		t.Errorf("a list claims to know everything up to %s", known.Version)
	}
}

// A refund that fails later disappears from its payment's record.
func TestRefundThatFails(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	_, charge := f.pay("one", 1, 1083)
	_, other := f.pay("two", 1, 1083)
	f.giveBack("re_1", charge, 2, 500, "succeeded")
	f.giveBack("re_2", other, 2, 500, "succeeded")
	f.giveBack("re_3", other, 3, 100, "succeeded")
	h, a := counter(t, f, soon)
	items := func(key string) (all []string) {
		t.Helper()
		records, err := h.Fetch(t.Context(), a, []string{key})
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Transform(find(t, records, key))
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			all = append(all, it.Kind+" "+it.Key)
		}
		return all
	}
	if got := items("pi_one"); !slices.Equal(got, []string{"sale pi_one", "refund re_1"}) {
		t.Errorf("%v", got)
	}
	charge["amount_refunded"], other["amount_refunded"] = 0, 100
	f.byID("/v1/refunds", "re_1")["status"] = "failed"
	f.byID("/v1/refunds", "re_2")["status"] = "failed"
	if got := items("pi_one"); !slices.Equal(got, []string{"sale pi_one"}) {
		t.Errorf("%v", got)
	}
	if got := items("pi_two"); !slices.Equal(got, []string{"sale pi_two", "refund re_3"}) {
		t.Errorf("%v", got)
	}
}

// A payment is sold once, whoever is asked: a session first, then the invoice.
func TestPaymentsAreNotSoldTwice(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	f.pay("both", 1, 1083)
	session := f.sell("both", 1, 1083, 83, 0, 0)
	session["invoice"] = "in_both"
	invoice := fakeInvoice("in_both", 1, 1083, 83, 0, 0)
	f.bill(invoice, 1, "pi_both")
	f.credit("cn_1", invoice, 3, 100, 8, "")
	h, a := counter(t, f, soon)
	records, err := h.Fetch(t.Context(), a, []string{"in_both", "pi_both", "ch_both"})
	if err != nil || !slices.Equal(keys(records), []string{"pi_both"}) {
		t.Fatalf("%v, %v", keys(records), err)
	}
	items, err := h.Transform(records[0])
	if err != nil || len(items) != 2 || items[1].Key != "cn_1" || items[1].Sale.SalesTax != 8 {
		t.Errorf("%+v, %v", items, err)
	}
	pulled := pullAll(t, h, a, func(h *host, a hostapi.Account, c hostapi.Cursor) (*hostapi.Page, error) {
		return h.Pull(t.Context(), a, window, c)
	})
	if !slices.Equal(keys(pulled), []string{"pi_both"}) {
		t.Errorf("%v", keys(pulled))
	}
}

// A payment that was put on an invoice later is taken back as a sale of its own.
func TestPaymentThatMovesToAnInvoice(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	f.pay("first", 1, 500)
	f.pay("later", 2, 583)
	h, a := counter(t, f, soon)
	f.bill(fakeInvoice("in_1", 3, 1083, 83, 0, 0), 3, "pi_first", "pi_later")
	page, err := h.Pull(t.Context(), a, window, "")
	if err != nil {
		t.Fatal(err)
	}
	if items, err := h.Transform(find(t, page.Records, "pi_later")); err != nil || len(items) != 0 {
		t.Errorf("%+v, %v", items, err)
	}
	if items, err := h.Transform(find(t, page.Records, "in_1")); err != nil || len(items) != 1 || items[0].Sale.Total() != 1083 {
		t.Errorf("%+v, %v", items, err)
	}
	if slices.ContainsFunc(page.Records, func(r hostapi.Record) bool { return r.Key == "pi_first" }) {
		t.Error("the invoice's own payment never was a sale of its own")
	}
}

// A payment whose invoice is not marked as paid yet waits for it, and is not
// sold for itself meanwhile.
func TestPaymentOfAnOpenInvoice(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	f.pay("one", 1, 1083)
	invoice := fakeInvoice("in_1", 2, 1083, 83, 0, 0)
	f.bill(invoice, 2, "pi_one")
	invoice["status"] = "open"
	f.things["/v1/invoice_payments"][0]["status"] = "open"
	h, a := counter(t, f, soon)
	records, err := h.Fetch(t.Context(), a, []string{"pi_one"})
	if err != nil || !slices.Equal(keys(records), []string{"in_1"}) {
		t.Fatalf("%v, %v", keys(records), err)
	}
	if items, err := h.Transform(records[0]); err != nil || len(items) != 0 {
		t.Errorf("%+v, %v", items, err)
	}
	f.things["/v1/invoice_payments"][0]["status"] = "canceled"
	if records, err = h.Fetch(t.Context(), a, []string{"pi_one"}); err != nil || !slices.Equal(keys(records), []string{"pi_one"}) {
		t.Errorf("%v, %v", keys(records), err)
	}
}

// An odd thing is set aside; the page goes on.
func TestOddThingsDoNotStopThePage(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 9}
	_, bad := f.pay("bad", 1, 100)
	bad["amount"] = "a lot"
	f.pay("good", 2, 100)
	f.happens(3, "charge.succeeded", thing{"object": "charge"})
	f.happens(4, "charge.succeeded", nil)
	f.happens(5, "checkout.session.completed", thing{"object": "checkout.session", "id": "cs_1", "payment_intent": nil})
	for _, today := range []time.Time{soon, late} {
		h, a := counter(t, f, today)
		page, err := h.Pull(t.Context(), a, window, "")
		if err != nil || !slices.Equal(keys(page.Records), []string{"pi_bad", "pi_good"}) {
			t.Fatalf("%+v, %v", page, err)
		}
		if _, err := h.Transform(find(t, page.Records, "pi_bad")); models.KindOf(err) != models.Refused {
			t.Error(err)
		}
	}
}

// A list that never ends is given up.
func TestListWithoutAnEnd(t *testing.T) {
	t.Parallel()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, `{"object":"list","data":[{"id":"re_%d"}],"has_more":true}`, n%2)
	}))
	t.Cleanup(server.Close)
	all, err := open(t, server.URL, soon).api(server.Client()).whole(t.Context(), "/v1/refunds", url.Values{})
	if models.KindOf(err) != models.Unavailable || n != pagesAtMost {
		t.Errorf("%d things of %d pages, %v", len(all), n, err)
	}
}

// A page of any list ends within a job, although each thing of it takes calls of
// its own and two windows share the quota.
func TestPagesEndInTime(t *testing.T) {
	t.Parallel()
	const callsOfOne, seconds = 4, 25 // session, invoice, intent, refunds
	for stage, src := range sources {
		n, err := strconv.Atoi(src.limit)
		if err != nil || n*callsOfOne*parallel > seconds*perSecond {
			t.Errorf("%s: %s things take %d calls", stage, src.limit, n*callsOfOne)
		}
	}
}

// Refunds and payments that need more than one page are read to the end.
func TestManyRefunds(t *testing.T) {
	t.Parallel()
	f := &fakeStripe{t: t, pageSize: 3}
	_, charge := f.pay("one", 1, 1083)
	for n := range 8 {
		f.giveBack(fmt.Sprintf("re_%d", n), charge, 2+n, 100, "succeeded")
	}
	h, a := counter(t, f, soon)
	records, err := h.Fetch(t.Context(), a, []string{"pi_one"})
	if err != nil {
		t.Fatal(err)
	}
	if items, err := h.Transform(records[0]); err != nil || len(items) != 9 {
		t.Errorf("%d items, %v", len(items), err)
	}
}

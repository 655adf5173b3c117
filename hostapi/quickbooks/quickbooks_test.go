package quickbooks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// shop is a company with documents of all entities, and one deletion.
func shop(t testing.TB) (*fakeBooks, []string) {
	f := newBooks(t)
	var keys []string
	for i, e := range entities {
		for n := range 3 {
			id := fmt.Sprint(10*i + n)
			f.docs[e.name] = append(f.docs[e.name], fakeDoc(id, 100*n+i))
			keys = append(keys, e.name+"-"+id)
		}
	}
	f.gone["Invoice"] = []map[string]any{tombstone("77", 900)}
	return f, append(keys, "Invoice-77")
}

func TestConformance(t *testing.T) {
	_, keys := shop(t)
	for _, basis := range []string{accrual, cash} {
		t.Run(basis, func(t *testing.T) {
			hostapitest.Run(t, hostapitest.Case{
				Open: func(t testing.TB, address string) hostapi.Host {
					return openWith(t, Config{BaseURL: address, Basis: basis})
				},
				Window: window, Keys: keys, Account: hostapi.Account{HostID: realm},
				Wire: func(t testing.TB) http.Handler { f, _ := shop(t); return f },
			})
		})
	}
}

func TestPullKeepsWithinTheWindow(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	f.docs["Invoice"] = []map[string]any{fakeDoc("1", -1), fakeDoc("2", 0), fakeDoc("3", 7*24*60*60-1), fakeDoc("4", 7*24*60*60)}
	f.gone["CreditMemo"] = []map[string]any{tombstone("5", -1), tombstone("6", 0), tombstone("7", 7*24*60*60)}
	h, a := counter(t, f, Config{})
	if got := keys(pullAll(t, h, a, window, nothing)); !slices.Equal(got, []string{"Invoice-2", "Invoice-3", "CreditMemo-6"}) {
		t.Errorf("%v", got)
	}
}

// A list of several pages is read once and in order while nothing changes.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{pageSize - 1, pageSize, pageSize + 1, 2 * pageSize, 2*pageSize + 1, 3*pageSize - 1} {
		f := newBooks(t)
		f.docs["SalesReceipt"] = many(n, 0)
		h, a := counter(t, f, Config{})
		got := keys(pullAll(t, h, a, window, nothing))
		if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n {
			t.Errorf("%d of %d documents", len(got), n)
		}
	}
}

// A document that changes while a list is read moves all others up by one, and
// none is passed over.
func TestPullSurvivesShifts(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	f.docs["SalesReceipt"] = many(3*pageSize, 0)
	want := map[string]bool{}
	for _, doc := range f.docs["SalesReceipt"] {
		want["SalesReceipt-"+doc["Id"].(string)] = true
	}
	h, a := counter(t, f, Config{})
	got := pullAll(t, h, a, window, func(page int) {
		touch(f.docs["SalesReceipt"][page], 8*24*60*60) // out of the window
		touch(f.docs["SalesReceipt"][10+page], 10_000)  // to the end of the list
	})
	for _, key := range keys(got) {
		delete(want, key)
	}
	if len(want) != 0 {
		t.Errorf("%d documents were passed over: %v", len(want), want)
	}
}

// Documents that all changed in one second, as after an import, are read to their end.
func TestOneSecondOfMany(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	f.docs["Invoice"] = many(3*pageSize+7, 0)
	for _, doc := range f.docs["Invoice"] {
		touch(doc, 5)
	}
	h, a := counter(t, f, Config{})
	got := pullAll(t, h, a, window, func(int) { // and their order is no promise either
		slices.Reverse(f.docs["Invoice"])
	})
	if len(got) < 3*pageSize+7 {
		t.Errorf("%d documents", len(got))
	}
}

// Another page than the one that was asked for is no page.
func TestOtherPageIsRefused(t *testing.T) {
	t.Parallel()
	s := newBooks(t)
	s.docs["SalesReceipt"] = many(pageSize+5, 0)
	h, a := counter(t, s, Config{})
	page, err := h.Pull(t.Context(), a, window, "")
	if err != nil || !page.More {
		t.Fatal(err)
	}
	if _, err := splitQuery([]byte(`{"QueryResponse":{"Invoice":[]}}`), entities[0]); err == nil {
		t.Error("invoices for sales receipts")
	}
	for _, cursor := range []hostapi.Cursor{"not ours", `{"entity":"Bill"}`} {
		if _, err := h.Pull(t.Context(), a, window, cursor); models.KindOf(err) != models.Internal {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}

func TestRecountGoesByTheDay(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for i, date := range []string{"2026-03-07", "2026-03-08", "2026-03-09"} { // the clocks change on the second
		doc := fakeDoc(fmt.Sprint(i), 40*24*60*60)
		doc["TxnDate"] = date
		f.docs["SalesReceipt"] = append(f.docs["SalesReceipt"], doc)
	}
	f.gone["SalesReceipt"] = []map[string]any{tombstone("9", 60)}
	h, a := counter(t, f, Config{})
	a.Zone = zone
	w := models.Window{From: time.Date(2026, 3, 8, 0, 0, 0, 0, zone), To: time.Date(2026, 3, 9, 0, 0, 0, 0, zone)}
	var got []string
	for from, more := hostapi.Cursor(""), true; more; {
		page, err := h.Recount(t.Context(), a, w, from)
		if err != nil {
			t.Fatal(err)
		}
		got, from, more = append(got, keys(page.Records)...), page.Next, page.More
	}
	if !slices.Equal(got, []string{"SalesReceipt-1"}) || len(f.cdc) != 0 {
		t.Errorf("%v, %v", got, f.cdc)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := counter(t, f, Config{})
	records, err := h.Fetch(t.Context(), a, []string{"Invoice-10", "CreditMemo-30", "Invoice-77", "Invoice-1') OR ('", "Bill-1", "10", "SalesReceipt-unreadable-00"})
	if err != nil || !slices.Equal(keys(records), []string{"Invoice-10", "CreditMemo-30"}) {
		t.Errorf("%v, %v", keys(records), err)
	}
	var all []string
	f.docs["Invoice"] = many(3*fetchSize, 0)
	for _, doc := range f.docs["Invoice"] {
		all = append(all, "Invoice-"+doc["Id"].(string))
	}
	if records, err := h.Fetch(t.Context(), a, all); err != nil || len(records) != len(all) {
		t.Errorf("%d of %d, %v", len(records), len(all), err)
	}
}

// A document that is odd in one place is set aside; the page goes on.
func TestOddDocumentsDoNotStopThePage(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	bad, nameless, good := fakeDoc("1", 1), fakeDoc("", 2), fakeDoc("3", 3)
	bad["TotalAmt"] = "a lot"
	delete(nameless, "Id")
	f.docs["Invoice"] = []map[string]any{bad, nameless, good}
	h, a := counter(t, f, Config{})
	records := pullAll(t, h, a, window, nothing)
	if len(records) != 3 || records[0].Key != "Invoice-1" || !strings.HasPrefix(records[1].Key, "Invoice-unreadable-") || records[2].Key != "Invoice-3" {
		t.Fatalf("%v", keys(records))
	}
	for _, r := range records[:2] {
		if _, err := h.Transform(r); models.KindOf(err) != models.Refused {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
}

// Under cash basis an invoice counts on the day of its last payment.
func TestCashBasisWaitsForPayment(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	unpaid, paid, unlinked, used := fakeDoc("1", 1), fakeDoc("2", 2), fakeDoc("3", 3), fakeDoc("4", 4)
	unpaid["Balance"] = 0.01
	linked := []any{
		map[string]any{"TxnId": "90", "TxnType": "Payment"}, map[string]any{"TxnId": "91", "TxnType": "Payment"},
		map[string]any{"TxnId": "92", "TxnType": "Estimate"}, map[string]any{"TxnId": "x'", "TxnType": "Payment"},
	}
	unpaid["LinkedTxn"], paid["LinkedTxn"], used["LinkedTxn"] = linked, linked, linked[:1]
	f.docs["Invoice"], f.docs["CreditMemo"] = []map[string]any{unpaid, paid, unlinked}, []map[string]any{used}
	f.docs["Payment"] = []map[string]any{{"Id": "90", "TxnDate": "2026-03-20"}, {"Id": "91", "TxnDate": "2026-04-02"}}
	for _, p := range f.docs["Payment"] {
		touch(p, 1)
	}
	for _, c := range []struct {
		basis string
		want  []string
	}{
		{cash, []string{"2026-03-02T00:00:00 not paid yet", "2026-04-02T00:00:00 ", "2026-03-02T00:00:00 ", "2026-03-20T00:00:00 "}},
		{accrual, []string{"2026-03-02T00:00:00 ", "2026-03-02T00:00:00 ", "2026-03-02T00:00:00 ", "2026-03-02T00:00:00 "}},
	} {
		h, a := counter(t, f, Config{Basis: c.basis})
		var got []string
		for _, r := range pullAll(t, h, a, window, nothing) {
			items, err := h.Transform(r)
			if err != nil || len(items) != 1 {
				t.Fatalf("%s: %v, %v", r.Key, items, err)
			}
			got = append(got, string(items[0].Sale.Date)+" "+items[0].Skip)
			if undated := c.basis == cash && r.Key == "Invoice-3"; undated != strings.Contains(items[0].Sale.ReviewMessage, reviewPaidOn) && items[0].Skip == "" {
				t.Errorf("%s %s: %q", c.basis, r.Key, items[0].Sale.ReviewMessage)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.basis, got)
		}
	}
}

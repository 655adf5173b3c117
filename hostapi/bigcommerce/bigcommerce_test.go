package bigcommerce

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// shop is a store with sales and refunds, on several pages each.
func shop(t testing.TB) (*fakeBigCommerce, []string) {
	f := &fakeBigCommerce{t: t, pageSize: 4}
	var keys []string
	for id := 101; id <= 110; id++ {
		f.orders = append(f.orders, fakeOrder(id, id))
		keys = append(keys, fmt.Sprint(id))
	}
	f.orders[9]["status_id"] = 14 // partially refunded
	for i := range 6 {
		f.refunds = append(f.refunds, fakeRefund(1+i, 101+i, 300+i, 54.13))
	}
	f.refunds = append(f.refunds, fakeRefund(7, 110, 310, 54.13), fakeRefund(8, 110, 311, 20))
	keys = append(keys, "110-r7", "110-r8") // with their order, and once more in their own list
	for i := range 6 {
		keys = append(keys, refundKey(int64(101+i), int64(1+i)))
	}
	return f, append(keys, "110-r7", "110-r8")
}

func TestConformance(t *testing.T) {
	_, keys := shop(t)
	hostapitest.Run(t, hostapitest.Case{
		Open: open, Window: window, Keys: keys, Account: hostapi.Account{HostID: fakeStore},
		Wire: func(t testing.TB) http.Handler { f, _ := shop(t); return f },
	})
}

// counter puts h in front of f.
func counter(t *testing.T, f *fakeBigCommerce) (*host, hostapi.Account) {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return open(t, server.URL).(*host), hostapi.Account{HostID: fakeStore, Client: server.Client(), Zone: time.UTC}
}

// pullAll pulls until nothing is left, and lets change do something between pages.
func pullAll(t *testing.T, h *host, a hostapi.Account, w models.Window, change func(page int)) []hostapi.Record {
	t.Helper()
	pull := func(from hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, w, from) }
	return hostapitest.PullAll(t, pull, change)
}

func nothing(int) {}

func keys(records []hostapi.Record) []string { return hostapitest.Keys(records) }

func find(t *testing.T, records []hostapi.Record, key string) hostapi.Record {
	t.Helper()
	i := slices.IndexFunc(records, func(r hostapi.Record) bool { return r.Key == key })
	if i < 0 {
		t.Fatalf("no record %s among %v", key, keys(records))
	}
	return records[i]
}

// A page takes no more requests than the smallest plan's quota, which two windows
// share, lets through while it lasts; not even when each order has two addresses.
func TestPagesAreShort(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 250}
	for n := 1; n <= 120; n++ {
		o := fakeOrder(n, n)
		o["consignments"] = []any{map[string]any{"shipping": []any{fakeAddress(n*10, 10, 0.83), fakeAddress(n*10+5, 0, 0)}}}
		f.orders = append(f.orders, o)
	}
	h, a := counter(t, f)
	most, before := 0, 0
	pull := func(from hostapi.Cursor) (*hostapi.Page, error) {
		page, err := h.Pull(t.Context(), a, window, from)
		all := 0
		for _, n := range f.calls {
			all += n
		}
		most, before = max(most, all-before), all
		return page, err
	}
	records := hostapitest.PullAll(t, pull, nil)
	if half := quotaRequests / parallel * 25 / 30; len(records) != 120 || most > half {
		t.Errorf("%d records, up to %d requests for a page; %d fit into 25 seconds", len(records), most, half)
	}
}

func TestPullKeepsWithinTheWindow(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4}
	f.orders = append(f.orders, fakeOrder(1, -1), fakeOrder(2, 0), fakeOrder(3, 7*24*60))
	f.refunds = append(f.refunds, fakeRefund(1, 2, -1, 54.13), fakeRefund(2, 2, 0, 54.13), fakeRefund(3, 2, 7*24*60, 10))
	h, a := counter(t, f)
	if got := keys(pullAll(t, h, a, window, nothing)); !slices.Equal(got, []string{"2", "2-r2"}) {
		t.Errorf("%v", got)
	}
}

// An order that changes while its list is read moves to the end; the one that
// takes its place in the numbering of pages is not passed over.
func TestPullOutlivesShiftingPages(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 3}
	for id := 1; id <= 9; id++ {
		f.orders = append(f.orders, fakeOrder(id, id))
	}
	h, a := counter(t, f)
	records := pullAll(t, h, a, window, func(page int) {
		if page == 1 {
			f.orders[0]["date_modified"] = stamp(window.To.Add(time.Hour)) // beyond the window
			f.orders[1]["date_modified"] = stamp(at(100))
		}
	})
	if got := keys(records); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "2"}) {
		t.Errorf("%v", got)
	}
}

// Orders of one second that fill more than a page are paged through by number.
func TestPullOfOneSecond(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 3}
	var want []string
	for id := 1; id <= 8; id++ {
		f.orders = append(f.orders, fakeOrder(id, 5))
		want = append(want, fmt.Sprint(id))
	}
	f.orders = append(f.orders, fakeOrder(9, 6))
	h, a := counter(t, f)
	if got := keys(pullAll(t, h, a, window, nothing)); !slices.Equal(got, append(want, "9")) {
		t.Errorf("%v", got)
	}
}

// A quiet window costs few requests: the store, the orders, the refunds.
func TestQuietWindow(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4}
	h, a := counter(t, f)
	if got := pullAll(t, h, a, window, nothing); len(got) != 0 {
		t.Error(keys(got))
	}
	for route, n := range f.calls {
		if n != 1 {
			t.Errorf("%s: %d times", route, n)
		}
	}
}

// Orders without their consignments are completed one by one and mean the same.
func TestPartsReadOneByOne(t *testing.T) {
	t.Parallel()
	var sales [2]models.Sale
	for i, bare := range []bool{false, true} {
		f := &fakeBigCommerce{t: t, pageSize: 4, bare: bare, orders: []map[string]any{fakeOrder(1, 1)}}
		h, a := counter(t, f)
		items, err := h.Transform(find(t, pullAll(t, h, a, window, nothing), "1"))
		if err != nil || len(items) != 1 {
			t.Fatalf("%v, %v", items, err)
		}
		if err := (models.Policy{}).Apply(&items[0]); err != nil {
			t.Fatal(err)
		}
		sales[i] = *items[0].Sale
		if calls := f.calls["GET /v2/orders/1/products"]; (calls == 1) != bare {
			t.Errorf("bare %v: products asked %d times", bare, calls)
		}
	}
	if sales[0].ShipTo != sales[1].ShipTo || sales[0].Total() != sales[1].Total() || sales[0].ShipTo.State != "TX" {
		t.Errorf("%+v and %+v", sales[0], sales[1])
	}
}

// Several addresses ask for the taxes by address.
func TestTaxesBySeveralAddresses(t *testing.T) {
	t.Parallel()
	o := fakeOrder(1, 1)
	second := fakeAddress(20, 0, 0)
	second["line_items"] = []any{}
	o["consignments"].([]any)[0].(map[string]any)["shipping"] = []any{fakeAddress(10, 10, 0.83), second}
	f := &fakeBigCommerce{t: t, pageSize: 4, orders: []map[string]any{o}, taxes: map[string][]any{"1": {map[string]any{"order_address_id": 10, "line_amount": "9.0800"}}}}
	h, a := counter(t, f)
	items, err := h.Transform(find(t, pullAll(t, h, a, window, nothing), "1"))
	if err != nil || len(items) != 2 || items[0].Key != "1-a10" || items[0].Sale.Total() != 11908 || items[1].Skip == "" {
		t.Errorf("%+v, %v", items, err)
	}
	if items[0].Sale.ReviewMessage != "" {
		t.Error(items[0].Sale.ReviewMessage)
	}
}

// An order that does not count any more takes its refunds with it, although their own list does not show them again.
func TestOrderCalledOffTakesItsRefunds(t *testing.T) {
	t.Parallel()
	for _, status := range []int64{statusPending, statusCancelled, statusDeclined, statusAwaitingPayment, statusVerification} {
		f := &fakeBigCommerce{t: t, pageSize: 4, orders: []map[string]any{fakeOrder(1, 1)}, refunds: []map[string]any{fakeRefund(1, 1, 10, 54.13)}}
		h, a := counter(t, f)
		before := find(t, pullAll(t, h, a, window, nothing), "1-r1")
		f.orders[0]["status_id"], f.orders[0]["date_modified"] = status, stamp(at(60))
		late := models.Window{From: day.Add(30 * time.Minute), To: window.To}
		records := pullAll(t, h, a, late, nothing)
		for _, key := range []string{"1", "1-r1"} {
			items, err := h.Transform(find(t, records, key))
			if err != nil || len(items) != 1 || items[0].Skip != skipStatus[status] {
				t.Errorf("%s: %+v, %v", key, items, err)
			}
		}
		if after := find(t, records, "1-r1"); after.Version <= before.Version {
			t.Errorf("version %s after %s", after.Version, before.Version)
		}
	}
}

func TestRefundedWithoutARefund(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4, orders: []map[string]any{fakeOrder(1, 1)}}
	f.orders[0]["status_id"] = 4
	h, a := counter(t, f)
	items, err := h.Transform(find(t, pullAll(t, h, a, window, nothing), "1"))
	if err != nil || len(items) != 1 || !strings.Contains(items[0].Sale.ReviewMessage, "lists no refund") {
		t.Errorf("%+v, %v", items, err)
	}
}

func TestRecountGoesByTheDayOfTheOrder(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4}
	late := fakeOrder(1, 10)
	late["date_modified"] = stamp(at(30 * 24 * 60))
	early := fakeOrder(2, 11)
	early["date_created"] = stamp(at(-30 * 24 * 60))
	f.orders = append(f.orders, late, early)
	h, a := counter(t, f)
	page, err := h.Recount(t.Context(), a, window, "")
	if err != nil || !slices.Equal(keys(page.Records), []string{"1"}) {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestFetchKnowsOrdersAndRefunds(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := counter(t, f)
	records, err := h.Fetch(t.Context(), a, []string{"101", "110-r8", "999", "999-r1", "101-r9", "nonsense", "-5", "110-a1"})
	if err != nil || !slices.Equal(keys(records), []string{"101", "110-r8"}) {
		t.Fatalf("%v, %v", keys(records), err)
	}
	items, err := h.Transform(records[1])
	if err != nil || len(items) != 1 || items[0].Key != "110-r8" || items[0].Sale.Total() != 2000 {
		t.Errorf("%+v, %v", items, err)
	}
}

// Reading by key brings the same bytes as reading by window.
func TestFetchAgreesWithPull(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := counter(t, f)
	pulled := pullAll(t, h, a, window, nothing)
	fetched, err := h.Fetch(t.Context(), a, keys(pulled))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range fetched {
		if want := find(t, pulled, got.Key); got.Version != want.Version || string(got.Body) != string(want.Body) {
			t.Errorf("%s differs", got.Key)
		}
	}
}

// An order that is odd in one place is set aside; the page goes on.
func TestOddOrdersDoNotStopThePage(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 9}
	bad, nameless := fakeOrder(1, 1), fakeOrder(2, 2)
	bad["total_inc_tax"] = "a lot"
	delete(nameless, "id")
	f.orders = append(f.orders, bad, nameless, fakeOrder(3, 3))
	h, a := counter(t, f)
	records := pullAll(t, h, a, window, nothing)
	if len(records) != 3 || records[0].Key != "1" || !strings.HasPrefix(records[1].Key, "unreadable-") || records[2].Key != "3" {
		t.Fatalf("%v", keys(records))
	}
	for _, r := range records[:2] {
		if _, err := h.Transform(r); models.KindOf(err) != models.Refused {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
}

// What is missing is not taken for an empty list.
func TestUnknownListIsNoEmptyOne(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v2/orders") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h, a := open(t, server.URL).(*host), hostapi.Account{HostID: fakeStore, Client: server.Client()}
	if _, err := h.Pull(t.Context(), a, window, ""); models.KindOf(err) != models.Internal {
		t.Errorf("%v", err)
	}
	if _, err := h.Pull(t.Context(), a, window, "not ours"); models.KindOf(err) != models.Internal {
		t.Errorf("%v", err)
	}
	a.HostID = "../../other"
	if _, err := h.Pull(t.Context(), a, window, ""); models.KindOf(err) != models.Internal {
		t.Errorf("%v", err)
	}
}

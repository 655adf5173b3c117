package woocommerce

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// shop has sales, an order in the trash, and every kind of refund.
func shop(t testing.TB) (*fakeShop, []string) {
	f := &fakeShop{t: t, pageSize: 4}
	for n := 1; n <= 9; n++ {
		f.orders = append(f.orders, fakeOrder(n, n))
	}
	f.orders[2]["status"] = "cancelled"
	f.orders[3]["status"] = "trash"
	f.orders[4]["status"] = "on-hold"
	f.giveBack(f.orders[0], fakeRefund(101, 20, "5.00"), false)
	f.giveBack(f.orders[0], fakeRefund(102, 21, "11.23"), false)
	f.giveBack(f.orders[1], fakeRefund(103, 22, "1.00"), true) // only the list of refunds shows it
	return f, []string{"2", "3", "5", "6", "7", "8", "9", "1", "4", "2"}
}

func TestConformance(t *testing.T) {
	_, keys := shop(t)
	hostapitest.Run(t, hostapitest.Case{
		Open: open, Window: window, Keys: keys,
		Wire: func(t testing.TB) http.Handler { f, _ := shop(t); return f },
	})
}

func nothing(int) {}

func pulling(t *testing.T, h *host, a hostapi.Account) func(hostapi.Cursor) (*hostapi.Page, error) {
	return func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, window, c) }
}

func keys(records []hostapi.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func TestPullKeepsWithinTheWindow(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 4}
	f.orders = append(f.orders, fakeOrder(1, -1), fakeOrder(2, 0), fakeOrder(3, 7*24*60-1), fakeOrder(4, 7*24*60))
	h, a := visit(t, f)
	if got := keys(hostapitest.PullAll(t, pulling(t, h, a), nothing)); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("%v", got)
	}
}

// Orders that change while pages are turned leave no gap.
func TestPullWhileOrdersChange(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 3}
	for n := 1; n <= 12; n++ {
		f.orders = append(f.orders, fakeOrder(n, n))
	}
	h, a := visit(t, f)
	got := keys(hostapitest.PullAll(t, pulling(t, h, a), func(page int) {
		if page <= 3 {
			f.orders[page-1]["date_modified_gmt"] = at(7*24*60 + page) // behind the window's end
		}
	}))
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 12 {
		t.Errorf("only %v", got)
	}
}

// A second with more orders than a page holds is read whole, in whatever order
// the database gives them, and each order once.
func TestPullOfACrowd(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]int{"at the beginning": 0, "in the middle": 2} {
		f := &fakeShop{t: t, pageSize: 4, flip: true}
		var want []string
		for n := 1; n <= 15; n++ {
			f.orders = append(f.orders, fakeOrder(n, 5))
			want = append(want, fmt.Sprint(n))
		}
		for n := range first {
			f.orders[n]["date_modified_gmt"] = at(n)
		}
		f.orders[14]["date_modified_gmt"] = at(9)
		h, a := visit(t, f)
		got := keys(hostapitest.PullAll(t, pulling(t, h, a), nothing))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// When an order leaves a list that is read by number, the others move up; the
// list is read again.
func TestListThatBecomesShorter(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 3}
	for n := 1; n <= 12; n++ {
		f.orders = append(f.orders, fakeOrder(n, n))
	}
	h, a := visit(t, f)
	recount := func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Recount(t.Context(), a, window, c) }
	got := keys(hostapitest.PullAll(t, recount, func(page int) {
		if page == 2 {
			f.orders = f.orders[1:]
		}
	}))
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 12 {
		t.Errorf("only %v", got)
	}
}

func TestRecountGoesByTheDayOfTheOrder(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 4}
	f.orders = append(f.orders, fakeOrder(1, -10), fakeOrder(2, 10), fakeOrder(3, -20))
	f.orders[0]["date_modified_gmt"] = at(5)
	f.orders[1]["date_modified_gmt"] = at(30 * 24 * 60)
	f.giveBack(f.orders[2], fakeRefund(9, 11, "1.00"), false)
	h, a := visit(t, f)
	recount := func(c hostapi.Cursor) (*hostapi.Page, error) { return h.Recount(t.Context(), a, window, c) }
	if got := keys(hostapitest.PullAll(t, recount, nothing)); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("%v", got)
	}
}

func find(t *testing.T, records []hostapi.Record, key string) hostapi.Record {
	t.Helper()
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Key == key {
			return records[i]
		}
	}
	t.Fatalf("no record %s", key)
	return hostapi.Record{}
}

// A refund that leaves its order as it was makes a newer reading of it.
func TestQuietRefund(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 4}
	f.orders = append(f.orders, fakeOrder(1, -60))
	f.giveBack(f.orders[0], fakeRefund(9, 60, "16.23"), true)
	h, a := visit(t, f)
	records := hostapitest.PullAll(t, pulling(t, h, a), nothing)
	if len(records) != 1 || records[0].Version != hostapi.TimeVersion(instant([]byte(at(60)))) {
		t.Fatalf("%+v", records)
	}
	items, err := h.Transform(records[0])
	if err != nil || len(items) != 2 || items[1].Key != "1-r9" || items[1].Sale.SalesTax != 82 || items[1].Sale.ShippingTax != 41 {
		t.Errorf("%+v, %v", items, err)
	}
}

// A refund that its order shows is not asked for twice.
func TestRefundsAreReadOnce(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 4}
	f.orders = append(f.orders, fakeOrder(1, 1))
	f.giveBack(f.orders[0], fakeRefund(9, 60, "16.23"), false)
	h, a := visit(t, f)
	records := hostapitest.PullAll(t, pulling(t, h, a), nothing)
	if len(records) != 1 || f.calls[api+"/orders/1/refunds"] != 1 {
		t.Errorf("%v, %v", keys(records), f.calls)
	}
}

func TestShopWithoutAListOfRefunds(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	f.old, f.closed = true, true
	h, a := visit(t, f)
	records := hostapitest.PullAll(t, pulling(t, h, a), nothing)
	if len(records) != 9 {
		t.Errorf("%v", keys(records))
	}
	items, err := h.Transform(find(t, records, "9"))
	if err != nil || len(items) != 1 || items[0].Sale.ShipFrom != (models.Address{}) {
		t.Errorf("%+v, %v", items, err)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	f.pageSize = 100
	h, a := visit(t, f)
	records, err := h.Fetch(t.Context(), a, []string{"1", "4", "77", "not a number", "9", "-1", "01"})
	if err != nil || !slices.Equal(keys(records), []string{"1", "9"}) { // 4 is in the trash
		t.Errorf("%v, %v", keys(records), err)
	}
	items, err := h.Transform(records[0])
	if err != nil || len(items) != 3 {
		t.Errorf("%+v, %v", items, err)
	}
}

// An order that is odd in one place is set aside; the page goes on.
func TestOddOrdersDoNotStopThePage(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 9}
	bad, nameless := fakeOrder(1, 1), fakeOrder(2, 2)
	bad["total"] = map[string]any{"a": "lot"}
	nameless["id"] = "two"
	f.orders = append(f.orders, bad, nameless, fakeOrder(3, 3))
	h, a := visit(t, f)
	records := hostapitest.PullAll(t, pulling(t, h, a), nothing)
	if len(records) != 3 || records[0].Key != "1" || !strings.HasPrefix(records[1].Key, "unreadable-") || records[2].Key != "3" {
		t.Fatalf("%v", keys(records))
	}
	for _, r := range records[:2] {
		if _, err := h.Transform(r); models.KindOf(err) != models.Refused {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
}

// Orders without an id are set aside each for itself, on whichever pages they lie.
func TestNamelessOrdersAreNotTakenForGiven(t *testing.T) {
	t.Parallel()
	f := &fakeShop{t: t, pageSize: 2}
	for n := 1; n <= 6; n++ {
		f.orders = append(f.orders, fakeOrder(n, n))
	}
	f.orders[1]["id"], f.orders[2]["id"] = "two", "three"
	h, a := visit(t, f)
	seen := map[string]bool{}
	for _, key := range keys(hostapitest.PullAll(t, pulling(t, h, a), nothing)) {
		seen[key] = true
	}
	if len(seen) != 6 {
		t.Errorf("%v", seen)
	}
}

// A page takes no more requests than a small site answers while it lasts: some
// fifty, whether orders show their refunds or not.
func TestPagesAreShort(t *testing.T) {
	t.Parallel()
	for quietly, minute := range map[bool]int{true: -60, false: 1} {
		f := &fakeShop{t: t, pageSize: 100}
		for n := 1; n <= 120; n++ {
			f.orders = append(f.orders, fakeOrder(n, minute))
			f.giveBack(f.orders[n-1], fakeRefund(1000+n, n, "1.00"), quietly)
		}
		h, a := visit(t, f)
		most, before := 0, 0
		records := hostapitest.PullAll(t, func(from hostapi.Cursor) (*hostapi.Page, error) {
			page, err := h.Pull(t.Context(), a, window, from)
			all := 0
			for _, n := range f.calls {
				all += n
			}
			most, before = max(most, all-before), all
			return page, err
		}, nothing)
		if len(records) < 120 || most > 55 {
			t.Errorf("quietly %v: %d records, up to %d requests for a page", quietly, len(records), most)
		}
	}
}

// What sites answer in place of data, and what the merchant is told.
func TestSitesOutOfOrder(t *testing.T) {
	t.Parallel()
	list := http.Header{"X-Wp-Total": {"0"}, "X-Wp-Totalpages": {"0"}}
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		kind   models.Kind
		say    string
	}{
		"maintenance":        {200, list, "\n<!doctype html><title>Back soon</title>", models.Unavailable, "web page"},
		"warning of PHP":     {200, list, "<br />\n<b>Warning</b>: []", models.Unavailable, "web page"},
		"notice before JSON": {200, list, "Notice: x []", models.Unavailable, "cannot be read"},
		"no count":           {200, nil, "[]", models.Unavailable, "cannot be read"},
		"an object":          {200, list, `{"orders":[]}`, models.Unavailable, "cannot be read"},
		"moved":              {301, http.Header{"Location": {"http://127.0.0.1/"}}, "", models.Unavailable, "www"},
		"firewall":           {403, nil, "<html>Attention required</html>", models.Unavailable, "firewall"},
		"keys deleted":       {401, nil, `{"code":"woocommerce_rest_cannot_view"}`, models.Unauthorised, "no longer lets us in"},
		"permission taken":   {403, nil, `{"code":"woocommerce_rest_cannot_view"}`, models.Unauthorised, "no longer lets us in"},
		"no WooCommerce":     {404, nil, `{"code":"rest_no_route"}`, models.Unavailable, "Permalinks"},
		"plain permalinks":   {404, nil, "<html>Not found</html>", models.Unavailable, "Permalinks"},
		"an old version":     {400, nil, `{"code":"rest_invalid_param"}`, models.Unavailable, "5.8"},
		"our mistake":        {400, nil, `{"code":"other"}`, models.Internal, "did not understand"},
		"slow down":          {429, http.Header{"Retry-After": {"7"}}, "", models.Throttled, "slow down"},
		"overloaded":         {503, http.Header{"Retry-After": {"7"}}, "<html>", models.Unsure, "try again"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range c.header {
				w.Header()[k] = v
			}
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		h := open(t, server.URL).(*host)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		page, err := h.Pull(t.Context(), hostapi.Account{Client: client}, window, "")
		server.Close()
		if page != nil || models.KindOf(err) != c.kind || !strings.Contains(models.Sentence(err, ""), c.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing of an answer leads us anywhere: all requests go to the site itself,
// whatever its Link headers and links say. (The fake's point to another site.)
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := visit(t, f)
	var hosts []string
	a.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		return http.DefaultTransport.RoundTrip(r)
	})}
	hostapitest.PullAll(t, pulling(t, h, a), nothing)
	slices.Sort(hosts)
	base, _ := url.Parse(h.base)
	if hosts = slices.Compact(hosts); !slices.Equal(hosts, []string{base.Host}) {
		t.Errorf("%v", hosts)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCursorOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h, a := visit(t, &fakeShop{t: t, pageSize: 4})
	if _, err := h.Pull(t.Context(), a, window, "not ours"); models.KindOf(err) != models.Internal {
		t.Errorf("%v", err)
	}
}

// Dates in queries have no zone: WordPress would convert them to the site's time.
func TestQueryTimes(t *testing.T) {
	t.Parallel()
	w := models.Window{From: day.Add(1500 * time.Millisecond).In(time.FixedZone("", -7*3600)), To: day.Add(2500 * time.Millisecond)}
	q := byUpdate.query(w, position{})
	if q.Get("modified_after") != "2026-03-02T00:00:00" || q.Get("modified_before") != "2026-03-02T00:00:03" {
		t.Errorf("%v", q)
	}
}

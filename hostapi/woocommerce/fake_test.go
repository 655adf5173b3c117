package woocommerce

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// fakeShop answers as a WordPress site with WooCommerce does. It fails the test
// on a request that such a site would not understand.
type fakeShop struct {
	t        testing.TB
	orders   []map[string]any
	refunds  map[int][]map[string]any // by order
	pageSize int
	old      bool // has no list of all refunds
	closed   bool // lets our keys not into its settings

	mu      sync.Mutex
	queries []url.Values
	calls   map[string]int
	answer  func(path string, q url.Values) // called before each answer, if set
	flip    bool                            // orders of one second come in another order each time
}

const api = "/wp-json/wc/v3"

func (f *fakeShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	q := r.URL.Query()
	f.calls[r.URL.Path]++
	if f.answer != nil {
		f.answer(r.URL.Path, q)
	}
	if r.Method != http.MethodGet || q.Get("consumer_key") != "" || q.Get("consumer_secret") != "" {
		f.t.Errorf("a request that must not be: %s %s", r.Method, r.URL)
	}
	switch path := strings.TrimPrefix(r.URL.Path, api); {
	case r.URL.Path == "/wp-json/":
		f.write(w, map[string]any{"name": "Tom &amp; Co", "timezone_string": "America/Denver", "gmt_offset": "-7", "home": "https://other.example.com"})
	case path == "/settings/general":
		f.settings(w)
	case path == "/orders":
		f.listOrders(w, q)
	case path == "/refunds":
		f.listRefunds(w, q)
	case strings.HasSuffix(path, "/refunds"):
		id, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(path, "/orders/"), "/refunds"))
		f.page(w, q, f.refunds[id])
	default:
		f.t.Errorf("unexpected request %s", r.URL)
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (f *fakeShop) write(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client hung up
	}
}

func (f *fakeShop) deny(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	f.write(w, map[string]any{"code": code, "message": "no", "data": map[string]any{"status": status}})
}

func (f *fakeShop) settings(w http.ResponseWriter) {
	if f.closed {
		f.deny(w, http.StatusUnauthorized, "woocommerce_rest_cannot_view")
		return
	}
	f.write(w, []any{
		map[string]any{"id": "woocommerce_store_address", "value": "100 Main St"},
		map[string]any{"id": "woocommerce_store_city", "value": "Denver"},
		map[string]any{"id": "woocommerce_default_country", "value": "US:CO"},
		map[string]any{"id": "woocommerce_store_postcode", "value": "80202"},
		map[string]any{"id": "woocommerce_specific_allowed_countries", "value": []string{"US"}},
	})
}

// span reads the two ends of a query; both are outside.
func (f *fakeShop) span(q url.Values, after, before string) func(string) bool {
	from, err := time.Parse(queryTime, q.Get(after))
	to, err2 := time.Parse(queryTime, q.Get(before))
	if err != nil || err2 != nil || q.Get("dates_are_gmt") != "true" || q.Get("order") != "asc" {
		f.t.Errorf("a list that WordPress would misunderstand: %v", q)
	}
	return func(at string) bool {
		t := instant([]byte(at))
		return t.After(from) && t.Before(to)
	}
}

func (f *fakeShop) listOrders(w http.ResponseWriter, q url.Values) {
	f.queries = append(f.queries, q)
	if q.Get("dp") != "6" || q.Get("_fields") != orderFields {
		f.t.Errorf("too few decimals, or too many fields: %v", q)
	}
	field, within := "date_modified_gmt", func(string) bool { return true }
	switch {
	case q.Get("modified_after") != "":
		within = f.span(q, "modified_after", "modified_before")
	case q.Get("after") != "":
		field, within = "date_created_gmt", f.span(q, "after", "before")
	}
	ids := strings.Split(q.Get("include"), ",")
	var found []map[string]any
	for _, o := range f.orders {
		at, _ := o[field].(string)
		included := q.Get("include") == "" || slices.Contains(ids, fmt.Sprint(o["id"]))
		if within(at) && included && (o["status"] == "trash") == (q.Get("status") == "trash") {
			found = append(found, o)
		}
	}
	f.sort(found, q.Get("orderby"))
	f.page(w, q, found)
}

func (f *fakeShop) sort(found []map[string]any, by string) {
	slices.SortStableFunc(found, func(a, b map[string]any) int {
		if by == "modified" {
			return strings.Compare(a["date_modified_gmt"].(string), b["date_modified_gmt"].(string))
		}
		ai, _ := a["id"].(int)
		bi, _ := b["id"].(int)
		return cmp.Compare(ai, bi)
	})
	if f.flip && by == "modified" && len(f.queries)%2 == 0 {
		slices.Reverse(found)
		slices.SortStableFunc(found, func(a, b map[string]any) int {
			return strings.Compare(a["date_modified_gmt"].(string), b["date_modified_gmt"].(string))
		})
	}
}

func (f *fakeShop) listRefunds(w http.ResponseWriter, q url.Values) {
	if f.old {
		f.deny(w, http.StatusNotFound, "rest_no_route")
		return
	}
	within := f.span(q, "after", "before")
	var found []map[string]any
	for order, refunds := range f.refunds {
		for _, r := range refunds {
			if within(r["date_created_gmt"].(string)) {
				found = append(found, map[string]any{"id": r["id"], "_links": map[string]any{
					"up": []any{map[string]any{"href": fmt.Sprintf("https://evil.example.com/wp-json/wc/v3/orders/%d", order)}},
				}})
			}
		}
	}
	f.sort(found, "id")
	f.page(w, q, found)
}

func (f *fakeShop) page(w http.ResponseWriter, q url.Values, found []map[string]any) {
	page, err := strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	size, err2 := strconv.Atoi(q.Get("per_page"))
	if err != nil || err2 != nil || page < 1 || size < 1 || size > 100 {
		f.t.Errorf("no page: %v", q)
	}
	size = min(size, f.pageSize)
	w.Header().Set("X-WP-Total", strconv.Itoa(len(found)))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa((len(found)+size-1)/size))
	w.Header().Set("Link", `<https://evil.example.com/wp-json/wc/v3/orders?page=2>; rel="next"`)
	from := min((page-1)*size, len(found))
	some := found[from:min(from+size, len(found))]
	if some == nil {
		some = []map[string]any{}
	}
	f.write(w, some)
}

var (
	day    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	window = models.Window{From: day, To: day.AddDate(0, 0, 7)}
)

// at is a moment of the window as WordPress writes it.
func at(minute int) string { return day.Add(time.Duration(minute) * time.Minute).Format(queryTime) }

// fakeOrder is a sale of ten dollars with tax and shipping, changed at minute.
func fakeOrder(id, minute int) map[string]any {
	return map[string]any{
		"id": id, "number": strconv.Itoa(id), "status": "completed", "currency": "USD",
		"total": "16.230000", "total_tax": "1.230000", "shipping_total": "5.000000", "shipping_tax": "0.410000",
		"date_created": at(minute), "date_created_gmt": at(minute), "date_modified_gmt": at(minute),
		"date_paid": at(minute), "date_paid_gmt": at(minute),
		"billing":        map[string]any{"city": "Boulder", "state": "CO", "postcode": "80301", "country": "US"},
		"shipping":       map[string]any{"address_1": "100 Main St", "city": "Boulder", "state": "CO", "postcode": "80301", "country": "US"},
		"line_items":     []any{map[string]any{"total": "10.000000", "total_tax": "0.820000", "taxes": []any{map[string]any{"total": "0.82"}}}},
		"shipping_lines": []any{map[string]any{"method_id": "flat_rate", "total": "5.000000", "total_tax": "0.410000"}},
		"fee_lines":      []any{},
		"refunds":        []any{},
	}
}

func fakeRefund(id, minute int, amount string) map[string]any {
	return map[string]any{"id": id, "date_created": at(minute), "date_created_gmt": at(minute), "amount": amount,
		"line_items": []any{}, "shipping_lines": []any{}, "fee_lines": []any{}}
}

// giveBack adds a refund to an order, as WooCommerce shows it; quietly: as some
// plugins do.
func (f *fakeShop) giveBack(order map[string]any, r map[string]any, quietly bool) {
	id := order["id"].(int)
	if f.refunds == nil {
		f.refunds = map[int][]map[string]any{}
	}
	f.refunds[id] = append(f.refunds[id], r)
	if !quietly {
		order["refunds"] = append(order["refunds"].([]any), map[string]any{"id": r["id"], "total": "-" + r["amount"].(string)})
		order["date_modified_gmt"] = r["date_created_gmt"]
	}
}

func open(t testing.TB, base string) hostapi.Host {
	t.Helper()
	h, err := (&Config{AppName: "Sales Tax"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	h.(*host).base = base
	return h
}

// visit puts the adapter in front of f.
func visit(t testing.TB, f *fakeShop) (*host, hostapi.Account) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return open(t, server.URL).(*host), hostapi.Account{HostID: "https://shop.example.com", Client: server.Client(), Zone: time.UTC}
}

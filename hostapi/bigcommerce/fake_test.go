package bigcommerce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
)

const fakeStore = "abc123"

// fakeBigCommerce answers as BigCommerce does for one store. It fails the test
// on a request that BigCommerce would not understand.
type fakeBigCommerce struct {
	t        testing.TB
	orders   []map[string]any
	refunds  []map[string]any
	taxes    map[string][]any // by order
	hooks    []hook
	pageSize int
	bare     bool // include is not heeded

	mu     sync.Mutex
	calls  map[string]int
	lists  []string    // the queries of order lists
	header http.Header // added to answers
}

func (f *fakeBigCommerce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	if r.Header.Get("Accept") != "application/json" {
		f.t.Errorf("%s would be answered in XML", r.URL.Path)
	}
	for name, v := range f.header {
		w.Header()[name] = v
	}
	path, ours := strings.CutPrefix(r.URL.Path, "/stores/"+fakeStore)
	if !ours {
		f.t.Errorf("unexpected path %s", r.URL.Path)
	}
	f.calls[r.Method+" "+path]++
	switch {
	case r.Method != http.MethodGet && strings.HasPrefix(path, "/v3/hooks"):
		f.changeHook(w, r)
	case r.Method != http.MethodGet:
		f.t.Errorf("unexpected %s %s", r.Method, path)
	case path == "/v2/store":
		f.answer(w, fakeInformation())
	case path == "/v2/orders":
		f.listOrders(w, r)
	case strings.HasPrefix(path, "/v2/orders/"):
		f.ofOrder(w, strings.Split(path, "/")[3:])
	case path == "/v3/orders/payment_actions/refunds":
		f.listRefunds(w, r)
	case path == "/v3/hooks":
		f.answer(w, map[string]any{"data": f.hooks, "meta": map[string]any{}})
	default:
		f.t.Errorf("unexpected request %s", path)
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (f *fakeBigCommerce) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client hung up
	}
}

// shown is an order as the request gets it.
func (f *fakeBigCommerce) shown(o map[string]any) map[string]any {
	if !f.bare {
		return o
	}
	bare := map[string]any{}
	for k, v := range o {
		bare[k] = v
	}
	for _, name := range []string{"consignments", "fees"} {
		bare[name] = map[string]any{"url": "https://api.bigcommerce.com/x", "resource": "/orders/x/" + name}
	}
	return bare
}

func (f *fakeBigCommerce) listOrders(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f.lists = append(f.lists, r.URL.RawQuery)
	field, ok := strings.CutSuffix(q.Get("sort"), ":asc")
	from, err := time.Parse(time.RFC1123Z, q.Get("min_"+field))
	to, err2 := time.Parse(time.RFC1123Z, q.Get("max_"+field))
	limit, err3 := strconv.Atoi(q.Get("limit"))
	if !ok || err != nil || err2 != nil || err3 != nil || limit > 250 || q.Get("include") != "consignments,consignments.line_items,fees" {
		f.t.Errorf("a list that BigCommerce would misunderstand: %v", q)
	}
	var found []map[string]any
	for _, o := range f.orders {
		if at := dateIn(o, field); !at.Before(from) && !at.After(to) {
			found = append(found, f.shown(o))
		}
	}
	slices.SortStableFunc(found, func(a, b map[string]any) int { return dateIn(a, field).Compare(dateIn(b, field)) })
	page, _ := strconv.Atoi(q.Get("page"))
	size := min(f.pageSize, limit)
	found = found[min((page-1)*size, len(found)):]
	if len(found) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f.answer(w, found[:min(size, len(found))])
}

func dateIn(thing map[string]any, field string) time.Time {
	text, _ := thing[field].(string)
	return parseDate(text)
}

// ofOrder answers for one order: itself or one of its parts.
func (f *fakeBigCommerce) ofOrder(w http.ResponseWriter, path []string) {
	i := slices.IndexFunc(f.orders, func(o map[string]any) bool { return fmt.Sprint(o["id"]) == path[0] })
	switch {
	case i < 0:
		w.WriteHeader(http.StatusNotFound)
		f.answer(w, []any{map[string]any{"status": 404, "message": "The requested resource was not found."}})
	case len(path) == 1:
		f.answer(w, f.shown(f.orders[i]))
	case path[1] == "taxes" && f.taxes[path[0]] != nil:
		f.answer(w, f.taxes[path[0]])
	case path[1] == "taxes":
		w.WriteHeader(http.StatusNoContent)
	case path[1] == "shipping_addresses":
		f.answer(w, f.orders[i]["consignments"].([]any)[0].(map[string]any)["shipping"])
	case path[1] == "products":
		f.answer(w, productsOf(f.orders[i]))
	default:
		f.t.Errorf("unexpected part %v", path)
	}
}

func productsOf(o map[string]any) (all []any) {
	for _, a := range o["consignments"].([]any)[0].(map[string]any)["shipping"].([]any) {
		for _, l := range a.(map[string]any)["line_items"].([]any) {
			product := map[string]any{"order_address_id": a.(map[string]any)["id"]}
			for k, v := range l.(map[string]any) {
				product[k] = v
			}
			all = append(all, product)
		}
	}
	return all
}

func (f *fakeBigCommerce) listRefunds(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []map[string]any
	if ids := q.Get("order_id:in"); ids != "" {
		for _, ref := range f.refunds {
			if slices.Contains(strings.Split(ids, ","), fmt.Sprint(ref["order_id"])) {
				found = append(found, ref)
			}
		}
	} else {
		from, err := time.Parse(time.RFC3339, q.Get("created:min"))
		to, err2 := time.Parse(time.RFC3339, q.Get("created:max"))
		if err != nil || err2 != nil {
			f.t.Errorf("a list that BigCommerce would misunderstand: %v", q)
		}
		for _, ref := range f.refunds {
			if at := dateIn(ref, "created"); !at.Before(from) && !at.After(to) {
				found = append(found, ref)
			}
		}
	}
	page, _ := strconv.Atoi(q.Get("page"))
	pages := (len(found) + f.pageSize - 1) / f.pageSize
	found = found[min((page-1)*f.pageSize, len(found)):]
	f.answer(w, map[string]any{
		"data": append([]map[string]any{}, found[:min(f.pageSize, len(found))]...),
		"meta": map[string]any{"pagination": map[string]any{"total_pages": pages, "current_page": page}},
	})
}

func (f *fakeBigCommerce) changeHook(w http.ResponseWriter, r *http.Request) {
	var h hook
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil || h.Scope == "" || !strings.HasPrefix(h.Destination, "https://") {
		f.t.Errorf("a hook that BigCommerce refuses: %+v, %v", h, err)
	}
	if r.Method == http.MethodPost {
		h.ID = int64(len(f.hooks) + 1)
		f.hooks = append(f.hooks, h)
	} else {
		i := slices.IndexFunc(f.hooks, func(old hook) bool { return strings.HasSuffix(r.URL.Path, fmt.Sprintf("/hooks/%d", old.ID)) })
		h.ID = f.hooks[i].ID
		f.hooks[i] = h
	}
	f.answer(w, map[string]any{"data": h})
}

var (
	day    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	window = models.Window{From: day, To: day.AddDate(0, 0, 7)}
)

func at(minutes int) time.Time { return day.Add(time.Duration(minutes) * time.Minute) }

func fakeInformation() map[string]any {
	return map[string]any{
		"id": fakeStore, "name": "A Shop", "first_name": "", "last_name": "", "address": "1 Dock St, Austin, TX 78701",
		"country": "United States", "country_code": "US", "phone": "", "admin_email": "admin@example.com",
		"timezone": map[string]any{"name": "America/Chicago", "raw_offset": -21600},
	}
}

// fakeOrder is an order of a hundred dollars with tax, and ten for shipping
// with tax: 119.08 in all.
func fakeOrder(id, minute int) map[string]any {
	return map[string]any{
		"id": id, "status_id": 11, "date_created": stamp(at(minute - 1)), "date_modified": stamp(at(minute)),
		"subtotal_ex_tax": "100.0000", "subtotal_inc_tax": "108.2500", "subtotal_tax": "8.2500",
		"shipping_cost_ex_tax": "10.0000", "shipping_cost_tax": "0.8300",
		"handling_cost_ex_tax": "0.0000", "handling_cost_tax": "0.0000", "wrapping_cost_ex_tax": "0.0000", "wrapping_cost_tax": "0.0000",
		"total_ex_tax": "110.0000", "total_inc_tax": "119.0800", "total_tax": "9.0800", "is_tax_inclusive_pricing": false,
		"payment_method": "Credit Card", "currency_code": "USD", "default_currency_code": "USD",
		"discount_amount": "0.0000", "coupon_discount": "0.0000", "order_source": "www", "fees": []any{},
		"billing_address": map[string]any{"street_1": "100 Main St", "city": "Dallas", "state": "Texas", "zip": "75201", "country_iso2": "US"},
		"consignments":    []any{map[string]any{"shipping": []any{fakeAddress(id*10, 10, 0.83)}, "pickups": []any{}, "downloads": []any{}, "email": []any{}}},
	}
}

func fakeAddress(id int, cost, tax float64) map[string]any {
	return map[string]any{
		"id": id, "street_1": "200 Main St", "city": "Austin", "state": "Texas", "zip": "78701", "country": "United States", "country_iso2": "US",
		"cost_ex_tax": cost, "cost_tax": tax, "handling_cost_ex_tax": 0, "handling_cost_tax": 0,
		"line_items": []any{map[string]any{
			"id": id + 1, "type": "physical", "quantity": 2, "total_ex_tax": "100.0000", "total_inc_tax": "108.2500", "total_tax": "8.2500",
			"discounted_total_inc_tax": "108.2500", "wrapping_cost_ex_tax": "0.0000", "wrapping_cost_tax": "0.0000",
		}},
	}
}

// fakeRefund gives back half of the goods of fakeOrder, or an amount.
func fakeRefund(id, order, minute int, amount float64) map[string]any {
	items, tax := []any{}, 0.0
	if amount == 54.13 {
		tax = 4.13
		items = append(items, map[string]any{"item_type": "PRODUCT", "item_id": order*10 + 1, "quantity": 1, "requested_amount": 50})
	}
	return map[string]any{
		"id": id, "order_id": order, "created": at(minute).Format(time.RFC3339), "total_amount": amount, "total_tax": tax, "items": items,
		"payments": []any{map[string]any{"id": id, "provider_id": "braintree", "amount": amount, "is_declined": false}},
	}
}

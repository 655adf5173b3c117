package square

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

// fakeSquare answers as Square does for one merchant. It fails the test on a
// request that Square would not understand.
type fakeSquare struct {
	t         testing.TB
	locations []location
	orders    []map[string]any
	refunds   []map[string]any
	payments  map[string]payment
	pageSize  int

	mu       sync.Mutex
	searches []searchRequest
	calls    map[string]int
	dead     bool // cursors are refused as expired
}

type searchRequest struct {
	LocationIDs []string `json:"location_ids"`
	Cursor      string   `json:"cursor"`
	Query       struct {
		Filter struct {
			Date   map[string]map[string]time.Time `json:"date_time_filter"`
			States struct {
				States []string `json:"states"`
			} `json:"state_filter"`
		} `json:"filter"`
		Sort struct {
			Field string `json:"sort_field"`
			Order string `json:"sort_order"`
		} `json:"sort"`
	} `json:"query"`
}

func (f *fakeSquare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	if got := r.Header.Get("Square-Version"); got != apiVersion {
		f.t.Errorf("Square-Version %q", got)
	}
	route := r.Method + " " + r.URL.Path
	f.calls[route]++
	switch id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
	case route == "GET /v2/locations":
		f.answer(w, map[string]any{"locations": f.locations})
	case route == "POST /v2/orders/search":
		f.search(w, r)
	case route == "POST /v2/orders/batch-retrieve":
		f.batch(w, r)
	case route == "GET /v2/refunds":
		f.listRefunds(w, r)
	case strings.HasPrefix(route, "GET /v2/refunds/"):
		f.one(w, "refund", f.byID(f.refunds, id))
	case strings.HasPrefix(route, "GET /v2/payments/"):
		p, ok := f.payments[id]
		if !ok {
			f.one(w, "payment", nil)
			return
		}
		f.answer(w, map[string]any{"payment": map[string]any{"id": id, "order_id": p.OrderID, "refund_ids": p.RefundIDs}})
	default:
		f.t.Errorf("unexpected request %s", route)
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (f *fakeSquare) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client hung up
	}
}

func (f *fakeSquare) one(w http.ResponseWriter, name string, thing map[string]any) {
	if thing == nil {
		w.WriteHeader(http.StatusNotFound)
		f.answer(w, map[string]any{"errors": []any{map[string]any{"code": "NOT_FOUND"}}})
		return
	}
	f.answer(w, map[string]any{name: thing})
}

func (f *fakeSquare) byID(things []map[string]any, id string) map[string]any {
	for _, thing := range things {
		if thing["id"] == id {
			return thing
		}
	}
	return nil
}

func timeOf(thing map[string]any, field string) time.Time {
	s, _ := thing[field].(string)
	at, _ := time.Parse(time.RFC3339, s)
	return at
}

// search wants the sort that belongs to the filter, and at most ten locations.
func (f *fakeSquare) search(w http.ResponseWriter, r *http.Request) {
	var q searchRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		f.t.Error(err)
	}
	f.searches = append(f.searches, q)
	field := strings.ToLower(q.Query.Sort.Field)
	span, ok := q.Query.Filter.Date[field]
	if !ok || q.Query.Sort.Order != "ASC" || len(q.LocationIDs) == 0 || len(q.LocationIDs) > 10 {
		f.t.Errorf("a search that Square refuses: %+v", q)
	}
	found := f.within(f.orders, field, span["start_at"], span["end_at"], func(o map[string]any) bool {
		states := q.Query.Filter.States.States
		return slices.Contains(q.LocationIDs, o["location_id"].(string)) && (len(states) == 0 || slices.Contains(states, o["state"].(string)))
	})
	f.page(w, "orders", found, q.Cursor)
}

// within are the things whose field lies between both ends, both inside, in that order.
func (f *fakeSquare) within(things []map[string]any, field string, from, to time.Time, and func(map[string]any) bool) (found []map[string]any) {
	for _, thing := range things {
		if at := timeOf(thing, field); !at.Before(from) && !at.After(to) && and(thing) {
			found = append(found, thing)
		}
	}
	slices.SortStableFunc(found, func(a, b map[string]any) int { return timeOf(a, field).Compare(timeOf(b, field)) })
	return found
}

func (f *fakeSquare) page(w http.ResponseWriter, name string, found []map[string]any, cursor string) {
	if f.dead && cursor != "" {
		w.WriteHeader(http.StatusBadRequest)
		f.answer(w, map[string]any{"errors": []any{map[string]any{"code": "INVALID_CURSOR"}}})
		return
	}
	offset, _ := strconv.Atoi(cursor)
	found = found[min(offset, len(found)):]
	body := map[string]any{}
	if len(found) > f.pageSize {
		found, body["cursor"] = found[:f.pageSize], fmt.Sprint(offset+f.pageSize)
	}
	if len(found) > 0 { // Square leaves out an empty list
		body[name] = found
	}
	f.answer(w, body)
}

func (f *fakeSquare) batch(w http.ResponseWriter, r *http.Request) {
	var q struct {
		IDs []string `json:"order_ids"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.IDs) > 100 {
		f.t.Errorf("a batch that Square refuses: %v, %d ids", err, len(q.IDs))
	}
	var found []map[string]any
	for _, id := range q.IDs {
		if o := f.byID(f.orders, id); o != nil {
			found = append(found, o)
		}
	}
	f.answer(w, map[string]any{"orders": found})
}

func (f *fakeSquare) listRefunds(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	field, prefix := strings.ToLower(q.Get("sort_field")), ""
	if field == "updated_at" {
		prefix = "updated_at_"
	}
	from, err := time.Parse(time.RFC3339, q.Get(prefix+"begin_time"))
	to, err2 := time.Parse(time.RFC3339, q.Get(prefix+"end_time"))
	if err != nil || err2 != nil || q.Get("begin_time") == "" || q.Get("sort_order") != "ASC" {
		f.t.Errorf("a list of refunds that Square would misunderstand: %v", q)
	}
	f.page(w, "refunds", f.within(f.refunds, field, from, to, func(map[string]any) bool { return true }), q.Get("cursor"))
}

var (
	day    = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	window = models.Window{From: day, To: day.AddDate(0, 0, 7)}
)

func at(minutes int) string {
	return day.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339Nano)
}

func usd(cents int) map[string]any { return map[string]any{"amount": cents, "currency": "USD"} }

// fakeOrder is a completed sale of ten dollars with tax.
func fakeOrder(id, location string, minute int) map[string]any {
	return map[string]any{
		"id": id, "location_id": location, "state": "COMPLETED", "version": 1,
		"created_at": at(minute - 1), "updated_at": at(minute), "closed_at": at(minute),
		"line_items":  []any{map[string]any{"uid": "a", "item_type": "ITEM", "total_money": usd(1083), "total_tax_money": usd(83)}},
		"total_money": usd(1083),
		"tenders":     []any{map[string]any{"id": "pay-" + id}},
	}
}

// fakeReturn is a return of source, itemised or of an amount alone.
func fakeReturn(id, source string, minute, cents int, itemised bool) map[string]any {
	line := map[string]any{"item_type": "CUSTOM_AMOUNT", "total_money": usd(cents), "total_tax_money": usd(0)}
	if itemised {
		line = map[string]any{"item_type": "ITEM", "source_line_item_uid": "a", "total_money": usd(1083), "total_tax_money": usd(83)}
	}
	o := fakeOrder(id, "L01", minute)
	delete(o, "line_items")
	delete(o, "tenders")
	o["total_money"] = usd(0)
	o["returns"] = []any{map[string]any{"source_order_id": source, "return_line_items": []any{line}}}
	o["return_amounts"] = map[string]any{"total_money": usd(cents)}
	o["refunds"] = []any{map[string]any{"id": "refund-" + id, "status": "APPROVED"}}
	return o
}

func fakeRefund(id, order, payment string, minute, cents int, status string) map[string]any {
	return map[string]any{"id": id, "status": status, "location_id": "L01", "order_id": order, "payment_id": payment,
		"amount_money": usd(cents), "created_at": at(minute), "updated_at": at(minute)}
}

func fakeLocation(n int) location {
	return location{ID: fmt.Sprintf("L%02d", n), Name: "Till", Currency: "USD", Timezone: "America/New_York", Country: "US",
		Address: address{Line1: "1 Main St", Locality: "Albany", District: "NY", Postal: "12207"}}
}

// packed is a location as a parcel holds it.
func packed(t testing.TB, l location) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"
)

// listing is a page of orders, as far as the tests look.
type listing struct {
	Orders []document
	Next   *string
}

// shopFront is a shop that was let into.
type shopFront struct {
	*World
	t     testing.TB
	token string
}

func openShop(t testing.TB, c Config) shopFront {
	t.Helper()
	w := newWorld(t, c)
	g, err := w.Host.Grant("shop-1")
	if err != nil {
		t.Fatal(err)
	}
	return shopFront{w, t, g.AccessToken}
}

func (s shopFront) get(query string) reply {
	s.t.Helper()
	return ask(s.t, "GET", s.HostURL()+"/api/orders?"+query, s.token, nil)
}

// all lists a whole road.
func (s shopFront) all(road string, limit int) (all []document, pages int) {
	s.t.Helper()
	cursor := ""
	for {
		p := into[listing](s.t, s.get(fmt.Sprintf("%[1]s_from=2000-01-01T00:00:00Z&%[1]s_to=2100-01-01T00:00:00Z&limit=%d&cursor=%s", road, limit, cursor)))
		all = append(all, p.Orders...)
		if pages++; p.Next == nil {
			return all, pages
		}
		cursor = url.QueryEscape(*p.Next)
	}
}

func (s shopFront) control(path string, body any) reply {
	s.t.Helper()
	return ask(s.t, "POST", s.HostURL()+"/control/"+path, "", body)
}

// make makes orders of the last thirty days.
func (s shopFront) make(count int, mix map[string]int) Made {
	s.t.Helper()
	return into[Made](s.t, s.control("orders", map[string]any{
		"account": "shop-1", "count": count, "from": time.Now().AddDate(0, 0, -30).Format(time.RFC3339), "seed": 7, "mix": mix,
	}))
}

func (s shopFront) fault(f Fault) {
	s.t.Helper()
	if r := s.control("faults", f); r.status != http.StatusOK {
		s.t.Fatalf("fault: %d %s", r.status, r.body)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(95, nil)
	for _, road := range []string{"updated", "created"} {
		all, pages := s.all(road, 10)
		if len(all) != 95 || pages != 10 {
			t.Fatalf("%d orders on %d pages", len(all), pages)
		}
		seen := map[string]bool{}
		for i, d := range all {
			if seen[d.ID] || i > 0 && d.UpdatedAt < all[i-1].UpdatedAt {
				t.Errorf("%s %s twice or out of order", road, d.ID)
			}
			seen[d.ID] = true
		}
	}
}

// TestPagingWhileChanging: what changes while it is paged moves to the end, and nothing is left out.
func TestPagingWhileChanging(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	made := s.make(30, nil)
	first := into[listing](t, s.get("updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z&limit=10"))
	if r := s.control("orders/"+made.FirstID+"/edit", nil); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	rest := into[listing](t, s.get("updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z&limit=250&cursor="+url.QueryEscape(*first.Next)))
	if len(rest.Orders) != 21 || rest.Orders[20].ID != made.FirstID || rest.Orders[20].Version != 2 {
		t.Errorf("%d orders after the first page, last %s", len(rest.Orders), rest.Orders[len(rest.Orders)-1].ID)
	}
}

func TestWindowIsHalfOpen(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(3, nil)
	all, _ := s.all("updated", 250)
	window := func(from, to string) int {
		return len(into[listing](t, s.get("updated_from="+from+"&updated_to="+to)).Orders)
	}
	if n := window(all[0].UpdatedAt, all[2].UpdatedAt); n != 2 {
		t.Errorf("%d orders from the first to the last, want 2: the end is outside", n)
	}
	if n := window(all[2].UpdatedAt, "2100-01-01T00:00:00.0000001Z"); n != 1 {
		t.Errorf("%d orders from the last on, want 1", n)
	}
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	window := "updated_from=2026-01-01T00:00:00Z&updated_to=2026-01-02T00:00:00Z"
	for _, query := range []string{"", "updated_from=yesterday", "updated_from=2026-01-01T00:00:00Z", window + "&limit=251", window + "&limit=0", window + "&limit=x", window + "&cursor=x"} {
		if r := s.get(query); r.status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", query, r.status, r.body)
		}
	}
}

func TestSameSeedSameOrders(t *testing.T) {
	t.Parallel()
	var worlds [2][]document
	for i := range worlds {
		s := openShop(t, Config{})
		into[Made](t, s.control("orders", `{"account":"shop-1","count":40,"from":"2026-01-01","to":"2026-02-01","seed":3,"mix":{"refunded":30}}`))
		worlds[i], _ = s.all("created", 250)
	}
	if len(worlds[0]) != 40 || !reflect.DeepEqual(worlds[0], worlds[1]) {
		t.Error("the same seed made different orders")
	}
}

func TestByIDs(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	made := s.make(5, nil)
	p := into[listing](t, s.get("ids="+made.LastID+",1,"+made.FirstID))
	if len(p.Orders) != 2 || p.Orders[0].ID != made.LastID {
		t.Errorf("%d orders", len(p.Orders))
	}
}

// TestTextIsTheDocument: the text put together from a blueprint is what
// encoding the order would give, and about as large as a real one.
func TestTextIsTheDocument(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(250, map[string]int{"refunded": 10, "partly": 10, "cancelled": 10, "test": 10, "pending": 10, "digital": 10, "pickup": 10})
	r := s.get("updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z&limit=250")
	p := into[listing](t, r)
	if size := len(r.body) / len(p.Orders); size < 4000 || size > 6000 {
		t.Errorf("an order has %d bytes", size)
	}
	again, err := json.Marshal(p.Orders)
	if err != nil {
		t.Fatal(err)
	}
	if want := r.body[len(`{"orders":`) : len(`{"orders":`)+len(again)]; string(want) != string(again) {
		t.Error("an order changes when it is read and written")
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	made := s.make(4, nil)
	path := func(id, verb string) string { return "orders/" + id + "/" + verb }
	d := into[document](t, s.control(path(made.FirstID, "edit"), `{"amount":"2.50"}`))
	if d.Version != 2 || d.UpdatedAt <= d.CreatedAt {
		t.Errorf("after an edit: version %d, updated %s", d.Version, d.UpdatedAt)
	}
	d = into[document](t, s.control(path(made.FirstID, "refund"), `{"amount":"1.00"}`))
	d = into[document](t, s.control(path(made.FirstID, "refund"), nil))
	if len(d.Refunds) != 2 || d.refunded() != d.sale() || d.Version != 4 {
		t.Errorf("%d refunds of %v, sale %v, version %d", len(d.Refunds), d.refunded(), d.sale(), d.Version)
	}
	d = into[document](t, s.control(path(made.LastID, "refund"), `{"line":0}`))
	if len(d.Refunds) != 1 || len(d.Refunds[0].Lines) != 1 || d.Refunds[0].Lines[0].Amount != d.Lines[0].Amount {
		t.Errorf("refund of a line: %+v", d.Refunds)
	}
	for verb, body := range map[string]string{"refund": `{"amount":"0.01"}`, "edit": ""} {
		if r := s.control(path(made.FirstID, verb), body); r.status != http.StatusConflict {
			t.Errorf("%s of what is refunded whole: %d %s", verb, r.status, r.body)
		}
	}
	d = into[document](t, s.control(path(made.LastID, "cancel"), nil))
	if d.Status != statusCancelled || d.CancelledAt == nil {
		t.Errorf("cancelled: %+v", d)
	}
	if r := s.control(path("1", "cancel"), nil); r.status != http.StatusNotFound {
		t.Errorf("an unknown order: %d", r.status)
	}
}

func TestControlRefusesNonsense(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	for _, body := range []string{`{`, `{"count":0}`, `{"count":1,"account":"nobody"}`, `{"count":1,"from":"soon"}`, `{"count":1,"mix":{"odd":1}}`, `{"count":1,"from":"2100-01-01"}`} {
		if r := s.control("orders", body); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", body, r.status)
		}
	}
	if r := s.control("faults", `{"kind":"flood"}`); r.status != http.StatusBadRequest {
		t.Errorf("an unknown fault: %d", r.status)
	}
}

// BenchmarkPages is what the stand-in costs a benchmark of something else.
func BenchmarkPages(b *testing.B) {
	s := openShop(b, Config{})
	s.make(200_000, nil)
	from := time.Now().AddDate(0, 0, -15)
	q := query{by: updatedRoad, from: from.UnixMilli(), to: 1 << 60, limit: maxLimit, hiding: true, now: time.Now().UnixMilli()}
	orders := s.Host.shop("shop-1").orders
	var buf []byte
	for b.Loop() {
		buf, _, _ = orders.list(buf[:0], q)
	}
	b.SetBytes(int64(len(buf)))
}

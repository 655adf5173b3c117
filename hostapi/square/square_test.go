package square

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

// shop is a merchant with twelve locations, sales, and every kind of refund.
func shop(t testing.TB) (*fakeSquare, []string) {
	f := &fakeSquare{t: t, pageSize: 4, payments: map[string]payment{}}
	var keys, later []string
	for n := 1; n <= 12; n++ {
		f.locations = append(f.locations, fakeLocation(n))
		id := fmt.Sprintf("S%02d", n)
		f.orders = append(f.orders, fakeOrder(id, fmt.Sprintf("L%02d", n), n))
		if f.payments["pay-"+id] = (payment{OrderID: id}); n <= 10 {
			keys = append(keys, id)
		} else {
			later = append(later, id) // the second group of locations
		}
	}
	f.orders = append(f.orders,
		fakeReturn("R1", "S01", 20, 1083, true),
		fakeReturn("R2", "S02", 21, 500, false),
		fakeReturn("R3", "S02", 22, 583, false))
	f.refunds = append(f.refunds,
		fakeRefund("refund-R1", "R1", "pay-S01", 20, 1083, "COMPLETED"),
		fakeRefund("refund-R2", "R2", "pay-S02", 21, 500, "COMPLETED"),
		fakeRefund("refund-R3", "R3", "pay-S02", 22, 583, "COMPLETED"),
		fakeRefund("alone", "S03", "pay-S03", 23, 100, "COMPLETED"),
		fakeRefund("open", "S04", "pay-S04", 24, 100, "PENDING"))
	f.payments["pay-S02"] = payment{"S02", []string{"refund-R2", "refund-R3"}}
	f.payments["pay-S03"] = payment{"S03", []string{"alone"}}
	keys = append(keys, "R1", "R2", "R3")
	return f, append(append(keys, later...), "R1", "R2", "R3", "alone", "open")
}

func TestConformance(t *testing.T) {
	_, keys := shop(t)
	hostapitest.Run(t, hostapitest.Case{
		Open: open, Window: window, Keys: keys,
		Wire: func(t testing.TB) http.Handler { f, _ := shop(t); return f },
	})
}

// counter puts h in front of f.
func counter(t *testing.T, f *fakeSquare) (*host, hostapi.Account) {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return open(t, server.URL).(*host), hostapi.Account{Client: server.Client(), Zone: time.UTC}
}

// pullAll pulls until nothing is left, and lets change do something between pages.
func pullAll(t *testing.T, h *host, a hostapi.Account, w models.Window, change func(page int)) []hostapi.Record {
	t.Helper()
	pull := func(from hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, w, from) }
	return hostapitest.PullAll(t, pull, change)
}

func nothing(int) {}

func keys(records []hostapi.Record) []string {
	return slices.Compact(slices.Sorted(slices.Values(hostapitest.Keys(records))))
}

func TestPullKeepsWithinTheWindow(t *testing.T) {
	t.Parallel()
	f := &fakeSquare{t: t, pageSize: 4, locations: []location{fakeLocation(1)}}
	f.orders = append(f.orders, fakeOrder("before", "L01", -1), fakeOrder("first", "L01", 0), fakeOrder("after", "L01", 7*24*60))
	h, a := counter(t, f)
	if got := keys(pullAll(t, h, a, window, nothing)); !slices.Equal(got, []string{"first"}) {
		t.Errorf("%v", got)
	}
}

// A cursor of Square's that is too old is not used; the list is taken up where it was left.
func TestPullOutlivesSquaresCursor(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(h *host, f *fakeSquare){
		"by our clock": func(h *host, _ *fakeSquare) {
			h.now = func() time.Time { return time.Now().Add(cursorLife + time.Second) }
		},
		"by Square's no": func(_ *host, f *fakeSquare) { f.dead = true },
	} {
		f, want := shop(t)
		h, a := counter(t, f)
		got := pullAll(t, h, a, window, func(page int) {
			h.now, f.dead = time.Now, false
			if page == 2 {
				late(h, f)
			}
		})
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(keys(got), want) {
			t.Errorf("%s: got %v, want %v", name, keys(got), want)
		}
		restarted := slices.ContainsFunc(f.searches, func(q searchRequest) bool {
			return q.Cursor == "" && q.Query.Filter.Date["updated_at"]["start_at"].After(window.From)
		})
		if !restarted {
			t.Errorf("%s: no search took up the list where it was left", name)
		}
	}
}

// A list that was taken up is paged with its own start: a cursor belongs to its query.
func TestPullKeepsTheQueryOfACursor(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := counter(t, f)
	pullAll(t, h, a, window, func(page int) {
		h.now = time.Now
		if page == 1 {
			h.now = func() time.Time { return time.Now().Add(cursorLife + time.Second) }
		}
	})
	starts := map[string]time.Time{}
	for _, q := range f.searches[1:] {
		group, start := strings.Join(q.LocationIDs, ","), q.Query.Filter.Date["updated_at"]["start_at"]
		if q.Cursor != "" && !start.Equal(starts[group]) {
			t.Errorf("cursor %s came with start %v, its list began at %v", q.Cursor, start, starts[group])
		}
		starts[group] = start
	}
}

// A refund that settles later makes its return order count, although the order itself stays as it was.
func TestRefundSettlesItsReturn(t *testing.T) {
	t.Parallel()
	f := &fakeSquare{t: t, pageSize: 4, locations: []location{fakeLocation(1)}, payments: map[string]payment{}}
	ret := fakeReturn("R1", "S01", 20, 1083, true)
	ret["refunds"] = []any{map[string]any{"id": "p1", "status": "PENDING"}}
	f.orders = append(f.orders, fakeOrder("S01", "L01", 1), ret)
	f.refunds = append(f.refunds, fakeRefund("p1", "R1", "pay-S01", 20, 1083, "PENDING"))
	h, a := counter(t, f)
	before := find(t, pullAll(t, h, a, window, nothing), "R1")
	if items, err := h.Transform(before); err != nil || len(items) != 0 {
		t.Errorf("pending: %v, %v", items, err)
	}
	f.refunds[0]["status"], f.refunds[0]["updated_at"] = "COMPLETED", at(60)
	late := models.Window{From: day.Add(30 * time.Minute), To: window.To}
	after := find(t, pullAll(t, h, a, late, nothing), "R1")
	if after.Kind != kindOrder || after.Version <= before.Version {
		t.Errorf("%s %s, before %s", after.Kind, after.Version, before.Version)
	}
	items, err := h.Transform(after)
	if err != nil || len(items) != 1 || items[0].Key != "R1" || items[0].Sale.SalesTax != 83 {
		t.Errorf("settled: %+v, %v", items, err)
	}
}

func find(t *testing.T, records []hostapi.Record, key string) hostapi.Record {
	t.Helper()
	i := slices.IndexFunc(records, func(r hostapi.Record) bool { return r.Key == key })
	if i < 0 {
		t.Fatalf("no record %s", key)
	}
	return records[i]
}

// Two amounts given back of one sale make it up to the cent, and do not share a key.
func TestAmountsOfOneSaleAddUp(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := counter(t, f)
	records := pullAll(t, h, a, window, nothing)
	var sales, tax models.Amount
	seen := map[string]bool{}
	for _, key := range []string{"R2", "R3"} {
		items, err := h.Transform(find(t, records, key))
		if err != nil || len(items) != 1 || seen[items[0].Key] {
			t.Fatalf("%s: %+v, %v", key, items, err)
		}
		seen[items[0].Key] = true
		sales, tax = sales+items[0].Sale.SalesAmount, tax+items[0].Sale.SalesTax
	}
	if sales != 1000 || tax != 83 {
		t.Errorf("goods %v, tax %v", sales, tax)
	}
}

func TestRecountGoesByTheDayOfTheTransaction(t *testing.T) {
	t.Parallel()
	f := &fakeSquare{t: t, pageSize: 4, locations: []location{fakeLocation(1)}}
	late := fakeOrder("late", "L01", 10)
	late["updated_at"] = at(30 * 24 * 60)
	open := fakeOrder("open", "L01", 11)
	open["state"] = "OPEN"
	f.orders = append(f.orders, late, open)
	h, a := counter(t, f)
	page, err := h.Recount(t.Context(), a, window, "")
	if err != nil || len(page.Records) != 1 || page.Records[0].Key != "late" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestFetchKnowsOrdersAndRefunds(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	f.refunds = append(f.refunds, fakeRefund("pay-S05_x", "", "pay-S05", 25, 100, "COMPLETED"))
	h, a := counter(t, f)
	records, err := h.Fetch(t.Context(), a, []string{"S01", "alone", "gone", "gone_x", "R2", "pay-S05_x"})
	if err != nil || !slices.Equal(keys(records), []string{"R2", "S01", "alone", "pay-S05_x"}) {
		t.Errorf("%v, %v", keys(records), err)
	}
}

// An order that is odd in one place is set aside; the page goes on.
func TestOddOrdersDoNotStopThePage(t *testing.T) {
	t.Parallel()
	f := &fakeSquare{t: t, pageSize: 9, locations: []location{fakeLocation(1)}}
	bad := fakeOrder("bad", "L01", 1)
	bad["total_money"] = "a lot"
	nameless := fakeOrder("", "L01", 2)
	delete(nameless, "id")
	f.orders = append(f.orders, bad, nameless, fakeOrder("good", "L01", 3))
	h, a := counter(t, f)
	records := pullAll(t, h, a, window, nothing)
	if len(records) != 3 || records[0].Key != "bad" || records[1].Key == "" || records[2].Key != "good" {
		t.Fatalf("%v", records)
	}
	for _, r := range records[:2] {
		if _, err := h.Transform(r); models.KindOf(err) != models.Refused {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
}

func TestNoLocationsIsNoAnswer(t *testing.T) {
	t.Parallel()
	h, a := counter(t, &fakeSquare{t: t})
	if _, err := h.Pull(t.Context(), a, window, ""); models.KindOf(err) != models.Unavailable {
		t.Errorf("%v", err)
	}
	if _, err := h.Pull(t.Context(), a, window, "not ours"); models.KindOf(err) != models.Internal {
		t.Errorf("%v", err)
	}
}

// A return paid back to two cards is one record with both refunds.
func TestTwoRefundsOfOneReturn(t *testing.T) {
	t.Parallel()
	f := &fakeSquare{t: t, pageSize: 9, locations: []location{fakeLocation(1)}}
	ret := fakeReturn("R1", "S01", 20, 1083, true)
	ret["refunds"] = []any{map[string]any{"id": "p1", "status": "PENDING"}, map[string]any{"id": "p2", "status": "PENDING"}}
	f.orders = append(f.orders, fakeOrder("S01", "L01", 1), ret)
	f.refunds = append(f.refunds,
		fakeRefund("p1", "R1", "pay-S01", 20, 583, "COMPLETED"),
		fakeRefund("p2", "R1", "pay-S01", 21, 500, "COMPLETED"))
	h, a := counter(t, f)
	page, err := h.Pull(t.Context(), a, window, hostapi.CursorOf(position{Refunds: true}))
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	items, err := h.Transform(page.Records[0])
	if err != nil || len(items) != 1 || items[0].Sale.Total() != 1083 || items[0].Sale.ReviewMessage != "" {
		t.Errorf("%+v, %v", items, err)
	}
}

// A return that does not name its sale is led to it by the payment, but not by
// one that names the return itself.
func TestSaleByPayment(t *testing.T) {
	t.Parallel()
	for paymentOf, want := range map[string]models.Amount{"S01": 38, "R1": 0, "": 0} {
		f := &fakeSquare{t: t, pageSize: 9, locations: []location{fakeLocation(1)}, payments: map[string]payment{"pay-S01": {OrderID: paymentOf}}}
		f.orders = append(f.orders, fakeOrder("S01", "L01", -60), fakeReturn("R1", "", 20, 500, false))
		f.refunds = append(f.refunds, fakeRefund("refund-R1", "R1", "pay-S01", 20, 500, "COMPLETED"))
		h, a := counter(t, f)
		items, err := h.Transform(find(t, pullAll(t, h, a, window, nothing), "R1"))
		if err != nil || len(items) != 1 || items[0].Sale.SalesTax != want || items[0].Sale.Total() != 500 {
			t.Errorf("%q: %+v, %v", paymentOf, items, err)
		}
	}
}

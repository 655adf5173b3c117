package extractor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/internal/pgtest"
	"extractor/models"
	"extractor/targetapi"
)

// world is an engine between a host and a target that live in this process.
// Its lanes are worked on by hand, so that a test decides what happens when.
type world struct {
	*Engine
	t      testing.TB
	host   *memoryHost
	target *memoryTarget
	conn   int64
}

func newWorld(t testing.TB, start string) *world {
	t.Helper()
	return newWorldOn(t, pgtest.Store(t), start)
}

func newWorldOn(t testing.TB, store *models.Store, start string) *world {
	t.Helper()
	host, target := newMemoryHost(), newMemoryTarget()
	e, err := New(Options{
		Store: store, Hosts: map[string]hostapi.Host{"memory": host}, Target: target, SyncInterval: time.Hour, PeriodCloseDay: 10,
		Timing: Timing{Quiet: 50 * time.Millisecond, Doubt: 30 * time.Millisecond, First: time.Millisecond, Resend: time.Millisecond, Probe: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Engine: e, t: t, host: host, target: target}
	w.conn = w.connect("c-1", start)
	return w
}

// connect makes a connection that is authorised and works from start on.
func (w *world) connect(id, start string) int64 {
	w.t.Helper()
	day, err := time.Parse(time.DateOnly, start)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.Store.CreateConnection(w.t.Context(), models.NewConnection{ExternalID: id, Host: "memory", StartDate: day})
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`UPDATE connections SET authorized = true, host_account = external_id WHERE id = $1`, c.ID)
	on := true
	if _, err := w.Store.ChangeConnection(w.t.Context(), id, models.Change{Enabled: &on}); err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.Store.Pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) one(sql string, args ...any) string {
	w.t.Helper()
	var v any
	if err := w.Store.Pool.QueryRow(w.t.Context(), sql, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return fmt.Sprint(v)
}

// work does everything that is due now, lane kind after lane kind, until
// nothing is left.
func (w *world) work(kinds ...models.LaneKind) {
	w.t.Helper()
	if kinds == nil {
		kinds = []models.LaneKind{models.LaneIncremental, models.LaneBackfill, models.LaneDelivery}
	}
	for _, kind := range kinds {
		if err := w.workLanes(w.t.Context(), kind); err != nil {
			w.t.Fatal(err)
		}
	}
}

// sync makes the lanes of a kind due and works on them, and on deliveries.
func (w *world) sync() {
	w.t.Helper()
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work()
}

// at is the state of an entry and, where it is not obvious, its reason.
func (w *world) at(kind, key string) string {
	w.t.Helper()
	return w.one(`SELECT coalesce((SELECT state || coalesce(': ' || reason, '') FROM entries WHERE connection_id = $1 AND kind = $2 AND key = $3), 'none')`, w.conn, kind, key)
}

// thing is what a record of the memory host yields.
type thing struct {
	Kind, Key, Day, Skip string
	Cents                models.Amount
	Refuse               string // the mapping refuses the record
}

// memoryHost is a host in memory. Its records are JSON lists of things.
type memoryHost struct {
	mu       sync.Mutex
	records  map[string]memoryRecord
	mapping  int
	pageSize int
	failures []error                   // answered first, one a call
	hidden   map[string]bool           // not listed by Pull
	reread   func(from hostapi.Cursor) // called before each page
	pulls    int
	history  time.Duration // how far back it remembers; 0 = for ever
	lookback time.Duration // 0 = a minute, below = none
	asked    []models.Window
	lag      time.Duration
	wait     []time.Duration // of the next pages, which lead to their own cursor
	window   time.Duration   // how small windows may be cut; 0 = not at all
}

type memoryRecord struct {
	hostapi.Record
	updated, created time.Time
}

func newMemoryHost() *memoryHost {
	return &memoryHost{records: map[string]memoryRecord{}, mapping: 1, pageSize: 100, hidden: map[string]bool{}}
}

// put writes a record: a new version of it, updated now.
func (h *memoryHost) put(key string, version int, things ...thing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, _ := json.Marshal(things) // strings and integers
	created := time.Now()
	if len(things) > 0 && things[0].Day != "" {
		created, _ = time.Parse(time.DateOnly, things[0].Day)
		created = created.Add(12 * time.Hour)
	}
	if old, ok := h.records[key]; ok {
		created = old.created
	}
	h.records[key] = memoryRecord{hostapi.Record{Key: key, Version: hostapi.IntVersion(int64(version)), Kind: "order", Body: body}, time.Now(), created}
}

// age makes a record one that was last updated so long ago.
func (h *memoryHost) age(key string, by time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.records[key]
	r.updated = time.Now().Add(-by)
	h.records[key] = r
}

func (h *memoryHost) remove(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.records, key)
}

func (h *memoryHost) Info() hostapi.Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return hostapi.Info{Title: "Memory", Mapping: h.mapping, Lag: h.lag, Lookback: max(0, cmp.Or(h.lookback, time.Minute)), History: h.history, Parallel: 2, Window: h.window}
}

func (h *memoryHost) Transform(r hostapi.Record) ([]models.Item, error) {
	var things []thing
	if err := json.Unmarshal(r.Body, &things); err != nil {
		return nil, err
	}
	var items []models.Item
	for _, x := range things {
		if x.Refuse != "" && h.Info().Mapping < 2 {
			return nil, models.Errorf(models.Refused, "%s", x.Refuse)
		}
		item := models.Item{Kind: cmp.Or(x.Kind, models.KindSale), Key: x.Key, Skip: x.Skip}
		if x.Day != "" {
			at, _ := time.Parse(time.DateOnly, x.Day)
			item.Sale = &models.Sale{Date: models.LocalTime(x.Day + "T12:00:00"), At: at, SalesAmount: x.Cents, Currency: "USD",
				Places: []models.Place{{Kind: models.PlaceShipping, Address: models.Address{Line1: "1 Main St", City: "Albany", State: "NY", Zip: "12207", Country: "US"}}}}
		}
		items = append(items, item)
	}
	return items, nil
}

func (h *memoryHost) fail(errs ...error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, errs...)
}

func (h *memoryHost) nextFailure() error {
	if len(h.failures) == 0 {
		return nil
	}
	err := h.failures[0]
	h.failures = h.failures[1:]
	return err
}

func (h *memoryHost) Pull(_ context.Context, _ hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	if h.reread != nil {
		h.reread(from)
	}
	h.mu.Lock()
	h.asked = append(h.asked, w)
	h.mu.Unlock()
	return h.page(from, func(r memoryRecord) bool { return !h.hidden[r.Key] && w.Contains(r.updated) })
}

func (h *memoryHost) Recount(_ context.Context, _ hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(from, func(r memoryRecord) bool { return w.Contains(r.created) })
}

func (h *memoryHost) page(from hostapi.Cursor, wanted func(memoryRecord) bool) (*hostapi.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pulls++
	if err := h.nextFailure(); err != nil {
		return nil, err
	}
	var all []memoryRecord
	for _, r := range h.records {
		if wanted(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b memoryRecord) int { return cmp.Or(a.updated.Compare(b.updated), cmp.Compare(a.Key, b.Key)) })
	if len(h.wait) > 0 {
		wait := h.wait[0]
		h.wait = h.wait[1:]
		return &hostapi.Page{Next: from, More: true, Wait: wait}, nil
	}
	skip, _ := strconv.Atoi(string(from))
	page := &hostapi.Page{}
	for _, r := range all[min(skip, len(all)):min(skip+h.pageSize, len(all))] {
		page.Records = append(page.Records, r.Record)
	}
	page.More = skip+h.pageSize < len(all)
	page.Next = hostapi.Cursor(strconv.Itoa(skip + h.pageSize))
	return page, nil
}

func (h *memoryHost) Fetch(_ context.Context, _ hostapi.Account, keys []string) ([]hostapi.Record, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []hostapi.Record
	for _, key := range keys {
		if r, ok := h.records[key]; ok {
			found = append(found, r.Record)
		}
	}
	return found, nil
}

// memoryTarget is a target in memory, with the history of what took effect.
type memoryTarget struct {
	mu       sync.Mutex
	items    map[string]map[models.Ref]models.Sale // by connection
	history  []effect
	requests []request
	script   []func(items []models.Item) (apply bool, r targetapi.Receipt, err error) // one a request, first
	refuse   func(models.Item) bool                                                   // names no culprit
	before   func()
	unread   error // reading back fails with it
	looks    int
}

type effect struct {
	connection string
	ref        models.Ref
	sale       models.Sale
}

type request struct {
	connection string
	items      int
	body       string
}

func newMemoryTarget() *memoryTarget {
	return &memoryTarget{items: map[string]map[models.Ref]models.Sale{}}
}

func (m *memoryTarget) Info() targetapi.Info { return targetapi.Info{Title: "TrustFile", Batch: 1000} }

func (m *memoryTarget) Deliver(_ context.Context, a targetapi.Account, items []models.Item) (targetapi.Receipt, error) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, request{a.ConnectionID, len(items), bodyOf(items)})
	if len(m.script) > 0 {
		step := m.script[0]
		m.script = m.script[1:]
		apply, receipt, err := step(items)
		if apply {
			m.apply(a.ConnectionID, items)
		}
		return receipt, err
	}
	if m.refuse != nil && slices.ContainsFunc(items, m.refuse) {
		return targetapi.Receipt{}, models.Errorf(models.Refused, "one of them is wrong")
	}
	m.apply(a.ConnectionID, items)
	return targetapi.Receipt{Taken: true}, nil
}

func bodyOf(items []models.Item) string {
	var b []byte
	for i := range items {
		b = append(append(b, items[i].Kind+items[i].Key...), items[i].Sale.AppendJSON(nil)...)
	}
	return string(b)
}

func (m *memoryTarget) apply(connection string, items []models.Item) {
	if m.items[connection] == nil {
		m.items[connection] = map[models.Ref]models.Sale{}
	}
	for _, item := range items {
		old, known := m.items[connection][item.Ref()]
		if !known || bodyOf([]models.Item{{Sale: &old}}) != bodyOf([]models.Item{{Sale: item.Sale}}) {
			m.history = append(m.history, effect{connection, item.Ref(), *item.Sale})
		}
		m.items[connection][item.Ref()] = *item.Sale
	}
}

func (m *memoryTarget) Holds(_ context.Context, a targetapi.Account, item models.Item) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.looks++; m.unread != nil {
		return false, m.unread
	}
	have := m.items[a.ConnectionID][item.Ref()]
	return have.Total() == item.Sale.Total(), nil
}

// answer scripts the next request's outcome.
func (m *memoryTarget) answer(apply bool, err error) {
	m.script = append(m.script, func([]models.Item) (bool, targetapi.Receipt, error) {
		return apply, targetapi.Receipt{Taken: err == nil}, err
	})
}

// cents is what the target has of an item; -1 = nothing.
func (w *world) cents(kind, key string) models.Amount {
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	sale, ok := w.target.items["c-1"][models.Ref{Kind: kind, Key: key}]
	if !ok {
		return -1
	}
	return sale.Total()
}

// effects is how often an item changed at the target.
func (w *world) effects(kind, key string) (n int) {
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	for _, e := range w.target.history {
		if e.ref == (models.Ref{Kind: kind, Key: key}) {
			n++
		}
	}
	return n
}

// today is a day in the present month, whose month is open; closed is one whose
// month is closed.
func today() string  { return time.Now().UTC().Format(time.DateOnly) }
func closed() string { return time.Now().UTC().AddDate(0, -3, 0).Format("2006-01") + "-15" }

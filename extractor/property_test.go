package extractor

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"extractor/hostapi"
	"extractor/internal/pgtest"
	"extractor/models"
	"extractor/targetapi"
)

// refusedCents is an amount that the target refuses, naming the item.
const refusedCents = 13

// machine drives a world by chance and knows what the target should have in the end.
type machine struct {
	w        *world
	t        *rapid.T
	id       string // the connection's present name
	names    int
	versions map[string]int
	orders   map[string][]thing // what the host has now
	past     map[string][]hostapi.Record
	start    time.Time
	offered  map[models.Ref]bool            // was in a request at all
	applied  map[models.Ref][]models.Amount // what took effect, in order
	late     []lateCopy
	log      []string
}

// lateCopy is a request that may still take effect, until its time is up.
type lateCopy struct {
	connection string
	items      []models.Item
	until      time.Time
}

var (
	machineRecords = []string{"a", "b", "c"}
	machineItems   = []models.Ref{{Kind: models.KindSale, Key: "x"}, {Kind: models.KindRefund, Key: "y"}, {Kind: models.KindSale, Key: "z"}}
	longAgo        = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
)

// TestNetMoneyAtTheTargetFollowsTheHost plays orders that appear, change, move,
// vanish and come back, while months close, deliveries go astray and the
// consumer changes his mind. In the end the money must be right to the cent,
// and reading everything once more must send nothing.
func TestNetMoneyAtTheTargetFollowsTheHost(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue { // a database has other speeds than memory
		if err := flag.Set("rapid.checks", "20"); err != nil {
			t.Fatal(err)
		}
	}
	store := pgtest.Store(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := newMachine(t, rt, store, fmt.Sprintf("run-%d", run))
		defer m.end()
		rt.Repeat(m.actions())
		m.check()
	})
}

func newMachine(t *testing.T, rt *rapid.T, store *models.Store, id string) *machine {
	host, target := newMemoryHost(), newMemoryTarget()
	e, err := New(Options{
		Store: store, Hosts: map[string]hostapi.Host{"memory": host}, Target: target, SyncInterval: time.Hour, PeriodCloseDay: 10,
		Timing: Timing{Quiet: 15 * time.Millisecond, Doubt: time.Millisecond, First: time.Microsecond, Resend: time.Hour, Probe: time.Millisecond},
	})
	if err != nil {
		rt.Fatal(err)
	}
	m := &machine{
		w: &world{Engine: e, t: t, host: host, target: target}, t: rt, id: id, start: longAgo,
		versions: map[string]int{}, orders: map[string][]thing{}, past: map[string][]hostapi.Record{},
		offered: map[models.Ref]bool{}, applied: map[models.Ref][]models.Amount{},
	}
	target.items[id] = map[models.Ref]models.Sale{}
	m.w.exec(`UPDATE service SET enabled = true, pause = '', target_failing_since = NULL`)
	m.w.conn = m.w.connect(id, longAgo.Format(time.DateOnly))
	m.w.work(models.LaneBackfill)
	return m
}

func (m *machine) end() {
	if err := m.w.Store.DeleteConnection(context.Background(), m.id, false); err != nil {
		m.t.Error(err)
	}
}

func (m *machine) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"edit": m.edit, "edit again": m.edit, "move": m.move, "vanish": m.vanish, "stale": m.stale,
		"pull": m.pull, "pull again": m.pull, "deliver": m.deliver, "deliver again": m.deliver,
		"month closes": m.closeMonth, "start date": m.moveStart, "switch": m.toggle, "rename": m.rename,
		"mapping": m.raiseMapping, "retry": m.retry, "trim": m.trim,
	}
}

// edit writes a record with some of the items that no other record has.
func (m *machine) edit(t *rapid.T) {
	key := rapid.SampledFrom(machineRecords).Draw(t, "record")
	things := []thing{}
	for _, ref := range machineItems {
		if owner := m.owner(ref); (owner == "" || owner == key) && rapid.Bool().Draw(t, "has "+ref.Key) {
			things = append(things, m.drawThing(t, ref))
		}
	}
	if rapid.IntRange(0, 7).Draw(t, "refused") == 0 && len(things) > 0 {
		things[0].Refuse = "It cannot be read."
	}
	m.put(key, things, rapid.IntRange(0, 5).Draw(t, "same version") == 0)
}

func (m *machine) drawThing(t *rapid.T, ref models.Ref) thing {
	x := thing{Kind: ref.Kind, Key: ref.Key, Day: rapid.SampledFrom([]string{today(), today(), closed()}).Draw(t, "day"),
		Cents: rapid.SampledFrom([]models.Amount{100, 100, 250, 700, refusedCents}).Draw(t, "cents")}
	if rapid.IntRange(0, 6).Draw(t, "skip") == 0 {
		x.Skip = "test order"
	}
	return x
}

func (m *machine) owner(ref models.Ref) string {
	for key, things := range m.orders {
		if slices.ContainsFunc(things, func(x thing) bool { return x.Key == ref.Key }) {
			return key
		}
	}
	return ""
}

func (m *machine) put(key string, things []thing, sameVersion bool) {
	if !sameVersion || m.versions[key] == 0 {
		m.versions[key]++
	}
	m.orders[key] = things
	m.w.host.put(key, m.versions[key], things...)
	m.past[key] = append(m.past[key], m.w.host.records[key].Record)
	m.note("put %s v%d %v", key, m.versions[key], things)
}

// move exchanges what two records hold, as hosts do that split or merge orders.
func (m *machine) move(t *rapid.T) {
	from, to := rapid.SampledFrom(machineRecords).Draw(t, "from"), rapid.SampledFrom(machineRecords).Draw(t, "to")
	if from == to || m.orders[from] == nil {
		return
	}
	a, b := m.orders[from], append([]thing{}, m.orders[to]...)
	if rapid.Bool().Draw(t, "to first") {
		m.put(to, a, false)
		m.put(from, b, false)
	} else {
		m.put(from, b, false)
		m.put(to, a, false)
	}
}

// vanish takes a record away at the host, which reconciliation finds out.
func (m *machine) vanish(t *rapid.T) {
	key := rapid.SampledFrom(machineRecords).Draw(t, "record")
	m.w.host.remove(key)
	delete(m.orders, key)
	m.note("vanish %s", key)
	m.tellVanished(key)
}

func (m *machine) tellVanished(keys ...string) {
	m.commit(func(s *slice) (all []reading) {
		for _, key := range keys {
			all = append(all, s.emptied([]string{"order/" + key})...)
		}
		return all
	})
}

// stale has another lane bring an old reading late.
func (m *machine) stale(t *rapid.T) {
	key := rapid.SampledFrom(machineRecords).Draw(t, "record")
	now := hostapi.IntVersion(int64(m.versions[key]))
	for _, old := range m.past[key] {
		if old.Version < now && m.read(key, now) {
			m.note("stale %s %s", key, old.Version)
			m.commit(func(s *slice) []reading { return s.transform(s.host, []hostapi.Record{old}) })
			return
		}
	}
}

// read reports whether the ledger knows a record's present version.
func (m *machine) read(key, version string) bool {
	return m.w.one(`SELECT coalesce(max(version), '') FROM entries WHERE connection_id = $1 AND record = $2`, m.w.conn, "order/"+key) >= version
}

// commit brings readings into the ledger outside any lane, as reconciliation does.
func (m *machine) commit(readings func(*slice) []reading) {
	c, err := m.w.Store.FindConnection(m.t.Context(), m.id)
	if err != nil {
		m.t.Fatal(err)
	}
	if !c.Active {
		return
	}
	l := &lane{Connection: c.ID, Kind: models.LaneReconcile, Host: "memory", Zone: "UTC", Settings: []byte(`{}`), Generation: c.Generation}
	s, err := m.w.newSlice(l, time.Now())
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := s.commit(m.t.Context(), readings(s), advance{hold: true}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) pull(t *rapid.T) {
	m.w.host.pageSize = rapid.SampledFrom([]int{1, 100}).Draw(t, "page size")
	m.pullAll()
}

func (m *machine) pullAll() {
	m.note("pull")
	m.w.exec(`UPDATE lanes SET due_at = now(), failures = 0 WHERE kind = 'incremental' AND connection_id = $1 AND due_at IS NOT NULL`, m.w.conn)
	m.w.work(models.LaneIncremental)
	if n := m.w.one(`SELECT coalesce(sum(failures), 0) FROM lanes WHERE kind = 'incremental' AND connection_id = $1`, m.w.conn); n != "0" {
		m.fail("the pull failed")
	}
}

// deliver lets the target answer once by chance, and well from then on.
func (m *machine) deliver(t *rapid.T) {
	m.lateCopies()
	how := rapid.SampledFrom([]string{"well", "well", "applied and lost", "lost", "late", "throttled", "unavailable", "partly", "refused", "too large"}).Draw(t, "answer")
	m.note("deliver %s", how)
	m.answerTo(how)
	m.w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery' AND connection_id = $1 AND failures > 0 AND due_at IS NOT NULL`, m.w.conn)
	m.w.work(models.LaneDelivery)
	m.answerTo("well")
}

func (m *machine) answerTo(how string) {
	target := m.w.target
	target.script = nil
	step := func(items []models.Item) (bool, targetapi.Receipt, error) { return m.answer(how, items) }
	if how != "well" {
		target.script = append(target.script, step)
		how = "well"
	}
	for range 200 {
		target.script = append(target.script, func(items []models.Item) (bool, targetapi.Receipt, error) { return m.answer("well", items) })
	}
}

func (m *machine) answer(how string, items []models.Item) (apply bool, r targetapi.Receipt, err error) {
	for _, item := range items {
		m.offered[item.Ref()] = true
	}
	if refused := refusedOf(items); refused != nil && how != "lost" && how != "throttled" && how != "unavailable" {
		if how == "refused" {
			return false, r, models.Errorf(models.Refused, "one of them")
		}
		return false, targetapi.Receipt{Refused: refused}, nil
	}
	switch how {
	case "applied and lost":
		m.apply(items)
		return true, r, unsure()
	case "lost":
		return false, r, unsure()
	case "late":
		m.late = append(m.late, lateCopy{m.id, items, time.Now().Add(m.w.Timing.Quiet / 2)})
		return false, r, unsure()
	case "throttled":
		return false, r, models.Errorf(models.Throttled, "later")
	case "unavailable":
		return false, r, models.Errorf(models.Unavailable, "no")
	case "too large":
		return false, r, models.Errorf(models.TooLarge, "too large")
	case "partly":
		some := items[:len(items)/2]
		m.apply(some)
		m.w.target.apply(m.id, some)
		return false, targetapi.Receipt{ReadBack: true}, unsure()
	}
	m.apply(items)
	return true, targetapi.Receipt{Taken: true}, nil
}

func (m *machine) apply(items []models.Item) {
	for _, item := range items {
		m.applied[item.Ref()] = append(m.applied[item.Ref()], item.Sale.Total())
		m.note("  applied %s %s = %s", item.Kind, item.Key, item.Sale.Total())
	}
}

func refusedOf(items []models.Item) map[models.Ref]string {
	refused := map[models.Ref]string{}
	for _, item := range items {
		if item.Sale.Total() == refusedCents {
			refused[item.Ref()] = "an unlucky amount"
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return refused
}

// lateCopies take effect now, where they still can.
func (m *machine) lateCopies() {
	for _, c := range m.late {
		if time.Now().Before(c.until) && refusedOf(c.items) == nil {
			m.note("late copy")
			m.apply(c.items)
			m.w.target.apply(c.connection, c.items)
		}
	}
	m.late = nil
}

// closeMonth closes every month up to now.
func (m *machine) closeMonth(*rapid.T) {
	m.note("months close")
	m.w.PeriodCloseDay = -100
}

func (m *machine) moveStart(t *rapid.T) {
	m.start = rapid.SampledFrom([]time.Time{longAgo, time.Now().UTC().AddDate(0, 0, -40).Truncate(24 * time.Hour)}).Draw(t, "start")
	m.note("start %s", m.start.Format(time.DateOnly))
	m.change(models.Change{StartDate: &m.start})
}

func (m *machine) toggle(t *rapid.T) {
	on := rapid.Bool().Draw(t, "on")
	m.note("enabled %t", on)
	m.change(models.Change{Enabled: &on})
}

// rename gives the company another token; what it has stays.
func (m *machine) rename(*rapid.T) {
	m.names++
	id := m.id + "-" + strconv.Itoa(m.names)
	m.note("rename")
	m.w.target.items[id] = m.w.target.items[m.id]
	m.change(models.Change{ExternalID: &id})
	m.id = id
}

func (m *machine) change(ch models.Change) {
	if _, err := m.w.Store.ChangeConnection(m.t.Context(), m.id, ch); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) raiseMapping(*rapid.T) {
	m.w.host.mapping++
	m.note("mapping %d", m.w.host.mapping)
	if err := m.w.retryOutdated(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) retry(*rapid.T) {
	m.note("retry")
	if _, err := m.w.RetryBadItems(m.t.Context(), m.w.conn); err != nil {
		m.t.Fatal(err)
	}
}

// trim makes payloads old enough to lose their street lines.
func (m *machine) trim(*rapid.T) {
	m.note("trim")
	m.w.exec(`UPDATE entries SET delivered_at = now() - interval '40 days' WHERE connection_id = $1 AND state = 'sent'`, m.w.conn)
	m.w.exec(`UPDATE connections SET trim_at = now()`)
	if err := m.w.trimPayloads(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// rest lets everything come to an end.
func (m *machine) rest() {
	on := true
	m.change(models.Change{Enabled: &on})
	for _, key := range machineRecords { // while it was switched off, nobody was told
		if m.orders[key] == nil {
			m.tellVanished(key)
		}
	}
	m.pullAll()
	m.lateCopies()
	for range 300 {
		m.answerTo("well")
		m.w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery' AND connection_id = $1 AND failures > 0 AND due_at IS NOT NULL`, m.w.conn)
		m.w.work(models.LaneDelivery)
		if m.w.one(`SELECT count(*) FROM lanes WHERE kind = 'delivery' AND due_at IS NOT NULL AND connection_id = $1`, m.w.conn) == "0" {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	m.fail("deliveries do not come to rest")
}

// check compares what the target has with what the host has.
func (m *machine) check() {
	if m.w.host.mapping < 2 {
		m.raiseMapping(m.t) // every record can be read in the end
	}
	m.rest()
	for _, ref := range machineItems {
		if got, allowed := m.net(ref), m.allowed(ref); !slices.Contains(allowed, got) {
			m.fail(fmt.Sprintf("%s %s: the target has %s, not one of %v", ref.Kind, ref.Key, got, allowed))
		}
	}
	if n := m.w.one(`SELECT count(*) FROM entries WHERE connection_id = $1 AND (state = 'pending' OR verify_after IS NOT NULL)`, m.w.conn); n != "0" {
		m.fail(n + " entries are not settled")
	}
	requests := len(m.w.target.requests)
	m.rest()
	if n := len(m.w.target.requests); n != requests {
		m.fail("reading everything again sent something: " + m.w.target.requests[n-1].body)
	}
}

// net is the money that the target has of an item and of what takes it back.
func (m *machine) net(ref models.Ref) models.Amount {
	items := m.w.target.items[m.id]
	original, reversal := items[ref], items[models.Ref{Kind: opposite(ref.Kind), Key: ref.Key + reversalSuffix}]
	return original.Total() - reversal.Total()
}

// allowed is what the target may have of an item.
func (m *machine) allowed(ref models.Ref) []models.Amount {
	owner := m.owner(ref)
	if owner == "" {
		return []models.Amount{0}
	}
	i := slices.IndexFunc(m.orders[owner], func(x thing) bool { return x.Key == ref.Key })
	x := m.orders[owner][i]
	applied, wasApplied := m.applied[ref]
	switch {
	case x.Skip != "":
		return []models.Amount{0}
	case x.Cents == refusedCents: // what it had before stays
		return append(applied, 0)
	case x.Day >= m.start.Format(time.DateOnly) || wasApplied:
		return []models.Amount{x.Cents}
	case m.offered[ref]:
		return []models.Amount{0, x.Cents}
	}
	return []models.Amount{0}
}

func (m *machine) fail(what string) {
	for _, line := range m.log {
		m.t.Log(line)
	}
	m.t.Log(m.w.one(`SELECT coalesce(string_agg(kind || ' ' || key || ' ' || record || ' v' || ltrim(version, '0') || ' ' || state || ' ' || coalesce(reason, '') || ' comp=' || compensated
		|| ' seq ' || seq || '/' || sent_seq || ' total ' || (sales_amount) , E'\n' ORDER BY key, kind), '') FROM entries WHERE connection_id = $1`, m.w.conn))
	m.t.Log(m.w.one(`SELECT coalesce(string_agg(message, E'\n'), '') FROM failures WHERE connection_id = $1`, m.w.conn))
	m.t.Log(slices.Sorted(maps.Keys(m.orders)))
	m.t.Fatal(what)
}

package extractor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/models"
)

// newCrowd is a world with more connections: c-1 to c-n.
func newCrowd(t *testing.T, n int) *world {
	t.Helper()
	w := newWorld(t, today())
	for i := 2; i <= n; i++ {
		w.connect(fmt.Sprint("c-", i), today())
	}
	return w
}

const lanesOf = ` FROM lanes l JOIN connections c ON c.id = l.connection_id WHERE l.kind = 'incremental'`

// pulled claims all due incremental lanes and pretends that none had news.
func (w *world) pulled() []still {
	w.t.Helper()
	lanes, err := w.claimPulls(w.t.Context(), []string{"memory"}, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var some []still
	for _, l := range lanes {
		some = append(some, still{l, l.Now})
	}
	return some
}

func TestLanesWithoutNewsAreSettledTogether(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 5)
	w.exec(`UPDATE connections SET trouble_since = now(), last_sync_at = now() WHERE external_id = 'c-2'`)
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.Hosts["memory"] = onlyOf{w.host, "c-3"}
	before := w.one(`SELECT count(*) FROM activities`)
	w.work(models.LaneIncremental)
	expect(t, "given back, due in an interval, read to the present", w.one(`SELECT count(*)`+lanesOf+` AND l.leased_until IS NULL AND l.to_at IS NULL
		AND l.due_at BETWEEN now() + interval '59 minutes' AND now() + interval '1 hour' AND l.from_at > now() - interval '1 minute'
		AND c.next_sync_at = l.due_at AND c.last_sync_at IS NOT NULL AND c.trouble_since IS NULL`), "5")
	expect(t, "in fewer transactions, news apart", w.one(`SELECT count(DISTINCT l.xmin::text) < count(*)`+lanesOf+` AND c.external_id <> 'c-3'`), "true")
	expect(t, "status sentences of the first sync, or of trouble", w.one(`SELECT count(*) FROM connections WHERE status_message NOT LIKE 'Sales from%'`), "0")
	expect(t, "activities of those without news", w.one(`SELECT count(*) - $1::text::int FROM activities`, before), "1")
	w.work(models.LaneDelivery)
	expect(t, "news arrives", w.one(`SELECT string_agg(c.external_id || ' ' || e.state, ',') FROM entries e JOIN connections c ON c.id = e.connection_id`), "c-3 sent")
}

// onlyOf is a host at which one account alone has records.
type onlyOf struct {
	*memoryHost
	account string
}

func (h onlyOf) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	if a.HostID != h.account {
		return &hostapi.Page{}, nil
	}
	return h.memoryHost.Pull(ctx, a, w, from)
}

// TestALostLaneIsNotSettled: whoever has its lease now decides.
func TestALostLaneIsNotSettled(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 3)
	some := w.pulled()
	w.exec(`UPDATE lanes SET epoch = epoch + 1, leased_until = now() + interval '1 minute', cursor = 'another''s'
		WHERE kind = 'incremental' AND connection_id = $1`, w.conn)
	before := w.one(`SELECT row(l.*)::text` + lanesOf + ` AND c.external_id = 'c-1'`)
	if err := w.settleTogether(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	expect(t, "the lost lane", w.one(`SELECT row(l.*)::text`+lanesOf+` AND c.external_id = 'c-1'`), before)
	expect(t, "its connection", w.one(`SELECT last_sync_at IS NULL FROM connections WHERE external_id = 'c-1'`), "true")
	expect(t, "the others", w.one(`SELECT count(*)`+lanesOf+` AND c.last_sync_at IS NOT NULL AND l.leased_until IS NULL AND l.due_at > now()`), "2")
}

// TestALaneOfAnOldGenerationIsNotSettled: what was switched off stays off, and
// what was switched on again is looked at anew.
func TestALaneOfAnOldGenerationIsNotSettled(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 3)
	some := w.pulled()
	off, on := false, true
	for _, change := range []struct {
		id   string
		wish *bool
	}{{"c-1", &off}, {"c-2", &off}, {"c-2", &on}} {
		if _, err := w.Store.ChangeConnection(t.Context(), change.id, models.Change{Enabled: change.wish}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.settleTogether(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	expect(t, "off: parked", w.one(`SELECT l.due_at IS NULL AND l.leased_until IS NULL AND c.last_sync_at IS NULL`+lanesOf+` AND c.external_id = 'c-1'`), "true")
	expect(t, "off and on: due", w.one(`SELECT l.due_at <= now() AND l.leased_until IS NULL AND c.last_sync_at IS NULL`+lanesOf+` AND c.external_id = 'c-2'`), "true")
	expect(t, "the other", w.one(`SELECT l.due_at > now()`+lanesOf+` AND c.external_id = 'c-3'`), "true")
}

// TestSettlingWaitsForNoControl: one connection that is being switched off does
// not keep those of others.
func TestSettlingWaitsForNoControl(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 2)
	some := w.pulled()
	err := w.Store.InPgxTx(t.Context(), func(tx pgx.Tx) error {
		if err := models.LockControl.Hold(t.Context(), tx, w.conn); err != nil {
			return err
		}
		return w.settleTogether(t.Context(), some)
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "looked at again", w.one(`SELECT l.due_at <= now() AND l.leased_until IS NULL AND c.last_sync_at IS NULL`+lanesOf+` AND c.external_id = 'c-1'`), "true")
	expect(t, "the other", w.one(`SELECT l.due_at > now()`+lanesOf+` AND c.external_id = 'c-2'`), "true")
}

func TestLanesAreClaimedTheLongestDueFirst(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 4)
	w.exec(`UPDATE lanes l SET due_at = now() - c.id * interval '1 minute' FROM connections c WHERE c.id = l.connection_id AND l.kind = 'incremental'`)
	w.exec(`UPDATE connections SET host = 'gone' WHERE external_id = 'c-4'`) // an adapter that this build does not have
	w.exec(`UPDATE lanes SET leased_until = now() + interval '1 minute' WHERE connection_id = (SELECT id FROM connections WHERE external_id = 'c-3')`)
	lanes, err := w.claimPulls(t.Context(), []string{"memory"}, 1)
	if err != nil || len(lanes) != 1 || *lanes[0].ExternalID != "c-2" {
		t.Fatal(lanes, err)
	}
	rest := w.pulled()
	if len(rest) != 1 || *rest[0].lane.ExternalID != "c-1" || rest[0].lane.Epoch != 1 {
		t.Fatalf("%d lanes", len(rest))
	}
	w.exec(`UPDATE lanes SET leased_until = now() WHERE kind = 'incremental'`)
	w.exec(`UPDATE service SET enabled = false`)
	expect(t, "claimed while the service is off", len(w.pulled()), 0)
	w.exec(`UPDATE service SET enabled = true`)
	expect(t, "claimed again after the leases ended", len(w.pulled()), 3)
}

// gateHost lets one account's pull wait until the gate opens.
type gateHost struct {
	*memoryHost
	slow  string
	gate  chan struct{}
	asked sync.Map // by account: *atomic.Int64
}

func (h *gateHost) Pull(ctx context.Context, a hostapi.Account, _ models.Window, _ hostapi.Cursor) (*hostapi.Page, error) {
	n, _ := h.asked.LoadOrStore(a.HostID, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	if a.HostID == h.slow {
		select {
		case <-h.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &hostapi.Page{}, nil
}

func (h *gateHost) looks(account string) int64 {
	n, ok := h.asked.Load(account)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

// eventually waits for something that happens by itself.
func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("it does not happen: " + what)
		}
	}
}

func (w *world) gated(slow string) *gateHost {
	h := &gateHost{memoryHost: w.host, slow: slow, gate: make(chan struct{})}
	w.Hosts["memory"] = h
	w.Timing.Sweep = 10 * time.Millisecond
	return h
}

// TestASlowLaneHoldsUpNoOther: its job goes on claiming and settling the others.
func TestASlowLaneHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 3)
	w.SyncInterval = 20 * time.Millisecond
	h := w.gated("c-1")
	ended := make(chan error, 1)
	go func() { ended <- w.workLanes(t.Context(), models.LaneIncremental) }()
	w.eventually("the others are looked at again and again", func() bool { return h.looks("c-2") >= 3 && h.looks("c-3") >= 3 })
	expect(t, "the slow one's looks", h.looks("c-1"), 1)
	w.draining.Store(true) // or it would go on until the slice is over
	close(h.gate)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	expect(t, "all settled", w.one(`SELECT count(*)`+lanesOf+` AND l.leased_until IS NULL AND c.last_sync_at IS NOT NULL`), "3")
}

// TestShutdownLosesAndBlamesNobody: what was read is settled, what was cut off
// is looked at again, and no host is said to have failed.
func TestShutdownLosesAndBlamesNobody(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 3)
	h := w.gated("c-1")
	w.Timing.Page = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.workLanes(ctx, models.LaneIncremental) }()
	w.eventually("all are under way", func() bool { return h.looks("c-1")+h.looks("c-2")+h.looks("c-3") == 3 })
	time.Sleep(10 * w.Timing.Page)
	cancel()
	if err := <-ended; err != nil {
		t.Log("a claim was cut off as well: ", err)
	}
	expect(t, "failures told", w.one(`SELECT count(*) FROM failures`), "0")
	expect(t, "counted", w.one(`SELECT sum(l.failures)::int`+lanesOf), "0")
	expect(t, "cut off", w.one(`SELECT l.leased_until IS NULL AND l.due_at <= now() AND c.trouble_since IS NULL`+lanesOf+` AND c.external_id = 'c-1'`), "true")
	expect(t, "read", w.one(`SELECT count(*)`+lanesOf+` AND l.leased_until IS NULL AND l.due_at > now() AND c.last_sync_at IS NOT NULL`), "2")
}

// TestADrainingProcessClaimsNothing: other processes take what is due.
func TestADrainingProcessClaimsNothing(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 2)
	w.exec(`UPDATE lanes SET due_at = now()`)
	w.draining.Store(true)
	w.work(models.LaneIncremental, models.LaneBackfill, models.LaneDelivery, models.LaneReconcile)
	expect(t, "claims", w.one(`SELECT sum(epoch)::int FROM lanes`), "0")
	lanes, err := w.claimPulls(t.Context(), []string{"memory"}, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	p := &pulls{Engine: w.Engine, until: time.Now().Add(time.Minute)}
	p.look(t.Context(), lanes[0])
	expect(t, "one that waited for its turn is given back", w.one(`SELECT count(*)`+lanesOf+` AND l.leased_until IS NULL AND l.due_at <= now()`), "2")
	expect(t, "pulls", w.host.pulls, 0)
}

func TestRunningEndsInDraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.eventually("it works", func() bool { return w.one(`SELECT last_sync_at IS NOT NULL FROM connections`) == "true" })
	expect(t, "draining while it works", w.draining.Load(), false)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	expect(t, "draining", w.draining.Load(), true)
}

// TestRecountsAreClaimedOneAtATime: one takes minutes, and what waits for it
// would be out of others' reach meanwhile.
func TestRecountsAreClaimedOneAtATime(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 2)
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
	most := "0"
	w.Hosts["memory"] = recountingHost{w.host, func() {
		most = max(most, w.one(`SELECT count(*) FROM lanes WHERE kind = 'reconcile' AND leased_until > now()`))
	}}
	w.work(models.LaneReconcile)
	expect(t, "leased at once", most, "1")
	expect(t, "recounted", w.one(`SELECT count(DISTINCT connection_id) FROM recounts`), "2")
}

type recountingHost struct {
	*memoryHost
	before func()
}

func (h recountingHost) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	h.before()
	return h.memoryHost.Recount(ctx, a, w, from)
}

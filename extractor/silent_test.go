package extractor

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// mute is a host that lets everybody wait in vain, and counts who does.
type mute struct {
	sync.Mutex
	asked, waiting, most int
}

func (m *mute) wait(hostapi.Cursor) {
	m.Lock()
	m.asked++
	m.waiting++
	m.most = max(m.most, m.waiting)
	m.Unlock()
	time.Sleep(20 * time.Millisecond)
	m.Lock()
	m.waiting--
	m.Unlock()
}

// count is how many were asked for, and how many at once, since it was last called.
func (m *mute) count() (asked, most int) {
	m.Lock()
	defer m.Unlock()
	asked, most = m.asked, m.most
	m.asked, m.most = 0, 0
	return asked, most
}

func TestASilentHostLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	const crowd = 80
	w := newCrowd(t, crowd)
	other := newMemoryHost()
	w.Hosts["other"] = other
	w.Timing.Silent, w.Timing.First, w.Timing.Sweep = 10*time.Millisecond, time.Hour, time.Millisecond
	for i := range crowd / 2 {
		w.exec(`UPDATE connections SET host = 'other' WHERE external_id = $1`, fmt.Sprint("c-", 2*i+1))
	}
	var mute mute
	w.host.reread = mute.wait
	for range crowd / 2 {
		w.host.fail(models.Errorf(models.Unsure, "Nobody answers."))
	}
	pullAll := func() {
		w.exec(`UPDATE lanes SET due_at = now(), failures = 0 WHERE kind = 'incremental'`)
		w.work(models.LaneIncremental)
	}
	for range silentAfter { // each lane of the silent one fails once, and is due in an hour
		pullAll()
		if w.silence.of("memory") {
			break
		}
	}
	expect(t, "it is noticed", w.silence.of("memory"), true)
	expect(t, "the others were looked at", w.one(`SELECT count(*)`+lanesOf+` AND c.host = 'other' AND c.last_sync_at IS NULL`), "0")

	mute.count()
	w.exec(`UPDATE connections SET last_sync_at = NULL`)
	pullAll()
	asked, most := mute.count()
	expect(t, "the silent one is asked still", asked > 0, true)
	expect(t, "one at a time", most, 1)
	expect(t, "the others are looked at", w.one(`SELECT count(*)`+lanesOf+` AND c.host = 'other' AND c.last_sync_at IS NULL`), "0")
	hosts, _ := w.allowed(models.LaneBackfill)
	expect(t, "hosts whose past is read", fmt.Sprint(hosts), "[other]")
	w.exec(`UPDATE lanes l SET due_at = CASE c.host WHEN 'memory' THEN now() END FROM connections c WHERE c.id = l.connection_id AND l.kind IN ('backfill', 'reconcile')`)
	w.exec(`DELETE FROM river_job`)
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "jobs for its past", w.one(`SELECT count(*) FROM river_job WHERE queue IN ('backfill', 'reconcile')`), "0")

	w.host.mu.Lock()
	w.host.failures = nil
	w.host.mu.Unlock()
	pullAll()
	pullAll() // the first one's answer came late for those that were given back
	expect(t, "all are looked at again", w.one(`SELECT count(*)`+lanesOf+` AND c.last_sync_at IS NULL`), "0")
}

func TestQuickRefusalsMakeNoHostSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	for range 2 * silentAfter {
		w.host.fail(models.Errorf(models.Unavailable, "Not now."))
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
		w.work(models.LaneIncremental)
	}
	expect(t, "silent", w.silence.of("memory"), false)
}

package extractor

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// notice is what a webhook of the accounts leaves, before its answer.
func (w *world) notice(accounts ...string) {
	w.t.Helper()
	if err := w.Store.RecordNotice(w.t.Context(), models.Notice{Host: "memory", Wake: accounts}); err != nil {
		w.t.Fatal(err)
	}
}

// heed does what the sweep does with notices, and works on what is due then.
func (w *world) heed() {
	w.t.Helper()
	w.exec(`UPDATE wakes SET at = now()`) // what was put off is looked at now
	if err := w.wake(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.work(models.LaneIncremental)
}

func (w *world) pulls() int {
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	return w.host.pulls
}

func TestThousandNoticesAreOnePull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	before := w.pulls()
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 125 {
				w.notice("c-1")
			}
		})
	}
	wg.Wait()
	expect(t, "rows", w.one(`SELECT count(*) FROM wakes`), "1")
	w.heed()
	w.heed()
	expect(t, "pulls", w.pulls()-before, 1)
	expect(t, "rows left", w.one(`SELECT count(*) FROM wakes`), "0")
	w.work(models.LaneDelivery)
	expect(t, "delivered", w.cents("sale", "o1"), 700)
	w.notice("c-1", "c-1")
	w.heed()
	expect(t, "pulls within the pause", w.pulls()-before, 1)
	expect(t, "the notice waits", w.one(`SELECT count(*) FROM wakes`), "1")
	w.exec(`UPDATE lanes SET wake_after = now()`) // the pause is over
	w.heed()
	expect(t, "pulls after it", w.pulls()-before, 2)
}

func TestNoticeDuringAPullLeadsToAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Wake = time.Millisecond
	w.pullFor(1)
	before := w.pulls()
	w.notice("c-1")
	w.host.reread = func(hostapi.Cursor) {
		w.host.reread = nil
		w.notice("c-1")
		w.exec(`UPDATE wakes SET at = now()`)
		if err := w.wake(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.heed()
	expect(t, "pulls at first", w.pulls()-before, 1)
	expect(t, "the notice waits", w.one(`SELECT count(*) FROM wakes`), "1")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700}) // too late for that pull
	w.heed()
	expect(t, "pulls in the end", w.pulls()-before, 2)
	w.work()
	expect(t, "delivered", w.cents("sale", "o1"), 700)
}

func TestNoticeWhileTheSweepLooksIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	w.notice("c-1")
	tx, err := w.Store.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	var taken int
	if err := tx.QueryRow(t.Context(), wakeSQL, []string{"memory"}, []time.Duration{0}, 10, time.Second, time.Second).Scan(&taken); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	go func() { defer close(told); w.notice("c-1") }()
	select {
	case <-told:
		t.Error("the notice did not wait for the sweep")
	case <-time.After(100 * time.Millisecond):
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-told
	expect(t, "rows", fmt.Sprint(taken, " ", w.one(`SELECT count(*) FROM wakes`)), "1 1")
}

func TestNoticesWithoutALaneAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.connect("c-2", "2020-01-01")
	w.pullFor(1)
	off := false
	if _, err := w.Store.ChangeConnection(t.Context(), "c-2", models.Change{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	before := w.pulls()
	w.notice("c-2", "nobody", "c-1") // disabled, unknown, and one that works
	if err := w.Store.RecordNotice(t.Context(), models.Notice{Host: "gone", Wake: []string{"c-1"}}); err != nil {
		t.Fatal(err)
	}
	w.heed()
	expect(t, "pulls", w.pulls()-before, 1)
	expect(t, "rows", w.one(`SELECT count(*) FROM wakes`), "0")
}

func TestNoticesWaitForWhatTheHostListsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	w.host.lag = 10 * time.Minute
	w.notice("c-1")
	w.heed()
	due := `SELECT due_at BETWEEN now() + interval '9 minutes' AND now() + interval '11 minutes' FROM lanes WHERE kind = 'incremental'`
	expect(t, "due when the host lists it", w.one(due), "true")
	w.exec(`UPDATE lanes SET due_at = due_at - interval '1 minute' WHERE kind = 'incremental'`)
	at := w.one(`SELECT due_at FROM lanes WHERE kind = 'incremental'`)
	w.notice("c-1")
	w.heed()
	expect(t, "another notice does not put it off", w.one(`SELECT due_at FROM lanes WHERE kind = 'incremental'`), at)
	w.exec(`UPDATE lanes SET due_at = now() - interval '1 second', wake_after = NULL WHERE kind = 'incremental'`)
	w.exec(`UPDATE wakes SET at = now()`)
	if err := w.wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "nor does one that meets an overdue lane", w.one(`SELECT due_at <= now() FROM lanes WHERE kind = 'incremental'`), "true")
	expect(t, "which waits instead", w.one(`SELECT count(*) FROM wakes`), "1")
}

func TestNoticesKeepAwayFromAHostThatAskedForAPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	slow := models.Errorf(models.Throttled, "slow down")
	slow.RetryAfter = time.Hour
	w.host.fail(slow)
	w.pullFor(1)
	before := w.pulls()
	w.notice("c-1")
	w.heed()
	expect(t, "pulls", w.pulls()-before, 0)
	expect(t, "the notice waits", w.one(`SELECT count(*) FROM wakes WHERE at > now() + interval '50 minutes'`), "1")
}

func TestThePrivateAndTheWokenAreOneStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	p := models.PrivacyRequest{Kind: models.PrivacyRedact, Account: "c-1", Records: []string{"b", "a"}}
	twin := models.PrivacyRequest{Kind: models.PrivacyRedact, Account: "c-1", Records: []string{"a", "b", "a"}}
	for range 3 {
		err := w.Store.RecordNotice(t.Context(), models.Notice{Host: "memory", Wake: []string{"c-1"}, Privacy: []models.PrivacyRequest{p, twin}})
		if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "requests", w.one(`SELECT string_agg(kind || ' ' || array_to_string(records, '+'), ', ') FROM privacy_requests`), "redact a+b")
	expect(t, "wakes", w.one(`SELECT count(*) FROM wakes`), "1")
	w.exec(`UPDATE privacy_requests SET done_at = now() - interval '2 days'`)
	if err := w.Store.RecordNotice(t.Context(), models.Notice{Host: "memory", Privacy: []models.PrivacyRequest{p}}); err != nil {
		t.Fatal(err)
	}
	expect(t, "asked again later", w.one(`SELECT count(*) FROM privacy_requests WHERE done_at IS NULL`), "1")
	err := w.Store.RecordNotice(t.Context(), models.Notice{Host: "memory", Wake: []string{"a\x00b"}})
	expect(t, "no text", models.KindOf(err), models.Invalid)
}

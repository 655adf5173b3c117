package extractor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// failOn makes the host fail whenever a cursor is used.
func (w *world) failOn(cursor hostapi.Cursor, err error) (asked *int) {
	asked = new(int)
	w.host.reread = func(from hostapi.Cursor) {
		if from == cursor {
			*asked++
			w.host.fail(err)
		}
	}
	return asked
}

// pullFor works on the incremental lane again and again, as due times come.
func (w *world) pullFor(rounds int) {
	w.t.Helper()
	for range rounds {
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental' AND due_at IS NOT NULL`)
		w.work(models.LaneIncremental)
	}
}

func TestWindowBeginsAnewWhenItsCursorDied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		tries int
	}{
		{models.Errorf(models.Refused, "The cursor is not valid."), cursorTries},
		{models.Errorf(models.Internal, "The cursor is not valid."), cursorTries},
		{models.Errorf(models.Unsure, "A fault of its own."), outageTries},
	} {
		w := newWorld(t, "2020-01-01")
		w.Timing.First = time.Hour
		w.host.pageSize = 2
		for i := range 5 {
			w.host.put(fmt.Sprint("o", i), 1, thing{Key: fmt.Sprint("o", i), Day: today(), Cents: 1})
		}
		asked := w.failOn("2", c.err)
		w.pullFor(c.tries - 1)
		expect(t, "the cursor is tried", w.one(`SELECT cursor FROM lanes WHERE kind = 'incremental'`), "2")
		w.pullFor(1)
		expect(t, "tries", *asked, c.tries)
		expect(t, "the cursor after that", w.one(`SELECT cursor || pages FROM lanes WHERE kind = 'incremental'`), "0")
		expect(t, "it waits", w.one(`SELECT due_at > now() + interval '5 minutes' FROM lanes WHERE kind = 'incremental'`), "true")
		w.host.reread = nil
		w.pullFor(1)
		w.work()
		expect(t, "all of them in the end", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "5")
	}
}

func TestThrottledHostKeepsItsCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.pageSize = 1
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 1})
	slow := models.Errorf(models.Throttled, "slow down")
	slow.RetryAfter = time.Minute
	w.failOn("1", slow)
	w.pullFor(outageTries + 2)
	expect(t, "the cursor", w.one(`SELECT cursor FROM lanes WHERE kind = 'incremental'`), "1")
	expect(t, "later, as it said", w.one(`SELECT due_at > now() + interval '55 seconds' FROM lanes WHERE kind = 'incremental'`), "true")
}

func TestThrottledSpellIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	slow := models.Errorf(models.Throttled, "slow down")
	slow.RetryAfter = time.Minute
	throttle := func() {
		w.host.fail(slow)
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
		w.work(models.LaneIncremental)
	}
	told := func(what, want string) {
		t.Helper()
		expect(t, what+" to the merchant", w.one(`SELECT count(*) FROM activities WHERE action = 'Memory asked us to slow down; sales arrive later, nothing is lost'`), want)
		expect(t, what+" to the consumer", w.one(`SELECT count(*) FROM failures WHERE type = 'INTEGRATION' AND message LIKE 'Connection c-1: Memory asks us to slow down.%'`), want)
	}
	for range 3 {
		throttle()
		w.exec(`UPDATE failures SET at = at - interval '20 minutes'`) // longer than equal lines count as one
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
		w.work(models.LaneIncremental) // a good answer in between does not end it
	}
	told("one spell", "1")
	w.exec(`UPDATE connections SET throttled_until = now() - interval '31 minutes'`)
	throttle()
	told("another spell", "2")
}

func TestOwnQuotaHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	slow := models.Errorf(models.Throttled, "used up").Because(hostapi.ErrOwnQuota)
	slow.RetryAfter = time.Minute
	w.host.fail(slow)
	w.work(models.LaneBackfill)
	expect(t, "the past waits", w.one(`SELECT due_at > now() + interval '50 seconds' AND failures = 0 FROM lanes WHERE kind = 'backfill'`), "true")
	expect(t, "the news does not", w.one(`SELECT due_at <= now() FROM lanes WHERE kind = 'incremental'`), "true")
	expect(t, "told", w.one(`SELECT count(*) FROM activities WHERE action LIKE 'Memory lets us ask only so often%'`), "1")
}

func TestWindowThatGoesInCirclesBeginsAnewLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.pageSize = 0
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.pullFor(1)
	expect(t, "cursor and pages", w.one(`SELECT cursor || pages FROM lanes WHERE kind = 'incremental'`), "0")
	w.host.pageSize = 100
	w.pullFor(1)
	w.work()
	expect(t, "in the end", w.cents("sale", "o1"), 1)
}

func TestFaultsOfOursAreNotTheHostsTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.fail(errors.New("the database does not answer"))
	w.pullFor(1)
	expect(t, "trouble", w.one(`SELECT trouble_since IS NULL FROM connections`), "true")
	expect(t, "told", w.one(`SELECT string_agg(DISTINCT type, ' ') FROM failures`), "SYSTEM")
}

func TestEndOfAJobIsNoFailure(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"shutdown": context.WithCancel,
		"time-out": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 200*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "2020-01-01")
			ctx, cancel := end(t.Context())
			defer cancel()
			w.host.reread = func(hostapi.Cursor) {
				if name == "shutdown" {
					cancel()
				}
				<-ctx.Done()
				w.host.fail(fmt.Errorf("read: %w", ctx.Err()))
			}
			_ = w.workLanes(ctx, models.LaneIncremental)
			expect(t, "failures told", w.one(`SELECT count(*) FROM failures`), "0")
			expect(t, "the lane", w.one(`SELECT failures || ' ' || (leased_until IS NULL) || ' ' || (due_at <= now()) FROM lanes WHERE kind = 'incremental'`), "0 true true")
		})
	}
}

func TestPageThatOutlivesItsJobIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Page = 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	w.host.reread = func(hostapi.Cursor) {
		<-ctx.Done()                  // the job's time is up
		time.Sleep(w.Timing.Page / 2) // and every context made of its has heard of it
		w.host.fail(fmt.Errorf("read: %w", ctx.Err()))
	}
	_ = w.workLanes(ctx, models.LaneIncremental)
	expect(t, "failures", w.one(`SELECT failures FROM lanes WHERE kind = 'incremental'`), "1")
	expect(t, "told", w.one(`SELECT count(*) FROM failures WHERE message LIKE '%takes too long%'`), "1")
}

func TestSliceAndItsLastPageEndBeforeTheJobDoes(t *testing.T) {
	t.Parallel()
	const commit = 5 * time.Second
	if sliceTime+pageTime+commit > jobTimeout || jobTimeout >= rescueTime || pageTime+commit >= leaseTime {
		t.Error("a page at the end of a slice does not fit into its job")
	}
	if verifyEnd >= postingTime || startGrace+25*time.Second > postingTime || verifyStart >= 18*time.Second {
		t.Error("a request outlives its mark, or whoever waits for it")
	}
}

func TestHostIsNotAskedForWhatItForgot(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().AddDate(0, 0, -100)
	w := newWorld(t, start.Format(time.DateOnly))
	w.host.history = 30 * 24 * time.Hour
	w.work(models.LaneBackfill)
	for _, asked := range w.host.asked {
		if asked.From.Before(time.Now().Add(-30*24*time.Hour - time.Minute)) {
			t.Errorf("asked for %s", asked.From)
		}
	}
	expect(t, "windows left", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill' AND done_at IS NULL`), "0")
	expect(t, "told", w.one(`SELECT count(*) FROM activities WHERE action LIKE 'Memory tells nothing that changed before%'`), "1")
}

func TestIncrementalPullOverlapsWhateverTheHostSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.lookback = -1
	w.pullFor(1)
	mark := w.one(`SELECT from_at FROM lanes WHERE kind = 'incremental'`)
	w.pullFor(1)
	last := w.host.asked[len(w.host.asked)-1]
	at, err := time.Parse("2006-01-02 15:04:05.999999 -0700 MST", mark)
	if err != nil {
		t.Fatal(err)
	}
	if overlap := at.Sub(last.From); overlap < leastOverlap {
		t.Errorf("the pull overlaps the last one by %s", overlap)
	}
}

func TestPausedTimeIsReadWhenAuthorisedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	before := w.one(`SELECT from_at FROM lanes WHERE kind = 'incremental'`)
	w.host.fail(models.Errorf(models.Unauthorised, "no"))
	w.pullFor(1)
	expect(t, "parked", w.one(`SELECT count(*) FROM lanes WHERE due_at IS NOT NULL`), "0")
	expect(t, "the mark stays", w.one(`SELECT from_at FROM lanes WHERE kind = 'incremental'`), before)
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.exec(`UPDATE lanes SET from_at = from_at - interval '3 days' WHERE kind = 'incremental'`)
	if _, err := w.Store.Authorize(t.Context(), w.conn, w.grant()); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "in the end", w.cents("sale", "o1"), 1)
}

// grant is the merchant's consent once more.
func (w *world) grant() models.Authorization {
	w.t.Helper()
	w.exec(`INSERT INTO attempts (kind, connection_id, host, state_hash, cookie_hash, expires_at) VALUES ('popup', $1, 'memory', decode(md5(random()::text), 'hex'), 'x', now() + interval '1 hour')`, w.conn)
	id := w.one(`SELECT max(id) FROM attempts`)
	var attempt int64
	if _, err := fmt.Sscan(id, &attempt); err != nil {
		w.t.Fatal(err)
	}
	return models.Authorization{Attempt: attempt, Account: "c-1", Label: "account c-1", Token: models.Token{Access: "new"}}
}

func TestLate401OfTheOldTokenDoesNotStopAConnectionAuthorisedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.host.reread = func(hostapi.Cursor) {
		if _, err := w.Store.Authorize(t.Context(), w.conn, w.grant()); err != nil {
			t.Error(err)
		}
		w.host.reread = nil
		w.host.fail(models.Errorf(models.Unauthorised, "the old token"))
	}
	w.work(models.LaneIncremental)
	expect(t, "authorised", w.one(`SELECT authorized AND active FROM connections`), "true")
}

func TestStatusRecoversFromTroubleThatAnotherLaneSaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.pullFor(1)
	good := w.one(`SELECT status_message FROM connections`)
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.host.reread = func(hostapi.Cursor) { // while the page is read, a backfill fails
		if err := w.Store.Trouble(t.Context(), w.conn); err != nil {
			t.Error(err)
		}
	}
	w.work(models.LaneIncremental)
	expect(t, "status", w.one(`SELECT status_message FROM connections`), good)
}

func TestHousekeepingJobsDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for range 5 { // nobody works on them
		w.exec(`UPDATE service SET care_at = now()`)
		w.exec(`UPDATE lanes SET due_at = now()`)
		if err := w.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "housekeeping", w.one(`SELECT count(*) FROM river_job WHERE queue = 'care'`), "1")
	for kind, s := range shares {
		if n, err := strconv.Atoi(w.one(`SELECT count(*) FROM river_job WHERE queue = $1`, string(kind))); err != nil || n > s.jobs {
			t.Errorf("%s: %d jobs, %v", kind, n, err)
		}
	}
}

func TestRecordIsTriedAgainUntilTheTryWasCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("bad", 1, thing{Key: "bad", Day: today(), Cents: 5, Refuse: "It has no address."})
	w.sync()
	w.host.mapping = 2
	lanes, err := w.connectionsWithOutdated(t.Context(), "memory", 2)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	lanes[0].Generation-- // it was switched off and on meanwhile
	if err := w.retryConnection(t.Context(), lanes[0], w.host); !errors.Is(err, errFenced) {
		t.Fatal(err)
	}
	if err := w.retryOutdated(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "in the end", w.cents("sale", "bad"), 5)
}

func TestDeletedConnectionsAreForgottenInPieces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(3)
	if err := w.Store.DeleteConnection(t.Context(), "c-1", false); err != nil {
		t.Fatal(err)
	}
	if err := w.forgetDeleted(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "payloads", w.one(`SELECT count(*) FROM entries WHERE payload IS NOT NULL`), "0")
	expect(t, "forgotten", w.one(`SELECT count(*) FROM connections WHERE forgotten_at IS NOT NULL`), "1")
}

// TestAConnectionOfADeletedOnesIDWaitsForLateCopies: a request of the deleted
// connection that had no clear answer may take effect after its deletion; what
// the new connection sends must come after it.
func TestAConnectionOfADeletedOnesIDWaitsForLateCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.connect("a", today())
	if err := w.Store.DeleteConnection(t.Context(), "a", false); err != nil {
		t.Fatal(err)
	}
	again, other := w.connect("a", today()), w.connect("b", today())
	off, on := false, true
	for _, wish := range []*bool{&off, &on} { // switching does not shorten the wait
		if _, err := w.Store.ChangeConnection(t.Context(), "a", models.Change{Enabled: wish}); err != nil {
			t.Fatal(err)
		}
	}
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1}) // nor do new sales
	w.pull()
	const waits = `SELECT due_at - (SELECT max(deleted_at) FROM connections) >= $2::interval FROM lanes WHERE connection_id = $1 AND kind = 'delivery'`
	for id, want := range map[int64]bool{again: true, other: false} {
		var got bool
		if err := w.Store.Pool.QueryRow(t.Context(), waits, id, models.QuietTime.String()).Scan(&got); err != nil || got != want {
			t.Errorf("connection %d waits: %t, want %t (%v)", id, got, want, err)
		}
	}
}

// TestAPullEndsAtTheEarlierOfTwoClocks: where the database's clock is ahead, what
// the host lists until then would otherwise count as read.
func TestAPullEndsAtTheEarlierOfTwoClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	lanes, err := w.claim(t.Context(), models.LaneIncremental, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	s, err := w.newSlice(lanes[0], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.lane.To = nil
	for _, ahead := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		s.lane.Now = time.Now().Add(ahead)
		if end := s.window().To; end.After(time.Now()) || end.After(s.lane.Now) {
			t.Errorf("the database is %s ahead: the pull ends %s from now", ahead, time.Until(end))
		}
	}
}

// TestJobsAreDueByTheDatabasesClock: a process whose clock is ahead dates them later.
func TestJobsAreDueByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.exec(`INSERT INTO river_job (kind, queue, args, max_attempts, state, scheduled_at)
		VALUES ('lanes', 'elsewhere', '{}', 1, 'available', now() + interval '2 hours')`)
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "jobs of the sweep and the one before", w.one(`SELECT (count(*) > 1)::text || ' ' || count(*) FILTER (WHERE scheduled_at > now())
		FROM river_job WHERE state = 'available'`), "true 0")
}

package extractor

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

// always makes the target answer every request by f.
func (m *memoryTarget) always(f func(items []models.Item) (bool, targetapi.Receipt, error)) {
	m.script = nil
	for range 10_000 {
		m.script = append(m.script, f)
	}
}

func TestAnswerThatNamesAStrangerIsSearchedByHalves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(16)
	w.target.always(func(items []models.Item) (bool, targetapi.Receipt, error) {
		for _, item := range items {
			if item.Key == "o0005" {
				return false, targetapi.Receipt{Refused: map[models.Ref]string{{Kind: "sale", Key: "nobody"}: "who?"}}, nil
			}
		}
		return true, targetapi.Receipt{Taken: true}, nil
	})
	w.settleDown()
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "15")
	expect(t, "bad", w.one(`SELECT string_agg(key, ' ') FROM entries WHERE state = 'bad'`), "o0005")
	if n := len(w.target.requests); n > 15 {
		t.Errorf("%d requests", n)
	}
}

func TestTargetThatTakesNothingIsAskedLessAndLessOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Resend = time.Minute
	w.offer(120)
	w.target.always(func([]models.Item) (bool, targetapi.Receipt, error) {
		return false, targetapi.Receipt{ReadBack: true}, unsure()
	})
	for round := 1; round <= 4; round++ {
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.work(models.LaneDelivery)
		expect(t, "requests", len(w.target.requests), round)
		expect(t, "failures", w.one(`SELECT failures FROM lanes WHERE kind = 'delivery'`), fmt.Sprint(round))
	}
	expect(t, "it waits", w.one(`SELECT due_at > now() + interval '3 minutes' FROM lanes WHERE kind = 'delivery'`), "true")
	expect(t, "told", w.one(`SELECT count(*) FROM failures WHERE message LIKE '%does not have all items%'`), "1")
	w.target.script = nil
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
	w.settleDown()
	expect(t, "in the end", w.one(`SELECT count(*) FROM entries WHERE state = 'sent' AND verify_after IS NULL`), "120")
}

func TestItemThatTheTargetLosesAgainAndAgainIsSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(3)
	w.target.always(func(items []models.Item) (bool, targetapi.Receipt, error) {
		kept := 0
		for i, item := range items {
			if item.Key != "o0001" {
				w.target.apply("c-1", items[i:i+1])
				kept++
			}
		}
		if kept < len(items) {
			return false, targetapi.Receipt{ReadBack: true}, unsure()
		}
		return false, targetapi.Receipt{Taken: true}, nil
	})
	for round := range missedRounds + 2 { // something else comes with it each time
		key := fmt.Sprint("n", round)
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 100})
		w.pull()
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.work(models.LaneDelivery)
	}
	w.settleDown()
	expect(t, "bad", w.one(`SELECT string_agg(key, ' ') FROM entries WHERE state = 'bad'`), "o0001")
	expect(t, "open bad items", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "1")
	expect(t, "the others", w.one(`SELECT count(*) FROM entries WHERE state <> 'sent'`), "1")
}

func TestTargetThatCannotBeReadHoldsUpNoDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Quiet = time.Second // longer than the rounds below take on a busy machine
	w.offer(120)
	w.target.unread = models.Errorf(models.Unsure, "It cannot be read.")
	w.target.answer(true, unsure())
	w.work(models.LaneDelivery)
	time.Sleep(5 * time.Millisecond)
	w.work(models.LaneDelivery) // taken, and to be read back
	time.Sleep(2 * w.Timing.Quiet)
	w.host.put("new", 1, thing{Key: "new", Day: today(), Cents: 7})
	w.pull()
	for range 3 {
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.work(models.LaneDelivery)
	}
	expect(t, "what is new", w.cents("sale", "new"), 7)
	if w.target.looks > 10 {
		t.Errorf("it was asked %d times", w.target.looks)
	}
	w.target.unread = nil
	w.settleDown()
	expect(t, "left to verify", w.one(`SELECT count(*) FROM entries WHERE verify_after IS NOT NULL`), "0")
}

func TestItemThatIsNeverAnsweredMakesRoomForTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Anew = time.Hour
	w.offer(8)
	w.target.always(func(items []models.Item) (bool, targetapi.Receipt, error) {
		for _, item := range items {
			if item.Key == "o0000" {
				return false, targetapi.Receipt{}, unsure()
			}
		}
		return true, targetapi.Receipt{Taken: true}, nil
	})
	for range 100 {
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.work(models.LaneDelivery)
		if w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`) == "7" {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	expect(t, "the others", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "7")
	w.work(models.LaneDelivery)
	expect(t, "it has another turn later", w.one(`SELECT deliver_after > now() + interval '50 minutes' FROM entries WHERE state = 'pending'`), "true")
	w.target.script = nil
	w.exec(`UPDATE entries SET deliver_after = now()`)
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
	w.settleDown()
	expect(t, "in the end", w.cents("sale", "o0000"), 100)
}

func TestNewSalesDoNotWaitForOneThatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Anew = time.Hour
	w.offer(1)
	w.target.always(func(items []models.Item) (bool, targetapi.Receipt, error) {
		if items[0].Key == "o0000" {
			return false, targetapi.Receipt{}, unsure()
		}
		return true, targetapi.Receipt{Taken: true}, nil
	})
	const rests = `SELECT due_at > now() + interval '20 minutes' FROM lanes WHERE kind = 'delivery'`
	for rounds := 0; w.one(rests) != "true"; rounds++ {
		if rounds > 100 {
			t.Fatal("the lane does not rest")
		}
		w.work(models.LaneDelivery)
		time.Sleep(2 * time.Millisecond)
	}
	w.host.put("new", 1, thing{Key: "new", Day: today(), Cents: 7})
	w.pull()
	w.work(models.LaneDelivery)
	expect(t, "the new one", w.cents("sale", "new"), 7)
	expect(t, "the other", w.cents("sale", "o0000"), -1)
	expect(t, "the lane rests again", w.one(rests), "true")
	// After a failure new sales wait as well: the target needs air.
	w.Timing.Resend = time.Hour
	w.target.script = nil
	w.target.answer(false, models.Errorf(models.Unavailable, "down"))
	for _, key := range []string{"late", "later"} {
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 7})
		w.pull()
		w.work(models.LaneDelivery)
	}
	expect(t, "the pause after a failure", w.one(`SELECT due_at > now() + interval '5 minutes' FROM lanes WHERE kind = 'delivery'`), "true")
}

func TestUnclearBatchFollowsARename(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(2)
	w.Timing.Resend = time.Hour
	w.target.answer(true, unsure())
	w.work(models.LaneDelivery)
	w.Timing.Resend = time.Millisecond
	w.target.items["c-new"] = w.target.items["c-1"]
	off, on, id := false, true, "c-new"
	for _, ch := range []models.Change{{Enabled: &off}, {ExternalID: &id}} {
		if _, err := w.Store.ChangeConnection(t.Context(), "c-1", ch); err != nil {
			t.Fatal(err)
		}
	}
	w.host.put("o0000", 2, thing{Key: "o0000", Day: today(), Cents: 500})
	w.work()
	expect(t, "requests while off", len(w.target.requests), 1)
	if _, err := w.Store.ChangeConnection(t.Context(), id, models.Change{Enabled: &on}); err != nil {
		t.Fatal(err)
	}
	w.sync()
	w.settleDown()
	again := w.target.requests[1]
	expect(t, "the same bytes", again.body, w.target.requests[0].body)
	expect(t, "under the new name", again.connection, id)
	expect(t, "newer content in the end", w.cents("sale", "o0000"), 500)
}

func TestAnswersThatRefuseEndARunOfFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(2)
	w.exec(`UPDATE service SET target_failing_since = now() - interval '50 minutes', doubted_at = now() - interval '2 days'`)
	w.target.script = append(w.target.script, func(items []models.Item) (bool, targetapi.Receipt, error) {
		return false, targetapi.Receipt{Refused: map[models.Ref]string{items[0].Ref(): "no", items[1].Ref(): "no"}}, nil
	})
	w.settleDown()
	expect(t, "the run", w.one(`SELECT coalesce(target_failing_since, doubted_at) IS NULL FROM service`), "true")
}

func TestMarkCountsFromBeforeItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(1)
	lanes, err := w.claim(t.Context(), models.LaneDelivery, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	d := w.newDelivery(lanes[0], time.Now().Add(time.Minute))
	begun := time.Now()
	b, err := d.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b.marked.Before(begun) || time.Now().Before(b.marked) {
		t.Error("the mark is not of now")
	}
	expect(t, "it lasts", w.one(`SELECT posting_until > clock_timestamp() + interval '25 seconds' FROM batches`), "true")
}

func TestNewSalesAreDeliveredWhateverTheDelayOfParking(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { // a worker that delivers and parks all the time
		for {
			select {
			case <-stop:
				return
			default:
				if err := w.workLanes(t.Context(), models.LaneDelivery); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 30 {
		key := fmt.Sprint("o", i)
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 1})
		w.pull()
	}
	close(stop)
	wg.Wait()
	expect(t, "parked with something to do", w.one(`SELECT EXISTS (SELECT 1 FROM entries WHERE state = 'pending')
		AND NOT EXISTS (SELECT 1 FROM lanes WHERE kind = 'delivery' AND due_at <= now())`), "false")
}

func TestTwoClaimersKeepToTheParallelLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.connect("c-2", "2020-01-01")
	var wg sync.WaitGroup
	var mu sync.Mutex
	claimed := map[int64]int{}
	for range 8 {
		wg.Go(func() {
			lanes, err := w.claim(t.Context(), models.LaneBackfill, 3)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, l := range lanes {
				claimed[l.Connection]++
			}
		})
	}
	wg.Wait()
	for connection, n := range claimed {
		if n > 2 {
			t.Errorf("connection %d has %d lanes under way", connection, n)
		}
	}
	w.exec(`UPDATE service SET pause = 'x'`)
	w.exec(`UPDATE lanes SET leased_until = NULL`)
	lanes, err := w.claim(t.Context(), models.LaneBackfill, 3)
	if err != nil || len(lanes) > 0 {
		t.Errorf("claimed while paused: %d, %v", len(lanes), err)
	}
}

func TestDueLanesAreFoundByTheirIndexAmongMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.exec(`INSERT INTO connections (host, external_id, start_date, authorized, wish) SELECT 'memory', 'm' || n, '2026-01-01', true, 'on' FROM generate_series(1, 30000) n`)
	w.exec(`INSERT INTO lanes (connection_id, kind, from_at, due_at) SELECT id, k, now(), CASE WHEN id % 300 = 0 AND k = 'incremental' THEN now() WHEN k = 'delivery' THEN NULL ELSE now() + interval '1 hour' END
		FROM connections, unnest(ARRAY['incremental', 'delivery', 'reconcile']) k WHERE external_id LIKE 'm%'`)
	w.exec(`ANALYZE`)
	hosts, parallel := w.allowed(models.LaneReconcile)
	w.byIndex("lanes_due", claimSQL, models.LaneReconcile, 1, w.Timing.Lease, hosts, parallel)
	w.byIndex("lanes_due", pullsSQL, 128, hosts, w.Timing.Lease)
	w.exec(`UPDATE lanes SET due_at = now() - random() * interval '1 hour' WHERE kind = 'incremental'`)
	for _, fresh := range []bool{false, true} { // statistics
		if fresh {
			w.exec(`ANALYZE`)
		}
		w.byIndex("lanes_due", pullsSQL, 128, hosts, w.Timing.Lease)
	}
}

// byIndex fails when a statement reads all lanes, or all connections.
func (w *world) byIndex(index, sql string, args ...any) {
	w.t.Helper()
	rows, err := w.Store.Pool.Query(w.t.Context(), `EXPLAIN ANALYZE `+sql, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			w.t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	w.t.Log(plan.String())
	if strings.Contains(plan.String(), "Seq Scan on lanes") || strings.Contains(plan.String(), "Seq Scan on connections") || !strings.Contains(plan.String(), index) {
		w.t.Error(plan.String())
	}
}

// TestCulpritIsFoundHoweverFewRequestsASliceHas: each slice is over after one.
func TestCulpritIsFoundHoweverFewRequestsASliceHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(16)
	w.target.refuse = func(i models.Item) bool { return i.Key == "o0000" }
	for w.one(`SELECT count(*) FROM entries WHERE state = 'pending'`) != "0" {
		if len(w.target.requests) > 30 {
			t.Fatal("it is never found: ", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), " sent")
		}
		lanes, err := w.claim(t.Context(), models.LaneDelivery, 1)
		if err != nil || len(lanes) != 1 {
			t.Fatal(lanes, err)
		}
		w.finish(t.Context(), lanes[0], targetSide, w.newDelivery(lanes[0], time.Now()).deliver(t.Context()))
	}
	expect(t, "bad", w.one(`SELECT string_agg(key, ' ') FROM entries WHERE state = 'bad'`), "o0000")
}

package extractor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

// offer puts n sales of a dollar each into the ledger, without delivering them.
func (w *world) offer(n int) {
	w.t.Helper()
	for i := range n {
		key := fmt.Sprintf("o%04d", i)
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 100})
	}
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
}

// settleDown works on deliveries until nothing is due any more, waiting out
// the shortened timers.
func (w *world) settleDown() {
	w.t.Helper()
	for range 400 {
		w.work(models.LaneDelivery)
		if w.one(`SELECT count(*) FROM lanes WHERE kind = 'delivery' AND due_at IS NOT NULL`) == "0" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("deliveries do not come to rest: ", w.one(`SELECT string_agg(kind||' '||due_at||' '||failures, ';') FROM lanes WHERE due_at IS NOT NULL`))
}

func unsure() error { return models.Errorf(models.Unsure, "TrustFile did not answer in time.") }

func TestUnclearAnswerIsFollowedByTheSameBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(3)
	w.target.answer(true, unsure())
	w.work(models.LaneDelivery)
	// A newer version arrives while the outcome is unknown.
	w.host.put("o0001", 2, thing{Key: "o0001", Day: today(), Cents: 777})
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
	w.settleDown()
	expect(t, "same bytes again", w.target.requests[1].body, w.target.requests[0].body)
	expect(t, "newer content in the end", w.cents("sale", "o0001"), 777)
	expect(t, "effects", w.effects("sale", "o0001"), 2)
	expect(t, "nothing left to verify", w.one(`SELECT count(*) FROM entries WHERE verify_after IS NOT NULL OR state <> 'sent'`), "0")
}

func TestNewerContentWaitsForTheQuietTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Quiet = time.Hour
	w.offer(1)
	w.target.answer(false, unsure())
	w.work(models.LaneDelivery)
	w.host.put("o0000", 2, thing{Key: "o0000", Day: today(), Cents: 777})
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
	time.Sleep(5 * time.Millisecond)
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
	w.work(models.LaneDelivery)
	expect(t, "requests", len(w.target.requests), 2)
	expect(t, "at the target meanwhile", w.cents("sale", "o0000"), 100)
	expect(t, "the lane waits", w.one(`SELECT due_at > now() + interval '50 minutes' FROM lanes WHERE kind = 'delivery'`), "true")
}

func TestLateCopyOfAnOldRequestIsRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Quiet = time.Second // the copy comes before it is over, on a busy machine too
	w.offer(1)
	w.target.answer(false, unsure())
	w.work(models.LaneDelivery)
	time.Sleep(5 * time.Millisecond)
	w.work(models.LaneDelivery) // the second request is taken
	w.target.apply("c-1", []models.Item{{Kind: "sale", Key: "o0000", Sale: &models.Sale{SalesAmount: 1}}})
	w.settleDown()
	expect(t, "after the read-back", w.cents("sale", "o0000"), 100)
}

func TestCulpritsAreSetAsideAndTheRestSentAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(1000)
	bad := models.Ref{Kind: "sale", Key: "o0500"}
	w.target.script = append(w.target.script, func([]models.Item) (bool, targetapi.Receipt, error) {
		return false, targetapi.Receipt{Refused: map[models.Ref]string{bad: "salesTax is not a number"}}, nil
	})
	w.settleDown()
	expect(t, "requests", len(w.target.requests), 2)
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "999")
	expect(t, "bad", w.at("sale", "o0500"), "bad: salesTax is not a number")
	n, err := w.RetryBadItems(t.Context(), w.conn)
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.settleDown()
	expect(t, "after the retry", w.cents("sale", "o0500"), 100)
	expect(t, "open bad items", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "0")
}

func TestCulpritWithoutAPathIsFoundByHalves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(1000)
	w.target.refuse = func(i models.Item) bool { return i.Key == "o0777" }
	w.settleDown()
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "999")
	expect(t, "bad", w.one(`SELECT string_agg(key, ' ') FROM entries WHERE state = 'bad'`), "o0777")
	if n := len(w.target.requests); n > 20 {
		t.Errorf("%d requests to find one in a thousand", n)
	}
}

func TestBatchThatAlwaysTimesOutIsHalvedAndGrowsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(40)
	for range 6 {
		w.target.answer(false, unsure())
	}
	w.settleDown()
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "40")
	expect(t, "limit in the end", w.one(`SELECT coalesce(batch_limit, 1000) >= 20 FROM lanes WHERE kind = 'delivery'`), "true")
	smallest := 1000
	for _, r := range w.target.requests {
		smallest = min(smallest, r.items)
	}
	expect(t, "smallest batch", smallest, 10)
}

func TestTooLargeABatchIsMadeSmaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(10)
	w.target.answer(false, models.Errorf(models.TooLarge, "too large"))
	w.settleDown()
	expect(t, "second request", w.target.requests[1].items, 5)
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "10")
}

func TestRefusedTokenPausesTheServiceOnTheSecondAnswerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.First = time.Hour // the test says when it is time again
	again := func() {
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.work(models.LaneDelivery)
	}
	w.offer(1)
	w.target.answer(false, models.Errorf(models.Unauthorised, "no"))
	w.work(models.LaneDelivery)
	expect(t, "after one", w.one(`SELECT pause FROM service`), "")
	w.target.answer(false, models.Errorf(models.Unauthorised, "no"))
	time.Sleep(60 * time.Millisecond)
	again()
	expect(t, "after two", w.one(`SELECT pause FROM service`), models.PauseTokenRefused)
	expect(t, "told", w.one(`SELECT count(*) FROM failures WHERE type = 'SYSTEM' AND message LIKE '%EXTRACTOR_TO_AVALARA_TOKEN%'`), "1")
	time.Sleep(60 * time.Millisecond)
	again()
	expect(t, "requests while paused", len(w.target.requests), 2)
	if err := w.probeService(t.Context()); err != nil { // the target tells nothing of itself, so the pause is lifted
		t.Fatal(err)
	}
	again()
	expect(t, "after it was mended", w.cents("sale", "o0000"), 100)
}

func TestUnknownConnectionIsPausedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.connect("c-2", "2020-01-01")
	w.offer(1)
	w.target.script = append(w.target.script, func([]models.Item) (bool, targetapi.Receipt, error) {
		return false, targetapi.Receipt{}, models.Errorf(models.NotFound, "unknown")
	})
	w.settleDown()
	expect(t, "paused", w.one(`SELECT count(*) FROM connections WHERE pause = $1 AND NOT enabled`, models.PauseUnknownTarget), "1")
	expect(t, "the other works", w.one(`SELECT count(*) FROM connections WHERE active`), "1")
}

func TestNoRequestStartsAfterDeleteWasAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(2500)
	var mu sync.Mutex
	var deleted time.Time
	var late int
	w.target.before = func() {
		mu.Lock()
		if !deleted.IsZero() {
			late++
		}
		mu.Unlock()
		time.Sleep(100 * time.Millisecond)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(150 * time.Millisecond) // in the middle of the second batch
		if err := w.Store.DeleteConnection(context.Background(), "c-1", false); err != nil {
			t.Error(err)
		}
		mu.Lock()
		deleted = time.Now()
		mu.Unlock()
	})
	w.work(models.LaneDelivery)
	wg.Wait()
	w.work(models.LaneDelivery)
	expect(t, "requests after the answer", late, 0)
	if n := len(w.target.requests); n == 0 || n > 2 {
		t.Errorf("%d requests, of which the deletion should have let one or two through", n)
	}
}

func TestTwoWorkersShareWithoutOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	second, err := New(w.Options)
	if err != nil {
		t.Fatal(err)
	}
	w.offer(3000)
	var wg sync.WaitGroup
	for _, e := range []*Engine{w.Engine, second} {
		wg.Go(func() {
			for range 20 {
				if err := e.workLanes(context.Background(), models.LaneDelivery); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.settleDown()
	expect(t, "requests", len(w.target.requests), 3)
	expect(t, "effects", len(w.target.history), 3000)
}

func TestZombieThatWakesUpWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(1)
	lanes, err := w.claim(t.Context(), models.LaneDelivery, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	zombie := w.newDelivery(lanes[0], time.Now().Add(time.Minute))
	b, err := zombie.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE lanes SET leased_until = now() - interval '1 second'`) // it slept through its lease
	w.settleDown()
	expect(t, "the other worker's content", w.cents("sale", "o0000"), 100)
	err = zombie.settle(t.Context(), b, targetapi.Receipt{}, models.Errorf(models.Refused, "no"))
	if !errors.Is(err, errFenced) {
		t.Errorf("the zombie settled: %v", err)
	}
	b.marked = b.marked.Add(-time.Minute)
	requests := len(w.target.requests)
	if err := zombie.post(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	expect(t, "requests of the zombie", len(w.target.requests), requests)
	expect(t, "entry", w.at("sale", "o0000"), "sent")
}

func TestHostErrorsAreReactedToByKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind                  models.Kind
		wait                  time.Duration
		authorized, told, due string
	}{
		{models.Unauthorised, 0, "false", "CONNECTION: %Reauthorise%", "parked"},
		{models.Throttled, time.Hour, "true", "INTEGRATION: %slow down%", "later"},
		{models.Unavailable, 0, "true", "INTEGRATION: %", "later"},
		{models.Unsure, 0, "true", "INTEGRATION: %", "later"},
		{models.Internal, 0, "true", "SYSTEM: %", "later"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "2020-01-01")
			w.Timing.First = time.Hour
			e := models.Errorf(c.kind, "It is off.")
			e.RetryAfter = c.wait
			w.host.fail(e)
			w.work(models.LaneIncremental)
			expect(t, "authorized", w.one(`SELECT authorized FROM connections`), c.authorized)
			kind, like, _ := strings.Cut(c.told, ": ")
			expect(t, "told", w.one(`SELECT count(*) FROM failures WHERE type = $1 AND message ILIKE $2`, kind, like), "1")
			expect(t, "due", w.one(`SELECT CASE WHEN due_at IS NULL THEN 'parked' WHEN due_at > now() THEN 'later' ELSE 'now' END FROM lanes WHERE kind = 'incremental'`), c.due)
			expect(t, "status", w.one(`SELECT status_message <> '' FROM connections`), "true")
		})
	}
}

func TestFewerProcessedThanSentAreReadBackAndTheMissingSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(5)
	w.target.script = append(w.target.script, func(items []models.Item) (bool, targetapi.Receipt, error) {
		w.target.apply("c-1", items[:3])
		return false, targetapi.Receipt{ReadBack: true}, unsure()
	})
	w.settleDown()
	expect(t, "second request", w.target.requests[1].items, 2)
	expect(t, "sent", w.one(`SELECT count(*) FROM entries WHERE state = 'sent' AND verify_after IS NULL`), "5")
}

// TestTurnsThatCommitLateAreNotPassedOver: a page takes its turns, then others
// take theirs and are delivered, and only then the page is committed.
func TestTurnsThatCommitLateAreNotPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(3)
	w.settleDown()
	w.exec(`UPDATE lanes SET settled_seq = (SELECT last_value + 100 FROM entry_seq) WHERE kind = 'delivery'`)
	w.host.put("late", 1, thing{Key: "late", Day: today(), Cents: 100})
	w.sync()
	expect(t, "the late one", w.at("sale", "late"), "sent")
	expect(t, "the mark", w.one(`SELECT settled_seq <= (SELECT last_value FROM entry_seq) FROM lanes WHERE kind = 'delivery'`), "true")
}

// TestRestOfARefusedBatchComesFirst: what the target did not name is sent at
// once, before whatever was never tried.
func TestRestOfARefusedBatchComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(5)
	w.exec(`UPDATE lanes SET batch_limit = 2 WHERE kind = 'delivery'`)
	w.target.always(func(items []models.Item) (bool, targetapi.Receipt, error) {
		for _, item := range items {
			if item.Key == "o0000" {
				return false, targetapi.Receipt{Refused: map[models.Ref]string{item.Ref(): "no"}}, nil
			}
		}
		return true, targetapi.Receipt{Taken: true}, nil
	})
	w.settleDown()
	if second := w.target.requests[1].body; !strings.Contains(second, "o0001") {
		t.Errorf("the second request is %s", second)
	}
}

// TestNewerContentWaitsAlsoWhenTheTargetTurnsTheSameBytesDown: the first copy of
// the bytes may take effect late whatever the answer to the second one is.
func TestNewerContentWaitsAlsoWhenTheTargetTurnsTheSameBytesDown(t *testing.T) {
	t.Parallel()
	tooLarge := models.Errorf(models.TooLarge, "too large")
	for name, second := range map[string]struct {
		receipt targetapi.Receipt
		err     error
	}{
		"too large":        {err: tooLarge},
		"refuses an item":  {receipt: targetapi.Receipt{Refused: map[models.Ref]string{{Kind: "sale", Key: "o0001"}: "no"}}},
		"refuses some":     {err: models.Errorf(models.Refused, "one of them")},
		"takes only some":  {receipt: targetapi.Receipt{ReadBack: true}, err: unsure()},
		"does not say why": {err: models.Errorf(models.Unavailable, "not now")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "2020-01-01")
			w.Timing.Quiet = time.Hour
			w.offer(3)
			w.target.answer(false, unsure())
			w.target.script = append(w.target.script, func([]models.Item) (bool, targetapi.Receipt, error) { return false, second.receipt, second.err })
			w.work(models.LaneDelivery)
			w.host.put("o0000", 2, thing{Key: "o0000", Day: today(), Cents: 777})
			w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
			w.work(models.LaneIncremental)
			for range 3 {
				time.Sleep(5 * time.Millisecond)
				w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
				w.work(models.LaneDelivery)
			}
			for i, r := range w.target.requests {
				if strings.Contains(r.body, "777") || strings.Contains(r.body, "7.77") {
					t.Errorf("request %d carries the newer content", i+1)
				}
			}
			expect(t, "the newer content is kept", w.one(`SELECT sales_amount FROM entries WHERE key = 'o0000' AND state = 'pending'`), "777")
		})
	}
}

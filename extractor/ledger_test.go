package extractor

import (
	"fmt"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestSaleTravelsOnceAndUnchangedContentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1234})
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 1234)
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 1234})
	w.sync()
	expect(t, "requests", len(w.target.requests), 1)
	w.host.put("o1", 3, thing{Key: "o1", Day: today(), Cents: 999})
	w.sync()
	expect(t, "after a change", w.cents("sale", "o1"), 999)
	expect(t, "effects", w.effects("sale", "o1"), 2)
}

func TestOlderReadingNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 200})
	w.sync()
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100}) // another lane's late page
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 200)
	expect(t, "effects", w.effects("sale", "o1"), 1)
}

func TestVersionIsRememberedOfARecordThatYieldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 2)
	w.sync()
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), -1)
}

func TestVersionCountsAlsoWhenContentIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for version, cents := range []models.Amount{1: 100, 3: 100} {
		if cents > 0 {
			w.host.put("o1", version, thing{Key: "o1", Day: today(), Cents: cents})
			w.sync()
		}
	}
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 555})
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 100)
}

func TestCancelledInAnOpenMonthBecomesZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.sync()
	w.host.put("o1", 2)
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 0)
	if got := w.target.history[1].sale.ReviewMessage; got == "" {
		t.Error("a zeroed item is not marked for review")
	}
	w.host.put("o1", 3)
	w.sync()
	expect(t, "effects after another empty version", w.effects("sale", "o1"), 2)
	w.host.put("o1", 4, thing{Key: "o1", Day: today(), Cents: 100})
	w.sync()
	expect(t, "wanted again", w.cents("sale", "o1"), 100)
}

func TestCancelledAfterTheMonthClosedIsTakenBackByARefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: closed(), Cents: 100})
	w.sync()
	for round := 1; round <= 2; round++ {
		w.host.put("o1", 2*round)
		w.sync()
		expect(t, "the sale itself", w.cents("sale", "o1"), 100)
		expect(t, "the reversal", w.cents("refund", "o1"+reversalSuffix), 100)
		w.host.put("o1", 2*round+1, thing{Key: "o1", Day: closed(), Cents: 100})
		w.sync()
		expect(t, "the sale when wanted again", w.cents("sale", "o1"), 100)
		expect(t, "the reversal then", w.cents("refund", "o1"+reversalSuffix), 0)
	}
	expect(t, "effects of the sale", w.effects("sale", "o1"), 1)
}

func TestRefundThatVanishesIsTakenBackByASale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	sale, refund := thing{Key: "o1", Day: closed(), Cents: 100}, thing{Kind: models.KindRefund, Key: "o1-r1", Day: closed(), Cents: 40}
	w.host.put("o1", 1, sale, refund)
	w.sync()
	w.host.put("o1", 2, sale)
	w.sync()
	expect(t, "the reversal", w.cents("sale", "o1-r1"+reversalSuffix), 40)
}

func TestWhatWasNeverSentIsNotTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
	w.host.put("o1", 2)
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), -1)
	expect(t, "entry", w.at("sale", "o1"), "skipped: gone before it was sent")
}

func TestSkippedItemsAreCountedAndTakenBackWhenTheyWereSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("t1", 1, thing{Key: "t1", Day: today(), Cents: 100, Skip: "test order"})
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.sync()
	expect(t, "entry", w.at("sale", "t1"), "skipped: test order")
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 100, Skip: "voided"})
	w.sync()
	expect(t, "skipped after it was sent", w.cents("sale", "o1"), 0)
}

func TestStartDateDecidesByTransactionDay(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().AddDate(0, 0, -10)
	w := newWorld(t, start.Format(time.DateOnly))
	before := start.AddDate(0, 0, -1).Format(time.DateOnly)
	w.host.put("old", 1, thing{Key: "old", Day: before, Cents: 100}, thing{Kind: models.KindRefund, Key: "old-r1", Day: today(), Cents: 30})
	w.sync()
	expect(t, "the sale before", w.at("sale", "old"), "skipped: "+models.SkipBeforeStart)
	expect(t, "its refund after", w.cents("refund", "old-r1"), 30)

	earlier := start.AddDate(0, 0, -20)
	if _, err := w.Store.ChangeConnection(t.Context(), "c-1", models.Change{StartDate: &earlier}); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "the sale after the start date moved earlier", w.cents("sale", "old"), 100)

	later := start.AddDate(0, 0, 5)
	if _, err := w.Store.ChangeConnection(t.Context(), "c-1", models.Change{StartDate: &later}); err != nil {
		t.Fatal(err)
	}
	w.host.put("old", 2, thing{Key: "old", Day: before, Cents: 110}, thing{Kind: models.KindRefund, Key: "old-r1", Day: today(), Cents: 30})
	w.sync()
	expect(t, "what was sent once is kept up to date", w.cents("sale", "old"), 110)
}

func TestEarlierStartDateReadsOnlyTheGap(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().AddDate(0, -2, 0)
	w := newWorld(t, start.Format(time.DateOnly))
	w.work()
	earlier := start.AddDate(0, 0, -30)
	if _, err := w.Store.ChangeConnection(t.Context(), "c-1", models.Change{StartDate: &earlier}); err != nil {
		t.Fatal(err)
	}
	got := w.one(`SELECT count(*) || ' ' || (max(to_at) <= min(c.created_at) - interval '50 days') FROM lanes l JOIN connections c ON c.id = l.connection_id WHERE l.kind = 'backfill' AND done_at IS NULL`)
	expect(t, "open windows, all in the gap", got, "3 true")
}

func TestRefusedRecordIsKeptAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("bad", 1, thing{Key: "bad", Day: today(), Cents: 5, Refuse: "It has no address."})
	w.host.put("good", 1, thing{Key: "good", Day: today(), Cents: 6})
	w.sync()
	w.sync() // the overlap reads it again; it stays one bad item
	expect(t, "the good one", w.cents("sale", "good"), 6)
	expect(t, "open bad items", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL AND body IS NOT NULL AND friendly_message = 'It has no address.'`), "1")
	w.host.mapping = 2 // which can read it
	if err := w.retryOutdated(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "after the mapping was corrected", w.cents("sale", "bad"), 5)
	expect(t, "open bad items then", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "0")
	expect(t, "bodies kept", w.one(`SELECT count(*) FROM bad_items WHERE body IS NOT NULL`), "0")
}

func TestPageAndPositionAreCommittedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.pageSize = haulRecords // so that each page is a commit
	for i := range 2*haulRecords + 500 {
		key := fmt.Sprintf("o%04d", i)
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 1})
	}
	w.host.reread = func(from hostapi.Cursor) {
		if from == "1000" { // another worker takes the lane while the second page is read
			for w.one(`SELECT count(*) FROM entries`) == "0" {
				time.Sleep(time.Millisecond) // the first page is being committed
			}
			w.exec(`UPDATE lanes SET epoch = epoch + 1, leased_until = now() + interval '1 minute' WHERE kind = 'incremental'`)
		}
	}
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
	expect(t, "entries of the first page only", w.one(`SELECT count(*) FROM entries`), "1000")
	expect(t, "position after the first page", w.one(`SELECT cursor FROM lanes WHERE kind = 'incremental'`), "1000")
	w.host.reread = nil
	w.exec(`UPDATE lanes SET leased_until = NULL`)
	w.sync()
	expect(t, "all of them", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "2500")
}

// TestAPageThatACrashUndidIsReadAgain undoes a commit behind the back of the
// worker that made it, as a crash of Postgres may undo one that is not on disk yet.
func TestAPageThatACrashUndidIsReadAgain(t *testing.T) {
	t.Parallel()
	for kind, undone := range map[models.LaneKind]string{models.LaneIncremental: "2000", models.LaneBackfill: "1000"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Now().UTC().Format(time.DateOnly))
			w.work()
			w.host.pageSize = haulRecords // so that each page is a commit
			for i := range 2*haulRecords + 500 {
				key := fmt.Sprintf("o%04d", i)
				w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 1})
			}
			crashed := false
			w.host.reread = func(from hostapi.Cursor) {
				if from != hostapi.Cursor(undone) || crashed {
					return
				}
				for w.one(`SELECT pages FROM lanes WHERE kind = $1`, kind) != string(undone[0]) {
					time.Sleep(time.Millisecond) // the page before is being committed
				}
				crashed = true
				w.exec(`DELETE FROM entries WHERE key >= 'o' || lpad(($1::int - 1000)::text, 4, '0')`, undone)
				w.exec(`UPDATE lanes SET pages = pages - 1, cursor = CASE pages WHEN 1 THEN '' ELSE (cursor::int - 1000)::text END WHERE kind = $1`, kind)
			}
			w.exec(`UPDATE lanes SET due_at = now(), done_at = NULL, to_at = CASE kind WHEN 'backfill' THEN now() + interval '1 hour' END WHERE kind = $1`, kind)
			w.work()
			expect(t, "it crashed", crashed, true)
			w.work()
			expect(t, "sales at the target", w.one(`SELECT count(*) FROM entries WHERE state = 'sent'`), "2500")
		})
	}
}

// TestWhatMovesNoPositionIsOnDiskAtOnce looks at the commits of a recount: nobody
// would notice that one of them was undone by a crash.
func TestWhatMovesNoPositionIsOnDiskAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.exec(`CREATE TABLE commits (lazy boolean)`)
	w.exec(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO commits SELECT setting = 'off' AND source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'; RETURN NULL; END $$`)
	w.exec(`CREATE TRIGGER note AFTER INSERT ON entries EXECUTE FUNCTION note()`)
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	for _, key := range []string{"listed", "hidden"} {
		w.host.put(key, 1, thing{Key: key, Day: yesterday, Cents: 100})
	}
	w.host.hidden["hidden"] = true
	w.sync()
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
	w.work(models.LaneReconcile)
	expect(t, "a page's commit, and the recount's", w.one(`SELECT string_agg(lazy::text, ' ') FROM commits`), "true false")
}

func TestHostThatGoesInCirclesIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.pageSize = 0 // every page is empty and promises more
	w.Timing.First = time.Hour
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
	expect(t, "pulls before it was noticed", w.host.pulls, 2)
	expect(t, "told", w.one(`SELECT count(*) > 0 FROM failures WHERE message LIKE '%same page%'`), "true")
}

func TestItemOfAnotherRecordIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("a", 5, thing{Key: "x", Day: today(), Cents: 1})
	w.sync()
	w.host.put("b", 1, thing{Key: "x", Day: today(), Cents: 2}, thing{Key: "y", Day: today(), Cents: 3})
	w.sync()
	expect(t, "the shared item", w.cents("sale", "x"), 2)
	expect(t, "the other", w.cents("sale", "y"), 3)
}

func TestReconciliationFindsWhatPagingDroppedAndTakesBackWhatVanished(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	w.host.put("seen", 1, thing{Key: "seen", Day: yesterday, Cents: 1})
	w.host.put("dropped", 1, thing{Key: "dropped", Day: yesterday, Cents: 2})
	w.host.hidden["dropped"] = true
	w.sync()
	expect(t, "dropped, before", w.cents("sale", "dropped"), -1)
	w.host.remove("seen")
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
	w.work(models.LaneReconcile, models.LaneDelivery)
	expect(t, "dropped, after", w.cents("sale", "dropped"), 2)
	expect(t, "vanished", w.cents("sale", "seen"), 0)
	expect(t, "written down", w.one(`SELECT string_agg(missing || '/' || vanished, ' ') FROM recounts WHERE missing + vanished > 0`), "1/1")
	expect(t, "due again at night", w.one(`SELECT due_at > now() + interval '30 minutes' FROM lanes WHERE kind = 'reconcile'`), "true")
	if n := w.one(`SELECT count(*) FROM activities WHERE action LIKE 'found 1 record%took back 1 record%'`); n != "1" {
		t.Errorf("the merchant was not told: %s", n)
	}
}

func TestItemsSeenAfterTheirMonthClosedAreMarkedButHistoryIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.work() // the backfill is done
	w.host.put("late", 1, thing{Key: "late", Day: closed(), Cents: 1})
	w.sync()
	if w.target.history[0].sale.ReviewMessage == "" {
		t.Error("a late item is not marked for review")
	}
	v := newWorld(t, "2020-01-01")
	v.host.put("history", 1, thing{Key: "history", Day: closed(), Cents: 1})
	v.exec(`UPDATE lanes SET to_at = now() + interval '1 minute' WHERE kind = 'backfill' AND to_at > now() - interval '1 minute'`)
	v.work(models.LaneBackfill, models.LaneDelivery)
	if got := v.target.history[0].sale.ReviewMessage; got != "" {
		t.Errorf("history that was asked for is marked: %s", got)
	}
}

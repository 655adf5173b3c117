package extractor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

// pull reads what the host has, and delivers nothing.
func (w *world) pull() {
	w.t.Helper()
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	w.work(models.LaneIncremental)
}

// goAstray delivers what there is, and loses the target's answer.
func (w *world) goAstray() {
	w.t.Helper()
	w.Timing.Resend = time.Hour
	w.target.answer(true, unsure())
	w.work(models.LaneDelivery)
	w.Timing.Resend = time.Millisecond
}

func TestWhatVanishedBeforeItWasSentIsSentWhenItComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.pull()
	w.host.put("o1", 2)
	w.pull()
	w.host.put("o1", 3, thing{Key: "o1", Day: today(), Cents: 100})
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 100)
}

func TestWhatVanishedBeforeTheStartDateIsNotSentByAnEarlierOne(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().AddDate(0, 0, -10)
	w := newWorld(t, start.Format(time.DateOnly))
	w.host.put("o1", 1, thing{Key: "o1", Day: start.AddDate(0, 0, -5).Format(time.DateOnly), Cents: 100})
	w.sync()
	w.host.put("o1", 2)
	w.sync()
	earlier := start.AddDate(0, 0, -10)
	if _, err := w.Store.ChangeConnection(t.Context(), "c-1", models.Change{StartDate: &earlier}); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "at the target", w.cents("sale", "o1"), -1)
}

func TestSkippedAfterItsMonthClosedStaysTakenBackWhenReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: closed(), Cents: 100})
	w.sync()
	w.host.put("o1", 2, thing{Key: "o1", Day: closed(), Cents: 100, Skip: "test order"})
	w.sync()
	w.sync()
	expect(t, "the reversal after another reading", w.cents("refund", "o1"+reversalSuffix), 100)
	w.host.put("o1", 3, thing{Key: "o1", Day: closed(), Cents: 100})
	w.sync()
	expect(t, "the reversal when the sale counts again", w.cents("refund", "o1"+reversalSuffix), 0)
}

func TestChangedAndGoneWhileItsDeliveryIsUnclearIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, day := range []string{today(), closed()} {
		w := newWorld(t, "2020-01-01")
		w.host.put("o1", 1, thing{Key: "o1", Day: day, Cents: 100})
		w.pull()
		w.goAstray()
		w.host.put("o1", 2, thing{Key: "o1", Day: day, Cents: 200})
		w.pull()
		w.host.put("o1", 3)
		w.pull()
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
		w.settleDown()
		expect(t, "sent and gone, "+day, w.cents("sale", "o1")-max(0, w.cents("refund", "o1"+reversalSuffix)), 0)
	}
}

func TestStartDateDoesNotForgetWhatIsUnderWayInAnOlderForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	day := time.Now().UTC().AddDate(0, 0, -20)
	w.host.put("o1", 1, thing{Key: "o1", Day: day.Format(time.DateOnly), Cents: 100})
	w.pull()
	w.goAstray()
	w.host.put("o1", 2, thing{Key: "o1", Day: day.Format(time.DateOnly), Cents: 200})
	w.pull()
	later := day.AddDate(0, 0, 10)
	if _, err := w.Store.ChangeConnection(t.Context(), "c-1", models.Change{StartDate: &later}); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
	w.settleDown()
	expect(t, "what was sent is kept up to date", w.cents("sale", "o1"), 200)
}

func TestRefusedChangeOfWhatThenVanishesTakesBackWhatTheTargetHas(t *testing.T) {
	t.Parallel()
	for _, day := range []string{today(), closed()} {
		w := newWorld(t, "2020-01-01")
		w.host.put("o1", 1, thing{Key: "o1", Day: day, Cents: 100})
		w.sync()
		w.host.put("o1", 2, thing{Key: "o1", Day: day, Cents: 250})
		w.target.script = append(w.target.script, func(items []models.Item) (bool, targetapi.Receipt, error) {
			return false, targetapi.Receipt{Refused: map[models.Ref]string{items[0].Ref(): "no"}}, nil
		})
		w.sync()
		expect(t, "after the refusal", w.at("sale", "o1"), "bad: no")
		w.host.put("o1", 3)
		w.sync()
		if _, err := w.RetryBadItems(t.Context(), w.conn); err != nil {
			t.Fatal(err)
		}
		w.settleDown()
		expect(t, "net, "+day, w.cents("sale", "o1")-max(0, w.cents("refund", "o1"+reversalSuffix)), 0)
		expect(t, "open bad items, "+day, w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "0")
	}
}

func TestRecordListedTwiceOnAPageCountsOnceInItsNewestForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	older := w.host.records["o1"]
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 200})
	for _, key := range []string{"again", "once more"} { // under other names in the host's own map
		w.host.records[key] = older
	}
	w.sync()
	expect(t, "at the target", w.cents("sale", "o1"), 200)
	expect(t, "counted", w.one(`SELECT fetched || ' ' || new || ' ' || unchanged FROM tallies`), "3 1 2")
}

func TestItemNamedTwiceInOneRecordCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "x", Day: today(), Cents: 100}, thing{Key: "x", Day: today(), Cents: 200})
	w.host.put("o2", 1, thing{Key: "y", Day: today(), Cents: 300})
	w.sync()
	expect(t, "the last one counts", w.cents("sale", "x"), 200)
	expect(t, "the other record", w.cents("sale", "y"), 300)
}

func TestItemsThatChangePlacesBetweenRecordsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	x, y := thing{Key: "x", Day: closed(), Cents: 100}, thing{Key: "y", Day: closed(), Cents: 200}
	w.host.put("a", 1, x)
	w.host.put("b", 1, y)
	w.sync()
	w.host.put("a", 2, y)
	w.host.put("b", 2, x)
	w.sync()
	expect(t, "x", w.cents("sale", "x"), 100)
	expect(t, "y", w.cents("sale", "y"), 200)
	expect(t, "effects", len(w.target.history), 2)
}

func TestReversalMovesWithItsItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	x := thing{Key: "x", Day: closed(), Cents: 100}
	w.host.put("a", 1, x)
	w.sync()
	w.host.put("a", 2)
	w.sync()
	w.host.put("b", 1, x) // it is another record's now
	w.sync()
	expect(t, "the reversal", w.cents("refund", "x"+reversalSuffix), 0)
	w.host.put("b", 2)
	w.sync()
	expect(t, "the reversal once more", w.cents("refund", "x"+reversalSuffix), 100)
	expect(t, "whose it is", w.one(`SELECT string_agg(DISTINCT record, ' ') FROM entries WHERE kind <> 'record'`), "order/b")
}

func TestLateItemIsMarkedOnceWhateverItTakesToCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.work()
	w.host.put("a", 1, thing{Key: "x", Day: closed(), Cents: 100}, thing{Key: "x", Day: closed(), Cents: 100})
	w.sync()
	expect(t, "review", w.target.items["c-1"][models.Ref{Kind: "sale", Key: "x"}].ReviewMessage,
		"It reached us after its month was closed; check whether the return that was filed needs an amendment.")
}

func TestTrimmedPayloadsAreNeitherSentAgainNorMissedWhenTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for _, key := range []string{"o1", "o2"} {
		w.host.put(key, 1, thing{Key: key, Day: closed(), Cents: 100})
	}
	w.sync()
	w.exec(`UPDATE entries SET delivered_at = now() - interval '40 days', payload = replace(payload, 'Albany', 'Alb\u0000\u0000any') WHERE key = 'o1'`)
	w.exec(`UPDATE entries SET delivered_at = now() - interval '40 days' WHERE key = 'o2'`)
	w.exec(`UPDATE connections SET trim_at = now()`)
	if err := w.trimPayloads(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "trimmed", w.one(`SELECT count(*) FROM entries WHERE payload LIKE '%Main St%' OR payload LIKE '%any%'`), "0")
	w.sync()
	expect(t, "requests after another reading", len(w.target.requests), 1)
	w.host.put("o2", 2)
	w.sync()
	back := w.target.items["c-1"][models.Ref{Kind: "refund", Key: "o2" + reversalSuffix}]
	expect(t, "taken back", back.Total(), 100)
	expect(t, "where to", back.ShipTo.State+" "+back.ShipTo.Zip, "NY 12207")
}

func TestSkippedItemWithAnUnreadableDayHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for version := 1; version <= 2; version++ {
		w.host.put("o1", version, thing{Key: "o1", Day: "2026-13-45", Cents: 100, Skip: "test order"})
		w.host.put("o2", version, thing{Key: "o2", Day: today(), Cents: models.Amount(version)})
		w.sync()
		expect(t, "the other", w.cents("sale", "o2"), models.Amount(version))
	}
	expect(t, "it", w.at("sale", "o1"), "skipped: test order")
}

func TestRecordWhoseNameCannotBeKeptIsRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o\x00\xff1", 1, thing{Key: "o1", Day: today(), Cents: 100})
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 200})
	w.sync()
	expect(t, "the other", w.cents("sale", "o2"), 200)
	expect(t, "bad items", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "1")
}

func TestSkippedItemWhoseKeyCannotBeKeptHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for i, key := range []string{"o\x00", strings.Repeat("o", 3000)} {
		w.host.put(fmt.Sprint("o", i), 1, thing{Key: key, Day: today(), Skip: "test order"})
	}
	w.host.put("fine", 1, thing{Key: "fine", Day: today(), Cents: 200})
	w.sync()
	expect(t, "the other", w.cents("sale", "fine"), 200)
	expect(t, "bad items", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "2")
}

func TestSaleBeforeTheYearOneHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	// The first moment of some calendars, west of Greenwich.
	w.host.put("odd", 1, thing{Key: "odd", Day: "0000-12-31", Cents: 100})
	w.host.put("left", 1, thing{Key: "left", Day: "0000-12-31", Skip: "test order"})
	w.host.put("fine", 1, thing{Key: "fine", Day: today(), Cents: 100})
	w.sync()
	expect(t, "the sale after it", w.cents("sale", "fine"), 100)
	expect(t, "the odd one", w.at("record", "order/odd"), "bad: The date of this transaction is missing or cannot be read.")
	expect(t, "what is left out", w.at("sale", "left"), "skipped: test order")
}

// TestWhatChangedUnderWayIsTakenBackAsItWasSent: the target took older content
// than the ledger has, and never the newer.
func TestWhatChangedUnderWayIsTakenBackAsItWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for _, key := range []string{"o1", "o2"} {
		w.host.put(key, 1, thing{Key: key, Day: closed(), Cents: 100})
	}
	w.pull()
	w.target.before = func() {
		w.target.before = nil
		w.host.put("o1", 2, thing{Key: "o1", Day: closed(), Cents: 777})
		w.pull()
	}
	w.target.answer(true, nil)
	w.target.answer(false, models.Errorf(models.Throttled, "not now"))
	w.Timing.Resend = time.Hour
	w.work(models.LaneDelivery)
	expect(t, "what did not change", w.at("sale", "o2"), "sent")
	expect(t, "what did", w.at("sale", "o1"), "pending")
	w.host.put("o1", 3)
	w.pull()
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'delivery'`)
	w.settleDown()
	expect(t, "the sale", w.cents("sale", "o1"), 100)
	expect(t, "what takes it back", w.cents("refund", "o1"+reversalSuffix), 100)
	expect(t, "effects of the sale", w.effects("sale", "o1"), 1)
}

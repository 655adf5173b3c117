package extractor

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// TestWindowsAreSharedOut: they are cut where the host lets us, and together they
// are still the whole past, each moment of it once.
func TestWindowsAreSharedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now().AddDate(0, 0, -60).Format(time.DateOnly))
	whole := w.one(`SELECT sum(extract(epoch FROM to_at - from_at)) FROM lanes WHERE kind = 'backfill'`)
	windows := w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill'`)
	expect(t, "windows at first", windows, "5")
	w.host.window = 24 * time.Hour
	w.past.room = w.past.most // the host takes its time
	for i := range 40 {
		w.host.put(fmt.Sprint("o", i), 1, thing{Key: fmt.Sprint("o", i), Day: today(), Cents: 1})
		w.host.age(fmt.Sprint("o", i), time.Duration(i)*36*time.Hour+time.Hour)
	}
	w.work(models.LaneBackfill)
	expect(t, "windows left", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill' AND done_at IS NULL`), "0")
	expect(t, "all of the past", w.one(`SELECT sum(extract(epoch FROM to_at - from_at)) FROM lanes WHERE kind = 'backfill'`), whole)
	expect(t, "moments that are in two, or in none", w.one(`SELECT count(*) FROM (SELECT from_at, lag(to_at) OVER (ORDER BY from_at) AS before
		FROM lanes WHERE kind = 'backfill') x WHERE from_at <> before`), "0")
	expect(t, "orders", w.one(`SELECT count(*) FROM entries`), "40")
	expect(t, "none is too short", w.one(`SELECT min(to_at - from_at) >= '1 day' FROM lanes WHERE kind = 'backfill'`), "true")
	n, err := strconv.Atoi(w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill'`))
	if err != nil || n < 10 || n > 30 {
		t.Errorf("%d windows, %v", n, err)
	}
}

// TestWindowsAreFewWhereFewLanesAreOfUse: where half of all lanes keep commits going,
// none is as short as the host would let us cut it.
func TestWindowsAreFewWhereFewLanesAreOfUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now().AddDate(0, 0, -60).Format(time.DateOnly))
	w.host.window = 24 * time.Hour
	w.past.room = w.past.most / 2
	w.work(models.LaneBackfill)
	expect(t, "windows left", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill' AND done_at IS NULL`), "0")
	expect(t, "none is cut shorter", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill' AND to_at - from_at < '4 days'`), "0")
	if n := w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill'`); n != "6" && n != "7" && n != "8" {
		t.Errorf("%s windows", n)
	}
}

// TestWindowsAreLeftAlone where the host does not say that they may be cut, or
// somebody has begun to read.
func TestWindowsAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now().AddDate(0, 0, -60).Format(time.DateOnly))
	lanes, err := w.claim(t.Context(), models.LaneBackfill, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	l := lanes[0]
	begun, err := w.newSlice(l, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for window, cursor := range map[time.Duration]hostapi.Cursor{0: "", time.Hour: "7"} {
		w.host.window, l.Cursor = window, cursor
		if err := begun.shareOut(t.Context()); err != nil {
			t.Error(err)
		}
	}
	expect(t, "windows", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill'`), "5")
	w.host.window, l.Cursor = time.Hour, ""
	w.exec(`UPDATE lanes SET epoch = epoch + 1 WHERE id = $1`, l.ID)
	if err := begun.shareOut(t.Context()); !errors.Is(err, errFenced) {
		t.Errorf("a lane that is another's: %v", err)
	}
	expect(t, "windows then", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill'`), "5")
}

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

func TestRecountOfALongDayGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	for i := range 5 {
		key := fmt.Sprint("o", i)
		w.host.put(key, 1, thing{Key: key, Day: yesterday, Cents: 100})
		w.host.hidden[key] = true
	}
	w.host.pageSize = 2
	for rounds := 0; w.one(`SELECT count(*) FROM recounts WHERE day = $1`, yesterday) == "0"; rounds++ {
		if rounds > 30 {
			t.Fatal("it does not come to an end: ", w.one(`SELECT cursor FROM lanes WHERE kind = 'reconcile'`))
		}
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
		lanes, err := w.claim(t.Context(), models.LaneReconcile, 1)
		if err != nil || len(lanes) != 1 {
			t.Fatal(lanes, err)
		}
		s, err := w.newSlice(lanes[0], time.Now()) // its time is up after each page
		if err != nil {
			t.Fatal(err)
		}
		w.finish(t.Context(), lanes[0], hostSide, s.reconcile(t.Context()))
	}
	expect(t, "written down once, with all of it", w.one(`SELECT string_agg(host_records || ' ' || missing || ' ' || vanished, ',') FROM recounts WHERE day = $1`, yesterday), "5 5 0")
}

// meeting is a host that answers no recount before two connections ask for one.
type meeting struct {
	*memoryHost
	guests sync.WaitGroup
	first  sync.Map // connections that have come
}

func (m *meeting) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	if _, again := m.first.LoadOrStore(a.ID, true); !again {
		m.guests.Done()
		m.guests.Wait()
	}
	return m.memoryHost.Recount(ctx, a, w, from)
}

func TestMerchantsAreRecountedSideBySide(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 2)
	both := &meeting{memoryHost: w.host}
	both.guests.Add(2)
	w.Hosts["memory"] = both
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.eventually("both are recounted", func() bool { return w.one(`SELECT count(DISTINCT connection_id) FROM recounts`) == "2" })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestDaysOfTheMerchantsCalendar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, day string
		hours     float64
	}{
		{"America/New_York", "2026-03-08", 23}, {"America/New_York", "2026-11-01", 25}, {"Pacific/Auckland", "2026-04-05", 25},
		{"America/Havana", "2026-03-08", 23}, {"America/Havana", "2026-11-01", 25}, {"Asia/Beirut", "2026-03-29", 23}, {"UTC", "2026-02-28", 24},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		w := dayWindow(c.day, zone)
		expect(t, c.zone+" "+c.day, w.To.Sub(w.From).Hours(), c.hours)
		expect(t, c.zone+" begins", w.From.In(zone).Format(time.DateOnly), c.day)
		expect(t, c.zone+" ends", w.To.Add(-time.Nanosecond).In(zone).Format(time.DateOnly), c.day)
	}
}

func TestMerchantsRecountAtDifferentTimesOfTheNight(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)
	var earliest, latest time.Duration
	for id := range int64(1000) {
		wait := nextNight(now, id)
		if earliest == 0 || wait < earliest {
			earliest = wait
		}
		latest = max(latest, wait)
	}
	if latest-earliest < time.Hour || now.Add(earliest).Hour() < recountHour || latest-earliest > recountSpread {
		t.Errorf("from %s to %s", earliest, latest)
	}
}

func TestMonthsCloseOnTheMerchantsClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, day, now string
		open           bool
	}{
		{"Pacific/Kiritimati", "2026-03-31", "2026-04-09T09:59:59Z", true}, {"Pacific/Kiritimati", "2026-03-31", "2026-04-09T10:00:00Z", false},
		{"Pacific/Honolulu", "2026-03-01", "2026-04-10T09:59:59Z", true}, {"Pacific/Honolulu", "2026-03-01", "2026-04-10T10:00:00Z", false},
		{"America/New_York", "2025-12-31", "2026-01-10T04:59:59Z", true}, {"America/New_York", "2025-12-31", "2026-01-10T05:00:00Z", false},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		b := book{now: now, zone: zone, closeDay: 10}
		expect(t, fmt.Sprint(c), b.open(c.day), c.open)
	}
}

// TestWhatALimitedConsentHidesIsNotGone: a host that shows recent orders only
// does not know older ones by their key either.
func TestWhatALimitedConsentHidesIsNotGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	yesterday, old := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, -61).Format(time.DateOnly)
	w.host.put("old", 1, thing{Key: "old", Day: old, Cents: 100}, thing{Kind: models.KindRefund, Key: "back", Day: yesterday, Cents: 40})
	w.host.put("new", 1, thing{Key: "new", Day: yesterday, Cents: 7})
	w.sync()
	w.exec(`UPDATE connections SET history_from = now() - interval '60 days'`)
	w.host.remove("old")
	w.host.remove("new")
	// The recount goes on where it was left long ago, at days that are hidden by now.
	w.exec(`UPDATE lanes SET due_at = now(), cursor = $1 WHERE kind = 'reconcile'`, `{"day":"`+old+`"}`)
	w.work(models.LaneReconcile, models.LaneDelivery)
	expect(t, "the old sale", w.cents("sale", "old"), 100)
	expect(t, "its refund", w.cents("refund", "back"), 40)
	expect(t, "reversals", w.one(`SELECT count(*) FROM entries WHERE reverses IS NOT NULL`), "0")
	expect(t, "a recent sale", w.cents("sale", "new"), 0)
}

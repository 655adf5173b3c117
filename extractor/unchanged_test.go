package extractor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// readAll is what a page of all the host's records means.
func (w *world) readAll() []reading {
	w.t.Helper()
	page, err := w.host.page("", func(memoryRecord) bool { return true })
	if err != nil {
		w.t.Fatal(err)
	}
	return w.transform(w.host, page.Records)
}

// unchanged counts the readings that the ledger has already, and names the other
// records that it knows.
func (w *world) unchanged(readings []reading) (unchanged int, known []string) {
	w.t.Helper()
	err := w.Store.InPgxTx(w.t.Context(), func(tx pgx.Tx) (err error) {
		markRepeats(readings)
		known, err = markUnchanged(w.t.Context(), tx, w.conn, readings)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range readings {
		if readings[i].unchanged {
			unchanged++
		}
	}
	return unchanged, known
}

// TestWhatTheLedgerHasAlreadyIsUnchanged: a record counts as unchanged only with
// all of its items, no others, their contents and its version.
func TestWhatTheLedgerHasAlreadyIsUnchanged(t *testing.T) {
	t.Parallel()
	sale, refund := thing{Key: "o1", Day: today(), Cents: 100}, thing{Kind: models.KindRefund, Key: "o1-r1", Day: today(), Cents: 40}
	dearer := sale
	dearer.Cents++
	other := refund
	other.Key = "o1-r2"
	for name, c := range map[string]struct {
		version int
		things  []thing
		mapping int
		sql     string
		want    bool
	}{
		"as it was":               {2, []thing{sale, refund}, 1, "", true},
		"in another order":        {2, []thing{refund, sale}, 1, "", true},
		"sent meanwhile":          {2, []thing{sale, refund}, 1, `UPDATE entries SET state = 'sent', sent_seq = seq`, true},
		"newer":                   {3, []thing{sale, refund}, 1, "", false},
		"older":                   {1, []thing{sale, refund}, 1, "", false},
		"other content":           {2, []thing{dearer, refund}, 1, "", false},
		"an item less":            {2, []thing{sale}, 1, "", false},
		"an item more":            {2, []thing{sale, refund, other}, 1, "", false},
		"another item":            {2, []thing{sale, other}, 1, "", false},
		"an item twice":           {2, []thing{sale, sale}, 1, "", false},
		"nothing":                 {2, nil, 1, "", false},
		"another mapping":         {2, []thing{sale, refund}, 2, "", false},
		"refused":                 {2, []thing{{Refuse: "no"}}, 1, "", false},
		"taken back":              {2, []thing{sale, refund}, 1, `UPDATE entries SET compensated = true WHERE kind = 'sale'`, false},
		"without a hash":          {2, []thing{sale, refund}, 1, `UPDATE entries SET hash = NULL WHERE kind = 'sale'`, false},
		"of another record":       {2, []thing{sale, refund}, 1, `UPDATE entries SET record = 'order/o2' WHERE kind = 'sale'`, false},
		"an item under a version": {2, []thing{sale, refund}, 1, `UPDATE entries SET version = '' WHERE kind = 'sale'`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "2020-01-01")
			w.host.put("o1", 2, sale, refund)
			w.work(models.LaneIncremental)
			w.host.mapping = c.mapping
			w.host.put("o1", c.version, c.things...)
			if c.sql != "" {
				w.exec(c.sql)
			}
			n, known := w.unchanged(w.readAll())
			expect(t, "unchanged", n == 1, c.want)
			expect(t, "to be decided", len(known) == 1, !c.want)
		})
	}
}

// TestUnknownRecordsAreNotKnown: they are neither unchanged nor to be looked up.
func TestUnknownRecordsAreNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 2})
	w.work(models.LaneIncremental)
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.host.put("o3", 1, thing{Key: "o3", Day: today(), Cents: 3})
	n, known := w.unchanged(w.readAll())
	expect(t, "unchanged", n, 1)
	expect(t, "known", len(known), 0)
}

// TestListedTwiceCountsOnce: of two readings of a record, the one that counts is
// compared, and the other is not taken for it.
func TestListedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.work(models.LaneIncremental)
	first := w.readAll()
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 2})
	n, known := w.unchanged(append(w.readAll(), first...))
	expect(t, "unchanged", n, 0)
	expect(t, "to be decided", len(known), 1)
}

// TestUnchangedRecordsAreCountedAndHoldNobodyUp: nothing of them is written, so
// they are read again while a delivery holds what it has under way.
func TestUnchangedRecordsAreCountedAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.sync()
	before := w.one(`SELECT xmin::text || ctid::text FROM entries`)
	err := w.Store.InPgxTx(t.Context(), func(tx pgx.Tx) error {
		if err := models.LockOutbox.Hold(t.Context(), tx, w.conn); err != nil {
			return err
		}
		w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
		w.work(models.LaneIncremental)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "fetched and unchanged", w.one(`SELECT fetched || ' ' || unchanged FROM tallies`), "2 1")
	expect(t, "the row", w.one(`SELECT xmin::text || ctid::text FROM entries`), before)
	expect(t, "failures", w.one(`SELECT count(*) FROM failures`), "0")
	expect(t, "requests", len(w.target.requests), 1)
}

// TestChangedRecordWaitsForDelivery: what is under way decides how it may change.
func TestChangedRecordWaitsForDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 1})
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 2})
	w.sync()
	w.host.put("o2", 2, thing{Key: "o2", Day: today(), Cents: 3})
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
	lanes, err := w.claim(t.Context(), models.LaneIncremental, 1)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	s, err := w.newSlice(lanes[0], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = w.Store.InPgxTx(t.Context(), func(tx pgx.Tx) error {
		if err := models.LockOutbox.Hold(t.Context(), tx, w.conn); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := s.commit(ctx, w.readAll(), advance{hold: true})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.giveBack(t.Context(), lanes...)
	w.sync()
	expect(t, "at the target", w.cents("sale", "o2"), 3)
}

package extractor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// advance is the lane's new position, committed with the page that led there.
type advance struct {
	window models.Window
	next   hostapi.Cursor
	last   bool          // the window is read
	hold   bool          // leave the position alone: the page came by another road
	pages  int64         // of the window so far, with this commit's
	wait   time.Duration // the next page is not there before; 0 = it is
	// durable: somebody forgets the page when we answer it, so the commit must
	// be on disk before.
	durable bool
}

// committed is what a page did.
type committed struct {
	counts
	pending bool // something is to be delivered
	woke    bool // and delivery, which was parked, is due for it
	gaps    int  // records that were unknown, or older, here
}

// transientTries is how often a commit is tried when Postgres asks for it:
// deadlock, serialisation, or two records that claim one item.
const transientTries = 5

// commit writes readings and position in one transaction, or nothing.
func (s *slice) commit(ctx context.Context, readings []reading, to advance) (c committed, err error) {
	byKey := false
	if models.Bad("ledger") { // the position first, by itself
		if err := s.Store.InPgxTx(ctx, func(tx pgx.Tx) error { return s.moveLane(ctx, tx, to) }); err != nil {
			return c, err
		}
		to.hold = true
	}
	for range transientTries {
		err = s.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
			if !to.durable && !to.hold {
				if err := lazily(ctx, tx); err != nil {
					return err
				}
			}
			c, err = s.write(ctx, tx, readings, to, byKey)
			return err
		})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return c, err
		}
		switch pg.Code {
		case "23505": // another record holds one of these items: look entries up by item as well
			byKey = true
		case "40001", "40P01":
		default:
			return c, err
		}
	}
	return c, err
}

// lazily lets a commit be answered before it is on disk. A crash of Postgres may
// then undo the latest such commits, each of them whole: a page with its
// position is read again, a settled batch counts as unclear again. Whatever was
// sent to the target was on disk before, since marking a batch is not lazy and
// the log is written in order. Who made such a commit may outlive the crash: its
// next one finds out by the position (see moveLane), so that what moves none is
// never lazy.
func lazily(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`)
	return err
}

func (s *slice) write(ctx context.Context, tx pgx.Tx, readings []reading, to advance, byKey bool) (committed, error) {
	f, err := s.lane.fence(ctx, tx)
	if err != nil {
		return committed{}, err
	}
	readings, have, err := s.load(ctx, tx, readings, byKey)
	if err != nil {
		return committed{}, err
	}
	b := &book{
		start: f.start, now: f.now, zone: s.account.Zone, closeDay: s.PeriodCloseDay, history: s.lane.Kind == models.LaneBackfill,
		stored: func(ref models.Ref) (payload, held []byte) { return loadPayload(ctx, tx, s.lane.Connection, ref) },
	}
	w := newWriter(s.lane.Connection, s.host.Info().Mapping, f.now.In(s.account.Zone).Format(time.DateOnly))
	for i := range readings {
		w.take(&readings[i], b.decide(&readings[i], have[readings[i].name()]))
	}
	if err := w.flush(ctx, tx); err != nil {
		return committed{}, err
	}
	if w.result.pending {
		// Delivery must see these entries, or we must see that it parked its lane.
		if err := models.LockOutbox.Hold(ctx, tx, s.lane.Connection); err != nil {
			return committed{}, err
		}
	}
	err = s.move(ctx, tx, to, &w.result, f.turn)
	return w.result, errors.Join(err, failpoint.Hit("before the page's commit"))
}

// load reads the entries that the readings are compared with, of those that are
// not unchanged. One commit at a time does so; where there are such entries,
// delivery waits as well, since what it has under way decides how they may change.
func (s *slice) load(ctx context.Context, tx pgx.Tx, readings []reading, byKey bool) ([]reading, map[string][]*entry, error) {
	if err := models.LockLedger.Hold(ctx, tx, s.lane.Connection); err != nil {
		return nil, nil, err
	}
	markRepeats(readings)
	known, err := s.known(ctx, tx, readings, byKey)
	if err != nil || len(known) == 0 && !byKey {
		return readings, nil, err
	}
	if err := models.LockOutbox.Hold(ctx, tx, s.lane.Connection); err != nil {
		return nil, nil, err
	}
	have, err := loadEntries(ctx, tx, s.lane.Connection, known)
	if err != nil {
		return nil, nil, err
	}
	if byKey {
		if readings, err = loadClaimed(ctx, tx, s.lane.Connection, readings, have); err != nil {
			return nil, nil, err
		}
	}
	return readings, have, markInFlight(ctx, tx, s.lane.Connection, have)
}

// known names the records of which entries are to be read. Where items may move
// from one record to another, a record that did not change counts as well.
func (s *slice) known(ctx context.Context, tx pgx.Tx, readings []reading, byKey bool) ([]string, error) {
	if !byKey {
		return markUnchanged(ctx, tx, s.lane.Connection, readings)
	}
	for i := range readings {
		readings[i].unchanged = false
	}
	return namesOf(readings), nil
}

const entryColumns = `e.kind, e.key, e.record, e.version, e.state, coalesce(e.reason, ''), e.hash, e.seq, e.sent_seq, coalesce(e.day::text, ''),
	e.sales_amount, e.sales_tax, e.shipping_amount, e.shipping_tax, coalesce(e.reverses, ''), e.compensated, e.held_payload IS NOT NULL, e.verify_after IS NOT NULL`

// loadEntries reads the entries of records, by record name. All key columns are
// joined as arrays: with a constant among them the planner reads the whole
// connection on fresh statistics.
func loadEntries(ctx context.Context, tx pgx.Tx, connection int64, records []string) (map[string][]*entry, error) {
	have := make(map[string][]*entry)
	if len(records) == 0 {
		return have, nil
	}
	slices.Sort(records)
	records = slices.Compact(records) // a record that is listed twice has its entries once
	rows, err := tx.Query(ctx, `SELECT `+entryColumns+` FROM unnest($1::bigint[], $2::text[]) x(c, r)
		JOIN entries e ON e.connection_id = x.c AND e.record = x.r ORDER BY e.kind, e.key`, repeat(connection, len(records)), records)
	if err != nil {
		return nil, err
	}
	return have, eachEntry(rows, func(e *entry) { have[e.Record] = append(have[e.Record], e) })
}

// namesOf are the names of the readings' records.
func namesOf(readings []reading) []string {
	names := make([]string, len(readings))
	for i := range readings {
		names[i] = readings[i].name()
	}
	return names
}

// eachEntry reads rows of entryColumns.
func eachEntry(rows pgx.Rows, use func(*entry)) error {
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.Kind, &e.Key, &e.Record, &e.Version, &e.State, &e.Reason, &e.Hash, &e.Seq, &e.SentSeq, &e.Day,
			&e.Sales, &e.SalesTax, &e.Shipping, &e.ShippingTax, &e.Reverses, &e.Compensated, &e.Held, &e.doubted); err != nil {
			return err
		}
		use(&e)
	}
	return rows.Err()
}

// markInFlight marks the entries of which an unsettled batch carries content.
func markInFlight(ctx context.Context, tx pgx.Tx, connection int64, have map[string][]*entry) error {
	if len(have) == 0 {
		return nil
	}
	var kinds, keys []string
	var seqs []int64
	err := tx.QueryRow(ctx, `SELECT kinds, keys, seqs FROM batches WHERE connection_id = $1 AND NOT reading`, connection).Scan(&kinds, &keys, &seqs)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	carried := make(map[models.Ref]int64, len(seqs))
	for i, seq := range seqs {
		carried[models.Ref{Kind: kinds[i], Key: keys[i]}] = seq
	}
	for _, entries := range have {
		for _, e := range entries {
			seq, ok := carried[e.ref()]
			e.inFlight, e.flying = ok, ok && seq == e.Seq
		}
	}
	return err
}

// loadPayload reads one entry's stored content, and what the target has instead
// of it; nil when there is none.
func loadPayload(ctx context.Context, tx pgx.Tx, connection int64, ref models.Ref) (payload, held []byte) {
	if err := tx.QueryRow(ctx, `SELECT payload, held_payload FROM entries WHERE connection_id = $1 AND kind = $2 AND key = $3`,
		connection, ref.Kind, ref.Key).Scan(&payload, &held); err != nil {
		return nil, nil // the columns hold enough; an error of the connection shows at the next statement
	}
	return payload, held
}

// move brings the lane to its new position, under its epoch, and wakes delivery.
// Turns that were taken after turn may have been passed over meanwhile.
func (s *slice) move(ctx context.Context, tx pgx.Tx, to advance, c *committed, turn int64) error {
	if c.pending {
		// Also a delivery lane that rests until older items may be sent or read back;
		// one that waits after a failure, or for late copies, goes on waiting.
		tag, err := tx.Exec(ctx, `UPDATE lanes SET due_at = least(coalesce(due_at, now()), greatest(now(), wake_after)), settled_seq = least(settled_seq, $2)
			WHERE connection_id = $1 AND kind = 'delivery' AND (due_at IS NULL OR due_at > greatest(now(), wake_after) OR settled_seq > $2)`, s.lane.Connection, turn)
		if err != nil {
			return err
		}
		c.woke = tag.RowsAffected() > 0
	}
	sum := s.sum
	sum.add(c.counts)
	if to.last && !to.hold && sum.New+sum.Changed+sum.Bad > 0 {
		if err := tellMerchant(ctx, tx, s.lane.Connection, s.requestedWith(sum, to.window)); err != nil {
			return err
		}
	}
	if to.last && !to.hold && s.cutShort(to.window) {
		if err := tellMerchant(ctx, tx, s.lane.Connection, fmt.Sprintf("%s tells nothing that changed before %s; enter older sales in TrustFile by hand",
			s.host.Info().Title, s.localDay(to.window.From))); err != nil {
			return err
		}
	}
	return s.moveLane(ctx, tx, to)
}

// cutShort reports whether the window is the one in which the host's memory ends.
func (s *slice) cutShort(w models.Window) bool {
	return s.lane.Kind == models.LaneBackfill && w.From.After(*s.lane.From) && w.From.Before(*s.lane.To)
}

// moveLane writes the new position, if the lane still stands where the slice's
// last commit left it: else that commit is undone, and its pages are missing.
func (s *slice) moveLane(ctx context.Context, tx pgx.Tx, to advance) error {
	var tag pgconn.CommandTag
	var err error
	lease := s.Timing.Lease
	switch {
	case s.lane.ID == 0:
		return nil
	case to.hold:
		tag, err = tx.Exec(ctx, `UPDATE lanes SET leased_until = now() + $3::interval WHERE id = $1 AND epoch = $2`, s.lane.ID, s.lane.Epoch, lease)
	case !to.last:
		tag, err = tx.Exec(ctx, `UPDATE lanes SET leased_until = now() + $3::interval, cursor = $4, to_at = $5, pages = $6, failures = 0,
				due_at = CASE WHEN $7::interval > '0' AND due_at IS NOT NULL THEN now() + $7 ELSE due_at END WHERE id = $1 AND epoch = $2 AND pages = $8`,
			s.lane.ID, s.lane.Epoch, lease, to.next, to.window.To, to.pages, to.wait, s.lane.Pages)
	case s.lane.Kind == models.LaneIncremental:
		return s.finishPull(ctx, tx, to)
	default:
		tag, err = tx.Exec(ctx, `UPDATE lanes SET cursor = '', pages = 0, failures = 0, due_at = NULL, done_at = now() WHERE id = $1 AND epoch = $2 AND pages = $3`,
			s.lane.ID, s.lane.Epoch, s.lane.Pages)
	}
	if err == nil && tag.RowsAffected() != 1 && !models.Bad("epoch") {
		return errFenced
	}
	return err
}

// finishPull moves the high-water mark. The host has answered, which ends its
// trouble; whether the status spoke of some is read from the locked row, since
// another lane may have met it meanwhile.
func (s *slice) finishPull(ctx context.Context, tx pgx.Tx, to advance) error {
	err := tx.QueryRow(ctx, `WITH l AS (UPDATE lanes SET from_at = greatest(from_at, $3), to_at = NULL, cursor = '', pages = 0, failures = 0,
			due_at = now() + $4::interval WHERE id = $1 AND epoch = $2 AND pages = $6 RETURNING connection_id, due_at),
		o AS (SELECT id, trouble_since IS NOT NULL OR last_sync_at IS NULL AS unsettled FROM connections WHERE id = $5 FOR NO KEY UPDATE)
		UPDATE connections c SET last_sync_at = now(), next_sync_at = l.due_at, trouble_since = NULL FROM l, o
		WHERE c.id = l.connection_id AND o.id = c.id RETURNING o.unsettled`,
		s.lane.ID, s.lane.Epoch, to.window.To, s.SyncInterval, s.lane.Connection, s.lane.Pages).Scan(&s.lane.Unsettled)
	if errors.Is(err, pgx.ErrNoRows) {
		return errFenced
	}
	return err
}

// tellMerchant adds a line to the connection's activities.
func tellMerchant(ctx context.Context, tx pgx.Tx, connection int64, action string) error {
	_, err := tx.Exec(ctx, `INSERT INTO activities (connection_id, action) VALUES ($1, $2)`, connection, action)
	return err
}

func repeat(v int64, n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = v
	}
	return all
}

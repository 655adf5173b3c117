package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"extractor/internal/failpoint"
	"extractor/models"
	"extractor/targetapi"
)

// batch is what one request to the target carries.
type batch struct {
	kinds, keys []string
	seqs        []int64
	items       []models.Item
	unsure      bool      // an earlier request with the same bytes had no clear answer
	attempts    int       // of these bytes so far
	marked      time.Time // by our monotonic clock: when the fenced mark was made
}

func (b *batch) refs() []models.Ref {
	refs := make([]models.Ref, len(b.keys))
	for i := range refs {
		refs[i] = models.Ref{Kind: b.kinds[i], Key: b.keys[i]}
	}
	return refs
}

// delivery is the work on one delivery lane until its time is up.
type delivery struct {
	*Engine
	lane     *lane
	account  targetapi.Account
	until    time.Time
	suspects []int64 // seqs among which the target refused one without saying which
	sent     int
	looked   bool  // items that are due were read back
	after    int64 // the last turn that was picked; 0: begin with the oldest
}

func (e *Engine) newDelivery(l *lane, until time.Time) *delivery {
	d := &delivery{Engine: e, lane: l, until: until}
	if l.ExternalID != nil {
		d.account.ConnectionID = models.BadFirst("tenant", *l.ExternalID)
	}
	return d
}

// deliver sends batch after batch, oldest first, until nothing is left or the
// slice's time is up. An error means: stop for now, see reactions.go.
func (d *delivery) deliver(ctx context.Context) error {
	err := d.batches(ctx)
	if len(d.suspects) > 1 {
		err = errors.Join(err, d.searchOn(context.WithoutCancel(ctx)))
	}
	if d.sent > 0 {
		told := d.Store.InPgxTx(context.WithoutCancel(ctx), func(tx pgx.Tx) error {
			return tellMerchant(ctx, tx, d.lane.Connection, fmt.Sprintf("sent %s to %s", plural(d.sent, "item"), d.Target.Info().Title))
		})
		err = errors.Join(err, told)
	}
	return err
}

// searchOn makes the next slice's first batch as small as the next one of this
// slice would have been. A slice may end before a culprit is found among a
// thousand, and one that began anew with all of them might never find it.
func (d *delivery) searchOn(ctx context.Context) error {
	limit := (len(d.suspects) + 1) / 2
	_, err := d.Store.Pool.Exec(ctx, `UPDATE lanes SET batch_limit = $3 WHERE id = $1 AND epoch = $2`, d.lane.ID, d.lane.Epoch, limit)
	return err
}

func (d *delivery) batches(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := d.verifyIfDue(ctx); err != nil {
			return err
		}
		b, err := d.prepare(ctx)
		if err != nil || b == nil {
			return err
		}
		if err := d.post(ctx, b); err != nil {
			return err
		}
		if d.over(ctx, d.until) {
			return nil
		}
	}
	return ctx.Err()
}

// verifyIfDue reads items back once at the start of a slice, and again when an
// answer asked for it. What falls due in between waits for the next slice.
func (d *delivery) verifyIfDue(ctx context.Context) error {
	if d.looked {
		return nil
	}
	d.looked = true
	return d.verify(ctx)
}

// post sends one batch and settles it.
func (d *delivery) post(ctx context.Context, b *batch) error {
	if time.Since(b.marked) > startGrace && !models.Bad("grace") {
		return d.unmark(ctx) // we were held up; whoever waits for us may have stopped waiting
	}
	if err := failpoint.Hit("before POST"); err != nil {
		return err
	}
	// A shutdown does not cut a request short: its answer is worth the seconds.
	receipt, err := d.Target.Deliver(context.WithoutCancel(ctx), d.account, b.items)
	if err := failpoint.Hit("after POST"); err != nil {
		return err
	}
	slog.Info("delivery", "connection", d.lane.Connection, "items", len(b.items), "taken", receipt.Taken, "refused", len(receipt.Refused), "kind", kindOf(err))
	d.meter.delivery(len(b.items), err)
	if err := d.settle(context.WithoutCancel(ctx), b, receipt, err); err != nil {
		return err
	}
	return failpoint.Hit("after settle")
}

// prepare picks the next batch and marks it as being posted, under the fence.
// It returns nil when nothing is due; then the lane is parked already.
func (d *delivery) prepare(ctx context.Context) (b *batch, err error) {
	err = d.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if _, err := d.lane.fence(ctx, tx); err != nil {
			return err
		}
		if err := models.LockOutbox.Hold(ctx, tx, d.lane.Connection); err != nil {
			return err
		}
		if b, err = d.unsettled(ctx, tx); err != nil {
			return err
		}
		if b == nil {
			if err := inTurn(ctx, tx); err != nil {
				return err
			}
			if b, err = d.pick(ctx, tx); err != nil {
				return err
			}
		}
		if b == nil {
			return d.park(ctx, tx)
		}
		if err := failpoint.Hit("before mark"); err != nil {
			return err
		}
		return d.mark(ctx, tx, b, false)
	})
	if err != nil || b == nil {
		return nil, err
	}
	return b, failpoint.Hit("after mark")
}

// unsettled is the batch whose outcome is unknown, with the content it had.
func (d *delivery) unsettled(ctx context.Context, tx pgx.Tx) (*batch, error) {
	var b batch
	var reading bool
	err := tx.QueryRow(ctx, `SELECT kinds, keys, seqs, attempts, reading FROM batches WHERE connection_id = $1`, d.lane.Connection).
		Scan(&b.kinds, &b.keys, &b.seqs, &b.attempts, &reading)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if reading { // a worker died while it read items back; that changed nothing
		_, err := tx.Exec(ctx, `DELETE FROM batches WHERE connection_id = $1`, d.lane.Connection)
		return nil, err
	}
	b.unsure = true
	rows, err := tx.Query(ctx, `SELECT e.kind, e.key, e.seq, CASE WHEN e.seq = x.s THEN e.payload ELSE coalesce(e.prior_payload, e.payload) END
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY x(c, k, i, s, n)
		JOIN entries e ON e.connection_id = x.c AND e.kind = x.k AND e.key = x.i ORDER BY x.n`,
		repeat(d.lane.Connection, len(b.keys)), b.kinds, b.keys, b.seqs)
	if err != nil {
		return nil, err
	}
	again := batch{}
	if err := again.read(rows); err != nil {
		return nil, err
	}
	b.items = again.items
	return &b, nil
}

// inTurn makes the transaction read entries in the order of the index on turns.
// Statistics are always behind what is pending, so the planner takes it for a
// few rows and would rather sort all of them, for every batch again.
func inTurn(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`)
	return err
}

// pick takes the oldest undelivered entries, or, where the target refused a
// batch without naming the culprit, half of those under suspicion. Entries that
// came behind its back are found once all others are had.
func (d *delivery) pick(ctx context.Context, tx pgx.Tx) (*batch, error) {
	limit := d.Target.Info().Batch
	if d.lane.BatchLimit != nil {
		limit = min(limit, max(1, *d.lane.BatchLimit))
	}
	first := d.after == 0
	if first && d.suspects == nil {
		if err := d.raiseMark(ctx, tx); err != nil {
			return nil, err
		}
	}
	query, args := `SELECT kind, key, seq, payload FROM entries WHERE connection_id = $1 AND seq > $3 AND state = 'pending'
		AND (deliver_after IS NULL OR deliver_after <= now()) AND (verify_after IS NULL OR verify_after > now()) ORDER BY seq LIMIT $2`, []any{d.lane.Connection, limit, d.after}
	if n := len(d.suspects); n > 0 {
		query = `SELECT kind, key, seq, payload FROM entries WHERE connection_id = $1 AND state = 'pending' AND seq = ANY($3) ORDER BY seq LIMIT $2`
		args[2] = d.suspects[:(n+1)/2]
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var b batch
	if err := b.read(rows); err != nil {
		return nil, err
	}
	if len(b.items) == 0 {
		if d.suspects != nil { // they changed meanwhile
			d.suspects = nil
			return d.pick(ctx, tx)
		}
		if !first {
			d.after = 0
			return d.pick(ctx, tx)
		}
		return nil, nil
	}
	if d.suspects == nil {
		d.after = b.seqs[len(b.seqs)-1]
	}
	return &b, nil
}

// raiseMark begins with the connection's oldest pending turn and remembers, for
// whoever delivers next, that none is older.
func (d *delivery) raiseMark(ctx context.Context, tx pgx.Tx) error {
	return tx.QueryRow(ctx, `UPDATE lanes l SET settled_seq = greatest(l.settled_seq, coalesce(
			(SELECT e.seq - 1 FROM entries e WHERE e.connection_id = l.connection_id AND e.seq > l.settled_seq AND e.state = 'pending' ORDER BY e.seq LIMIT 1),
			(SELECT max(e.seq) FROM entries e WHERE e.connection_id = l.connection_id)))
		WHERE l.id = $1 RETURNING settled_seq`, d.lane.ID).Scan(&d.after)
}

// lowerMark is for entries that become pending once more in their old turn.
func (d *delivery) lowerMark(ctx context.Context, tx pgx.Tx, seqs []int64) error {
	d.after = 0
	_, err := tx.Exec(ctx, `UPDATE lanes SET settled_seq = least(settled_seq, $2 - 1) WHERE id = $1`, d.lane.ID, slices.Min(seqs))
	return err
}

func (b *batch) read(rows pgx.Rows) error {
	defer rows.Close()
	var kind, payload pgtype.DriverBytes // until the next row
	for rows.Next() {
		var key string
		var seq int64
		if err := rows.Scan(&kind, &key, &seq, &payload); err != nil {
			return err
		}
		item := models.Item{Kind: kindName(kind), Key: key, Sale: new(models.Sale)}
		if err := item.Sale.ReadJSON(string(payload)); err != nil {
			return fmt.Errorf("content of %s %s: %w", item.Kind, key, err)
		}
		b.kinds, b.keys, b.seqs, b.items = append(b.kinds, item.Kind), append(b.keys, key), append(b.seqs, seq), append(b.items, item)
	}
	return rows.Err()
}

// kindName is the kind as a text, without a new one for those that nearly all entries have.
func kindName(kind []byte) string {
	switch string(kind) {
	case models.KindSale:
		return models.KindSale
	case models.KindRefund:
		return models.KindRefund
	}
	return string(kind)
}

// mark notes, under the fence, that a request to the target may start now.
func (d *delivery) mark(ctx context.Context, tx pgx.Tx, b *batch, reading bool) error {
	b.marked = time.Now() // before the commit: its answer may be late
	_, err := tx.Exec(ctx, `INSERT INTO batches AS b (connection_id, kinds, keys, seqs, epoch, reading, posting_until, attempts)
		VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::interval, 1)
		ON CONFLICT (connection_id) DO UPDATE SET epoch = excluded.epoch, posting_until = excluded.posting_until,
			attempts = b.attempts + 1, unsure = true`,
		d.lane.Connection, b.kinds, b.keys, b.seqs, d.lane.Epoch, reading, postingTime)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `UPDATE lanes SET leased_until = now() + $3::interval WHERE id = $1 AND epoch = $2`,
		d.lane.ID, d.lane.Epoch, d.Timing.Lease)
	if err == nil && tag.RowsAffected() != 1 && !models.Bad("epoch") {
		return errFenced
	}
	return err
}

// unmark says that no request is under way. The batch itself stays.
func (d *delivery) unmark(ctx context.Context) error {
	_, err := d.Store.Pool.Exec(ctx, `UPDATE batches SET posting_until = NULL WHERE connection_id = $1 AND epoch = $2`, d.lane.Connection, d.lane.Epoch)
	return err
}

// park makes the lane due when the next entry is, or never.
func (d *delivery) park(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `UPDATE lanes SET failures = 0, due_at = least(
			(SELECT min(coalesce(deliver_after, now())) FROM entries WHERE connection_id = $3 AND seq > settled_seq AND state = 'pending'),
			(SELECT min(verify_after) FROM entries WHERE connection_id = $3 AND verify_after IS NOT NULL))
		WHERE id = $1 AND epoch = $2`, d.lane.ID, d.lane.Epoch, d.lane.Connection)
	if err == nil && tag.RowsAffected() != 1 {
		return errFenced
	}
	return err
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func kindOf(err error) models.Kind {
	if err == nil {
		return ""
	}
	return models.KindOf(err)
}

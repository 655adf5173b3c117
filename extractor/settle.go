package extractor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/failpoint"
	"extractor/models"
	"extractor/targetapi"
)

// splitAfter is how often the same bytes may go unanswered before a smaller
// batch is tried: a batch that always times out is too large for its connection.
const splitAfter = 3

// settle writes down what the target's answer means. The outcome of a request
// is a fact whatever became of the lease, as long as the batch is still ours;
// so nothing here asks whether the connection is still wanted.
func (d *delivery) settle(ctx context.Context, b *batch, receipt targetapi.Receipt, failure error) error {
	var next error
	err := d.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if ours, err := d.holdBatch(ctx, tx); err != nil || !ours {
			return errors.Join(err, errFencedUnless(ours))
		}
		var err error
		next, err = d.settleIn(ctx, tx, b, receipt, failure)
		return errors.Join(err, failpoint.Hit("before settling's commit"))
	})
	if err != nil {
		return err
	}
	return next
}

func errFencedUnless(ours bool) error {
	if ours {
		return nil
	}
	return errFenced
}

// holdBatch locks the connection's outbox, for a lazy commit (see lazily), and
// confirms that the batch is still this lease's.
func (d *delivery) holdBatch(ctx context.Context, tx pgx.Tx) (bool, error) {
	if err := models.HoldOutboxLazily(ctx, tx, d.lane.Connection); err != nil {
		return false, err
	}
	var epoch int64
	err := tx.QueryRow(ctx, `SELECT epoch FROM batches WHERE connection_id = $1`, d.lane.Connection).Scan(&epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return epoch == d.lane.Epoch || models.Bad("epoch"), err
}

// settleIn returns, besides a failure of ours, what the lane stops for; nil = go on.
func (d *delivery) settleIn(ctx context.Context, tx pgx.Tx, b *batch, receipt targetapi.Receipt, failure error) (next, err error) {
	if failure == nil && receipt.Taken || models.Bad("unsure") && models.KindOf(failure) == models.Unsure {
		return nil, d.settleTaken(ctx, tx, b)
	}
	d.after = 0 // what is still pending of the batch comes first
	switch {
	case failure == nil && b.names(receipt.Refused):
		d.suspects = nil
		return nil, errors.Join(d.targetAnswered(ctx, tx), d.setAside(ctx, tx, b, receipt.Refused), d.turnedDown(ctx, tx, b))
	case failure == nil: // it names nobody, or one who was not there
		failure = models.Errorf(models.Refused, "%s refused a batch and named no item of it.", d.Target.Info().Title)
	}
	switch models.KindOf(failure) {
	case models.Refused:
		return nil, errors.Join(d.targetAnswered(ctx, tx), d.suspect(ctx, tx, b, failure), d.turnedDown(ctx, tx, b))
	case models.TooLarge:
		return nil, errors.Join(d.targetAnswered(ctx, tx), d.shrink(ctx, tx, b, failure), d.turnedDown(ctx, tx, b))
	case models.Unsure:
		if receipt.ReadBack && d.canLook() && !b.unsure { // a late copy would come after the look
			return nil, d.readBackNow(ctx, tx, b)
		}
		return failure, d.keepUnsure(ctx, tx, b)
	case models.Throttled, models.Unauthorised, models.NotFound, models.Unavailable:
		return failure, d.untouched(ctx, tx, b)
	}
	return failure, d.keepUnsure(ctx, tx, b) // what we do not understand may have been taken
}

// settleTaken notes what the target now has. Entries whose content moved on
// meanwhile stay pending. After an unclear answer earlier, a late copy of these
// bytes may still arrive: newer content waits, and the item is read back.
func (d *delivery) settleTaken(ctx context.Context, tx pgx.Tx, b *batch) error {
	later := b.unsure && d.canLook()
	tag, err := tx.Exec(ctx, takenSQL, repeat(d.lane.Connection, len(b.keys)), b.seqs, b.unsure, d.Timing.Quiet, later)
	if err == nil && tag.RowsAffected() < int64(len(b.keys)) {
		_, err = tx.Exec(ctx, takenOldSQL, repeat(d.lane.Connection, len(b.keys)), b.kinds, b.keys, b.seqs, b.unsure, d.Timing.Quiet, later)
	}
	if err != nil {
		return err
	}
	d.sent += len(b.items)
	d.suspects = d.cleared(b)
	d.lane.Failures = 0
	return errors.Join(d.count(ctx, tx, len(b.items)), d.targetAnswered(ctx, tx), d.growBatch(ctx, tx), d.dropBatch(ctx, tx))
}

const (
	// takenSQL is for entries that still have the content that was sent. They are
	// found by its turn, which costs a third less than by their keys.
	takenSQL = `UPDATE entries e SET state = CASE WHEN e.state = 'pending' THEN 'sent' ELSE e.state END,
			sent_seq = x.s, delivered_at = now(), prior_payload = NULL, held_payload = NULL,
			deliver_after = CASE WHEN $3 THEN q.at END, verify_after = CASE WHEN $5 THEN q.at ELSE e.verify_after END
		FROM unnest($1::bigint[], $2::bigint[]) x(c, s), (SELECT now() + $4::interval AS at) q
		WHERE e.connection_id = x.c AND e.seq = x.s`
	// takenOldSQL is for those whose content moved on.
	takenOldSQL = `UPDATE entries e SET sent_seq = x.s, delivered_at = now(), prior_payload = NULL,
			held_payload = coalesce(e.prior_payload, e.held_payload),
			deliver_after = CASE WHEN $5 THEN q.at END, verify_after = CASE WHEN $7 THEN q.at ELSE e.verify_after END
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) x(c, k, i, s), (SELECT now() + $6::interval AS at) q
		WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i AND e.seq <> x.s`
)

// count notes how many items the target took this minute.
func (d *delivery) count(ctx context.Context, tx pgx.Tx, items int) error {
	_, err := tx.Exec(ctx, `INSERT INTO deliveries AS d (connection_id, minute, items) VALUES ($1, date_trunc('minute', now()), $2)
		ON CONFLICT (connection_id, minute) DO UPDATE SET items = d.items + excluded.items`, d.lane.Connection, items)
	return err
}

// readBackNow is for an answer that speaks of fewer items than were sent: each
// is read back, and what the target does not hold is sent again.
func (d *delivery) readBackNow(ctx context.Context, tx pgx.Tx, b *batch) error {
	_, err := tx.Exec(ctx, `UPDATE entries e SET state = CASE WHEN e.seq = x.s AND e.state = 'pending' THEN 'sent' ELSE e.state END,
			sent_seq = x.s, delivered_at = now(), prior_payload = NULL, verify_after = now(),
			held_payload = CASE WHEN e.seq = x.s THEN e.held_payload ELSE coalesce(e.held_payload, e.prior_payload) END
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) x(c, k, i, s)
		WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i`,
		repeat(d.lane.Connection, len(b.keys)), b.kinds, b.keys, b.seqs)
	d.suspects, d.looked = nil, false
	return errors.Join(err, d.dropBatch(ctx, tx))
}

func (d *delivery) canLook() bool {
	_, ok := d.Target.(targetapi.Looker)
	return ok
}

// growBatch lets batches that were made smaller grow again, since one passed.
func (d *delivery) growBatch(ctx context.Context, tx pgx.Tx) error {
	if d.lane.BatchLimit == nil {
		return nil
	}
	if *d.lane.BatchLimit*2 < d.Target.Info().Batch {
		return d.limitBatch(ctx, tx, *d.lane.BatchLimit*2)
	}
	d.lane.BatchLimit = nil
	_, err := tx.Exec(ctx, `UPDATE lanes SET batch_limit = NULL WHERE id = $1`, d.lane.ID)
	return err
}

// cleared is what remains under suspicion after a batch was taken.
func (d *delivery) cleared(b *batch) []int64 {
	if len(d.suspects) == 0 {
		return nil
	}
	sent := make(map[int64]bool, len(b.seqs))
	for _, seq := range b.seqs {
		sent[seq] = true
	}
	var rest []int64
	for _, seq := range d.suspects {
		if !sent[seq] {
			rest = append(rest, seq)
		}
	}
	return rest
}

// targetAnswered ends a run of failures over all connections, if there was one.
func (d *delivery) targetAnswered(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE service SET target_failing_since = NULL, doubted_at = NULL, target_ok_at = now()
		WHERE target_failing_since IS NOT NULL OR doubted_at IS NOT NULL OR target_ok_at IS NULL OR target_ok_at < now() - interval '1 minute'`)
	return err
}

// dropBatch forgets the batch: its outcome is known.
func (d *delivery) dropBatch(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM batches WHERE connection_id = $1`, d.lane.Connection)
	return err
}

// turnedDown forgets a batch that the target does not take as it is. An earlier
// request with the same bytes may have been taken all the same, and take effect
// late: then whatever is sent of its items waits until that is over.
func (d *delivery) turnedDown(ctx context.Context, tx pgx.Tx, b *batch) error {
	if b.unsure {
		d.suspects = nil // they are sent without waiting
		if err := d.setFree(ctx, tx, b, 0, d.Timing.Quiet); err != nil {
			return err
		}
	}
	return d.dropBatch(ctx, tx)
}

// untouched is for answers that say the target took nothing now. An earlier
// request with the same bytes may have been taken all the same.
func (d *delivery) untouched(ctx context.Context, tx pgx.Tx, b *batch) error {
	if b.unsure {
		_, err := tx.Exec(ctx, `UPDATE batches SET posting_until = NULL WHERE connection_id = $1`, d.lane.Connection)
		return err
	}
	return d.dropBatch(ctx, tx)
}

// keepUnsure keeps the batch as it is, to be sent again with the same bytes;
// after a few times only its first half. A single item that is never answered
// makes room for the others and has another turn later.
func (d *delivery) keepUnsure(ctx context.Context, tx pgx.Tx, b *batch) error {
	if _, err := tx.Exec(ctx, `UPDATE batches SET unsure = true, posting_until = NULL WHERE connection_id = $1`, d.lane.Connection); err != nil {
		return err
	}
	n := len(b.keys)
	switch {
	case b.attempts+1 < splitAfter:
		return nil
	case n == 1:
		return errors.Join(d.setFree(ctx, tx, b, 0, max(d.Timing.Quiet, d.Timing.Anew)), d.dropBatch(ctx, tx))
	}
	return d.halve(ctx, tx, b, (n+1)/2)
}

// halve keeps the first half of an unclear batch under way and sets the rest free.
func (d *delivery) halve(ctx context.Context, tx pgx.Tx, b *batch, keep int) error {
	if err := d.setFree(ctx, tx, b, keep, d.Timing.Quiet); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE batches SET kinds = $2, keys = $3, seqs = $4, attempts = 0 WHERE connection_id = $1`,
		d.lane.Connection, b.kinds[:keep], b.keys[:keep], b.seqs[:keep])
	if err != nil {
		return err
	}
	return d.limitBatch(ctx, tx, keep)
}

// setFree takes the items from the given one on out of an unclear batch, to be
// sent again in their turn after the quiet time or longer. They may be there
// already, which a sent_seq above zero says; see maybeSent.
func (d *delivery) setFree(ctx context.Context, tx pgx.Tx, b *batch, from int, wait time.Duration) error {
	rest := len(b.keys) - from
	_, err := tx.Exec(ctx, `UPDATE entries e SET state = CASE WHEN e.state = 'sent' THEN 'pending' ELSE e.state END, prior_payload = NULL,
			sent_seq = greatest(sent_seq, 1), deliver_after = now() + $4::interval
		FROM unnest($1::bigint[], $2::text[], $3::text[]) x(c, k, i) WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i`,
		repeat(d.lane.Connection, rest), b.kinds[from:], b.keys[from:], wait)
	return errors.Join(err, d.lowerMark(ctx, tx, b.seqs[from:]))
}

func (d *delivery) limitBatch(ctx context.Context, tx pgx.Tx, limit int) error {
	d.lane.BatchLimit = &limit
	_, err := tx.Exec(ctx, `UPDATE lanes SET batch_limit = $2 WHERE id = $1`, d.lane.ID, limit)
	return err
}

// shrink makes the lane's batches smaller; a single item that is too large is set aside.
func (d *delivery) shrink(ctx context.Context, tx pgx.Tx, b *batch, failure error) error {
	if len(b.keys) > 1 {
		return d.limitBatch(ctx, tx, (len(b.keys)+1)/2)
	}
	return d.setAside(ctx, tx, b, map[models.Ref]string{b.refs()[0]: models.Sentence(failure, "too large")})
}

// suspect narrows down which item the target refuses, by halves: ten requests
// find one in a thousand.
func (d *delivery) suspect(ctx context.Context, tx pgx.Tx, b *batch, failure error) error {
	if len(b.keys) > 1 {
		d.suspects = b.seqs
		return nil
	}
	d.suspects = nil // the others may well be fine
	return d.setAside(ctx, tx, b, map[models.Ref]string{b.refs()[0]: models.Sentence(failure, "refused without a reason")})
}

// setAside makes the refused items bad items; they are kept and can be sent again.
func (d *delivery) setAside(ctx context.Context, tx pgx.Tx, b *batch, refused map[models.Ref]string) error {
	var kinds, keys, reasons []string
	for i, ref := range b.refs() {
		if reason, ok := refused[ref]; ok {
			kinds, keys, reasons = append(kinds, b.kinds[i]), append(keys, b.keys[i]), append(reasons, reason)
		}
	}
	title := d.Target.Info().Title
	_, err := tx.Exec(ctx, `WITH bad AS (
			UPDATE entries e SET state = 'bad', reason = x.why, prior_payload = NULL,
				sent_seq = CASE WHEN e.held_payload IS NULL AND e.sent_seq > 1 THEN 0 ELSE e.sent_seq END -- 1: maybeSent
			FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) x(c, k, i, why)
			WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i
				AND e.seq = ANY($5) AND e.state = 'pending' -- newer content has its own turn
			RETURNING e.*)
		INSERT INTO bad_items AS b (connection_id, stage, kind, key, record, version, message, friendly_message, mapping)
		SELECT connection_id, 'target', kind, key, record, version, reason, $6, $7 FROM bad
		ON CONFLICT (connection_id, kind, key) WHERE settled_at IS NULL DO UPDATE SET at = now(), message = excluded.message, mapping = excluded.mapping`,
		repeat(d.lane.Connection, len(keys)), kinds, keys, reasons, b.seqs,
		fmt.Sprintf("%s does not accept this item. Correct it at its source, or adjust your return by hand; everything else was sent.", title),
		d.Hosts[d.lane.Host].Info().Mapping)
	return err
}

// names reports whether any of the refused items was in the batch.
func (b *batch) names(refused map[models.Ref]string) bool {
	for _, ref := range b.refs() {
		if _, ok := refused[ref]; ok {
			return true
		}
	}
	return false
}

package extractor

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/failpoint"
	"extractor/models"
	"extractor/targetapi"
)

const (
	// verifyChunk is how many items are read back under one mark.
	verifyChunk = 50
	// verifyStart is how long after the fenced mark another item may still be asked
	// for: whoever disables or deletes waits longer than that. verifyEnd is when
	// the last answer must be there: before the mark ends.
	verifyStart = 10 * time.Second / models.Pace
	verifyEnd   = 25 * time.Second / models.Pace
	// missedRounds is how often in a row items may be missing, while others of the
	// same request are there, before they are set aside.
	missedRounds = 5
)

// errMissing is the cause of a delivery that the target says it took and does
// not have.
var errMissing = errors.New("items were not there when they were read back")

// verify reads back the items whose delivery had no clear answer, once they
// have been quiet: a late copy of an old request may have overwritten them.
func (d *delivery) verify(ctx context.Context) error {
	looker, ok := d.Target.(targetapi.Looker)
	if !ok {
		return nil
	}
	missing := 0
	for time.Now().Before(d.until) {
		b, err := d.prepareVerify(ctx)
		if err == nil && b == nil && missing > 0 {
			return models.Errorf(models.Unavailable, "%s does not have all items that it was sent. We send them again by ourselves.", d.Target.Info().Title).Because(errMissing)
		}
		if err != nil || b == nil {
			return err
		}
		if err := failpoint.Hit("before reading back"); err != nil {
			return err
		}
		held, err := d.look(ctx, looker, b)
		if err := failpoint.Hit("after reading back"); err != nil {
			return err
		}
		if settled := d.settleVerify(context.WithoutCancel(ctx), b, held, err); settled != nil {
			return settled
		}
		if err != nil {
			return err
		}
		missing += len(missingOf(b, held))
	}
	return nil
}

// prepareVerify marks a chunk of items as being read back, under the fence.
// While a batch is unsettled nothing is read back: it decides first.
func (d *delivery) prepareVerify(ctx context.Context) (*batch, error) {
	var b batch
	err := d.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if _, err := d.lane.fence(ctx, tx); err != nil {
			return err
		}
		if err := models.LockOutbox.Hold(ctx, tx, d.lane.Connection); err != nil {
			return err
		}
		// sent_seq is compared with seq when it is settled: newer content is sent anyway.
		rows, err := tx.Query(ctx, `SELECT kind, key, seq, payload FROM entries WHERE connection_id = $1 AND verify_after <= now()
			AND NOT EXISTS (SELECT 1 FROM batches WHERE connection_id = $1 AND NOT reading) ORDER BY verify_after LIMIT $2`, d.lane.Connection, verifyChunk)
		if err != nil {
			return err
		}
		if err := b.read(rows); err != nil || len(b.items) == 0 {
			return err
		}
		return d.mark(ctx, tx, &b, true)
	})
	if err != nil || len(b.items) == 0 {
		return nil, err
	}
	return &b, nil
}

// look asks for each item; what it could not ask for is missing in the answer.
func (d *delivery) look(ctx context.Context, looker targetapi.Looker, b *batch) (map[models.Ref]bool, error) {
	held := map[models.Ref]bool{}
	ctx, cancel := context.WithDeadline(ctx, b.marked.Add(verifyEnd))
	defer cancel()
	for i, ref := range b.refs() {
		if time.Since(b.marked) > verifyStart || ctx.Err() != nil {
			break
		}
		holds, err := looker.Holds(ctx, d.account, b.items[i])
		if err != nil {
			return held, err
		}
		held[ref] = holds
	}
	return held, nil
}

// missingOf are the items that were asked for and are not there.
func missingOf(b *batch, held map[models.Ref]bool) (missing []models.Ref) {
	for _, ref := range b.refs() {
		if holds, asked := held[ref]; asked && !holds {
			missing = append(missing, ref)
		}
	}
	return missing
}

// settleVerify clears what was confirmed; what the target has otherwise is sent
// again. After a failure nothing is asked for a while, so that a target which
// cannot be read holds up no deliveries.
func (d *delivery) settleVerify(ctx context.Context, b *batch, held map[models.Ref]bool, failure error) error {
	var kinds, keys []string
	var seqs []int64
	var holds []bool
	for i, ref := range b.refs() {
		if h, asked := held[ref]; asked {
			kinds, keys, seqs, holds = append(kinds, b.kinds[i]), append(keys, b.keys[i]), append(seqs, b.seqs[i]), append(holds, h)
		}
	}
	return d.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if ours, err := d.holdBatch(ctx, tx); err != nil || !ours {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE entries e SET verify_after = NULL,
				state = CASE WHEN e.state = 'sent' AND e.seq = x.s AND NOT x.holds THEN 'pending' ELSE e.state END,
				held_payload = CASE WHEN e.seq <> x.s OR NOT x.holds THEN e.held_payload END
			FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::boolean[]) x(c, k, i, s, holds)
			WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i`, repeat(d.lane.Connection, len(keys)), kinds, keys, seqs, holds)
		if err == nil && failure != nil {
			_, err = tx.Exec(ctx, `UPDATE entries SET verify_after = now() + $2::interval WHERE connection_id = $1 AND verify_after <= now()`,
				d.lane.Connection, d.Timing.Quiet)
		}
		if err == nil && len(seqs) > 0 {
			err = d.lowerMark(ctx, tx, seqs)
		}
		if err != nil {
			return err
		}
		return errors.Join(d.setMissingAside(ctx, tx, b, held), d.dropBatch(ctx, tx))
	})
}

// setMissingAside gives up on items that were missing again and again, while the
// target has others of the same request.
func (d *delivery) setMissingAside(ctx context.Context, tx pgx.Tx, b *batch, held map[models.Ref]bool) error {
	missing := missingOf(b, held)
	if d.lane.Failures < missedRounds || len(missing) == 0 || len(missing) == len(held) {
		return nil
	}
	refused := make(map[models.Ref]string, len(missing))
	for _, ref := range missing {
		refused[ref] = d.Target.Info().Title + " answered, but does not have this item."
	}
	return d.setAside(ctx, tx, b, refused)
}

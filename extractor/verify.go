package extractor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
	"extractor/targetapi"
)

const (
	// verifyChunk is how many items are read back under one mark.
	verifyChunk = 50
	// verifyTime bounds one chunk, so that its requests end before the mark does.
	verifyTime = 20 * time.Second
)

// verify reads back the items whose delivery had no clear answer, once they
// have been quiet: a late copy of an old request may have overwritten them.
func (d *delivery) verify(ctx context.Context) error {
	looker, ok := d.Target.(targetapi.Looker)
	if !ok {
		return nil
	}
	for time.Now().Before(d.until) {
		b, err := d.prepareVerify(ctx)
		if err != nil || b == nil {
			return err
		}
		held, err := d.look(ctx, looker, b)
		if settled := d.settleVerify(context.WithoutCancel(ctx), b, held); settled != nil {
			return settled
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prepareVerify marks a chunk of items as being read back, under the fence.
// While a batch is unsettled nothing is read back: it decides first.
func (d *delivery) prepareVerify(ctx context.Context) (*batch, error) {
	var b batch
	err := d.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if _, _, err := d.lane.fence(ctx, tx); err != nil {
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
	b.marked = time.Now()
	return &b, nil
}

// look asks for each item; what it could not ask for is missing in the answer.
func (d *delivery) look(ctx context.Context, looker targetapi.Looker, b *batch) (map[models.Ref]bool, error) {
	held := map[models.Ref]bool{}
	for i, ref := range b.refs() {
		if time.Since(b.marked) > verifyTime || ctx.Err() != nil {
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

// settleVerify clears what was confirmed; what the target has otherwise is sent again.
func (d *delivery) settleVerify(ctx context.Context, b *batch, held map[models.Ref]bool) error {
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
		// What is not there is not sent again at once: a target that keeps losing an item must not keep us busy.
		_, err := tx.Exec(ctx, `UPDATE entries e SET verify_after = NULL, deliver_after = CASE WHEN NOT x.holds THEN now() + $6::interval END,
				state = CASE WHEN e.state = 'sent' AND e.seq = x.s AND NOT x.holds THEN 'pending' ELSE e.state END,
				held_payload = CASE WHEN e.seq <> x.s OR NOT x.holds THEN e.held_payload END
			FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::boolean[]) x(c, k, i, s, holds)
			WHERE e.connection_id = x.c AND e.kind = x.k AND e.key = x.i`, repeat(d.lane.Connection, len(keys)), kinds, keys, seqs, holds, d.Timing.Resend)
		if err != nil {
			return err
		}
		return d.dropBatch(ctx, tx)
	})
}

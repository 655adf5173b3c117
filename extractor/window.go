package extractor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// rounds is into how many windows for each of its lanes what is left of a past is
// cut at the least: the fewer, the longer one lane reads on alone in the end.
const rounds = 2

// coarse is how many times the host's smallest window none is cut below while no
// more than half of all lanes are of use: then one that reads on alone in the end
// costs less than many windows, each with a claim and a last commit that is not full.
const coarse = 5

// finest is the smallest window that is worth its cost just now.
func (p *past) finest(least time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.room <= p.most/2 {
		return coarse * least
	}
	return least
}

// shareOut leaves the older part of a window that nobody has begun to read to other
// lanes, where the host lets us: whole windows are few, and differ in what they hold.
func (s *slice) shareOut(ctx context.Context) error {
	least := s.past.finest(s.host.Info().Window)
	if s.lane.Kind != models.LaneBackfill || least <= 0 || s.lane.Cursor != "" {
		return nil
	}
	w := s.window()
	if w.To.Sub(w.From) < 2*least {
		return nil
	}
	return s.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if _, err := s.lane.fence(ctx, tx); err != nil {
			return err
		}
		left, err := s.unread(ctx, tx)
		if err != nil {
			return err
		}
		fair := max(least, (left+w.To.Sub(w.From))/time.Duration(rounds*max(1, s.host.Info().Parallel))).Truncate(time.Second) // no finer than the column
		if from := w.To.Add(-fair); from.Sub(w.From) >= least {
			return s.cut(ctx, tx, from)
		}
		return nil
	})
}

// unread is how much of the connection's past waits for a lane.
func (s *slice) unread(ctx context.Context, tx pgx.Tx) (left time.Duration, err error) {
	err = tx.QueryRow(ctx, `SELECT coalesce(sum(to_at - from_at), '0') FROM lanes
		WHERE connection_id = $1 AND kind = 'backfill' AND due_at IS NOT NULL AND (leased_until IS NULL OR leased_until <= now())`, s.lane.Connection).Scan(&left)
	return left, err
}

// cut makes the window begin at from, and what lies before another one, which is
// due as this one is.
func (s *slice) cut(ctx context.Context, tx pgx.Tx, from time.Time) error {
	tag, err := tx.Exec(ctx, `WITH newer AS (UPDATE lanes SET from_at = $3 WHERE id = $1 AND epoch = $2 RETURNING connection_id, due_at)
		INSERT INTO lanes (connection_id, kind, from_at, to_at, due_at) SELECT connection_id, 'backfill', $4, $3, due_at FROM newer`,
		s.lane.ID, s.lane.Epoch, from, *s.lane.From)
	if err == nil && tag.RowsAffected() != 1 {
		err = errFenced
	}
	if err == nil {
		s.lane.From = &from
	}
	return err
}

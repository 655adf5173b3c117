package extractor

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/failpoint"
	"extractor/models"
)

const (
	// stillMost is how many lanes without news are settled in one transaction.
	stillMost = 128
	// stillTime is how long the first of them waits for others: nothing depends on
	// it, and it is short beside a lease.
	stillTime = time.Second / models.Pace
)

// still is a lane whose pull brought no news.
type still struct {
	lane *lane
	top  time.Time // the end of the window that was read
}

// settleStill settles lanes without news as they come, many at a time, until
// feed is closed.
func (e *Engine) settleStill(ctx context.Context, feed <-chan still) {
	ctx = context.WithoutCancel(ctx) // what was read is read, also when the process ends
	for first := range feed {
		some := gatherStill(first, feed)
		if err := e.settleTogether(ctx, some); err != nil {
			slog.Error("lanes without news not settled; their leases expire by themselves", "lanes", len(some), "error", err)
		}
	}
}

func gatherStill(first still, feed <-chan still) []still {
	some := []still{first}
	patience := time.NewTimer(stillTime)
	defer patience.Stop()
	for len(some) < stillMost {
		select {
		case s, ok := <-feed:
			if !ok {
				return some
			}
			some = append(some, s)
		case <-patience.C:
			return some
		}
	}
	return some
}

// settleTogether moves lanes to the end of their windows and gives them back. One
// that is no longer ours, or whose connection is being changed or was, is given
// back as it was: whoever has it next looks again.
func (e *Engine) settleTogether(ctx context.Context, some []still) error {
	if err := failpoint.Hit("before lanes without news are settled"); err != nil {
		return err
	}
	var settled []settledLane
	err := e.Store.InPgxTx(ctx, func(tx pgx.Tx) (err error) {
		settled, err = e.moveStill(ctx, tx, some)
		return err
	})
	if err != nil {
		return err
	}
	slog.Info("no news", "lanes", len(settled))
	return e.afterStill(ctx, some, settled)
}

// stillSQL is for many lanes what finishPull is for one, and ends their leases.
// Connections are locked first, in the order of their ids. All that it goes by
// is passed as arrays of the same length.
const stillSQL = `
WITH x AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[]) x(lane, epoch, connection, generation, top)),
held AS (
  SELECT x.*, c.trouble_since IS NOT NULL OR c.last_sync_at IS NULL AS unsettled FROM x JOIN connections c ON c.id = x.connection
  WHERE c.generation = x.generation AND c.active AND EXISTS (SELECT 1 FROM service s WHERE s.enabled AND s.pause = '')
  ORDER BY c.id FOR NO KEY UPDATE OF c),
moved AS (
  UPDATE lanes l SET from_at = greatest(l.from_at, h.top), to_at = NULL, cursor = '', pages = 0, failures = 0,
    due_at = now() + $6::interval, leased_until = NULL
  FROM held h WHERE l.id = h.lane AND l.epoch = h.epoch RETURNING l.id, l.epoch, l.connection_id, l.due_at, h.unsettled)
UPDATE connections c SET last_sync_at = now(), next_sync_at = m.due_at, trouble_since = NULL
FROM moved m WHERE c.id = m.connection_id RETURNING m.id, m.epoch, c.id, m.unsettled`

// settledLane is a lane that was settled together with others.
type settledLane struct {
	ID, Epoch, Connection int64
	Unsettled             bool // the status sentence speaks of trouble, or of the first sync
}

// moveStill settles those whose connections nobody is about to disable, rename or
// delete. The commit is lazy: a position that a crash of Postgres undoes is
// looked at again.
func (e *Engine) moveStill(ctx context.Context, tx pgx.Tx, some []still) ([]settledLane, error) {
	if err := lazily(ctx, tx); err != nil {
		return nil, err
	}
	connections := make([]int64, len(some))
	for i, s := range some {
		connections[i] = s.lane.Connection
	}
	free, err := models.LockControl.TryShare(ctx, tx, connections)
	if err != nil {
		return nil, err
	}
	var lanes, epochs, of, generations []int64
	var tops []time.Time
	for _, s := range some {
		if free[s.lane.Connection] {
			lanes, epochs, of = append(lanes, s.lane.ID), append(epochs, s.lane.Epoch), append(of, s.lane.Connection)
			generations, tops = append(generations, s.lane.Generation), append(tops, s.top)
		}
	}
	rows, err := tx.Query(ctx, stillSQL, lanes, epochs, of, generations, tops, e.SyncInterval)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[settledLane])
}

// afterStill gives back what was not settled, and tells of trouble that is over.
func (e *Engine) afterStill(ctx context.Context, some []still, settled []settledLane) error {
	done := map[[2]int64]bool{}
	for _, s := range settled {
		done[[2]int64{s.ID, s.Epoch}] = true
		if s.Unsettled {
			e.restate(ctx, s.Connection)
		}
	}
	for _, s := range some {
		if !done[[2]int64{s.lane.ID, s.lane.Epoch}] {
			e.react(ctx, s.lane, hostSide, errFenced)
		}
	}
	return nil
}

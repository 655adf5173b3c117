package models

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// mostCounted bounds what is counted for a gauge: beyond it the figure says
// enough, and a look at the tables must stay cheap while much is due.
const mostCounted = 100_000

// Load is what operators watch, as gauges.
type Load struct {
	Pulse
	Lanes         []LaneLoad
	Pending       int64 // items not delivered yet, mostCounted at most
	Bad           int64 // records and items that are set aside
	PausedHost    int64 // connections that the host no longer lets into, since whenever
	PausedTarget  int64 // connections that the target does not know
	LastDelivered *time.Time
}

// LaneLoad is how much of a kind of work waits for a worker.
type LaneLoad struct {
	Kind   LaneKind
	Due    int64         // lanes, mostCounted at most
	Oldest time.Duration // how long the oldest has been due
}

// Load counts. It is meant to be cached.
func (s *Store) Load(ctx context.Context) (*Load, error) {
	pulse, err := s.Pulse(ctx)
	if err != nil {
		return nil, err
	}
	l := Load{Pulse: *pulse}
	if l.Lanes, err = s.laneLoads(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	err = s.Pool.QueryRow(ctx, `SELECT
			(SELECT count(*) FROM (SELECT 1 FROM lanes l JOIN entries e ON e.connection_id = l.connection_id AND e.seq > l.settled_seq AND e.state = 'pending'
				WHERE l.kind = 'delivery' AND l.due_at IS NOT NULL LIMIT $1) p),
			(SELECT count(*) FROM (SELECT 1 FROM bad_items WHERE settled_at IS NULL LIMIT $1) b),
			count(*) FILTER (WHERE pause = $2), count(*) FILTER (WHERE pause = $3),
			(SELECT target_ok_at FROM service)
		FROM connections WHERE deleted_at IS NULL AND pause <> '' AND wish <> 'off'`, mostCounted, PauseUnauthorised, PauseUnknownTarget).
		Scan(&l.Pending, &l.Bad, &l.PausedHost, &l.PausedTarget, &l.LastDelivered)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &l, nil
}

func (s *Store) laneLoads(ctx context.Context) ([]LaneLoad, error) {
	kinds := []LaneKind{LaneIncremental, LaneBackfill, LaneDelivery, LaneReconcile}
	rows, err := s.Pool.Query(ctx, `SELECT k, d.due, coalesce(now() - d.oldest, interval '0')
		FROM unnest($1::text[]) k, LATERAL (SELECT count(*) AS due, min(due_at) AS oldest FROM (
			SELECT l.due_at FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.active
			WHERE l.kind = k AND l.due_at <= now() AND (l.leased_until IS NULL OR l.leased_until <= now()) ORDER BY l.due_at LIMIT $2) x) d`, kinds, mostCounted)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[LaneLoad])
}

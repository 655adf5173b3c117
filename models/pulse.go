package models

import (
	"context"
	"fmt"
	"time"
)

// Pulse is what GET /health is made of.
type Pulse struct {
	Service      Service
	Crew         Crew
	Now          time.Time  // the database's clock
	Active       int64      // connections that are able to work
	Troubled     int64      // those of them whose host fails
	Throttled    int64      // those of them whose host, or our own quota, makes us wait
	Unauthorised int64      // connections that a host let in no longer, lately
	Unknown      int64      // connections that the target does not know, lately
	Failing      int64      // active connections whose work fails again and again for another reason
	WaitingSince *time.Time // the oldest work that waits for a worker; nil: none does
}

// pauseNews is how long the pause of a single connection is the service's
// concern: later it is its merchant's alone, who may never come back.
const pauseNews = time.Hour

// Pulse reads our own tables only: neighbours are judged by what the workers saw last.
func (s *Store) Pulse(ctx context.Context) (*Pulse, error) {
	v, err := s.Service(ctx)
	if err != nil {
		return nil, err
	}
	crew, err := s.Crew(ctx)
	if err != nil {
		return nil, err
	}
	p := Pulse{Service: *v, Crew: *crew}
	if err := s.countConnections(ctx, &p); err != nil {
		return nil, fmt.Errorf("pulse: %w", err)
	}
	if err := s.countLanes(ctx, &p); err != nil {
		return nil, fmt.Errorf("pulse: %w", err)
	}
	return &p, nil
}

// countConnections goes by status_changed_at for the time of a pause: the
// sentence changes with it.
func (s *Store) countConnections(ctx context.Context, p *Pulse) error {
	return s.Pool.QueryRow(ctx, `SELECT now(), count(*) FILTER (WHERE active),
			count(*) FILTER (WHERE active AND trouble_since IS NOT NULL),
			count(*) FILTER (WHERE active AND throttled_until > now()),
			count(*) FILTER (WHERE pause = $1 AND status_changed_at > now() - $3::interval),
			count(*) FILTER (WHERE pause = $2 AND status_changed_at > now() - $3::interval)
		FROM connections WHERE deleted_at IS NULL AND wish <> 'off'`, PauseUnauthorised, PauseUnknownTarget, pauseNews).
		Scan(&p.Now, &p.Active, &p.Troubled, &p.Throttled, &p.Unauthorised, &p.Unknown)
}

// failingSQL are active connections with work that fails again and again
// although its neighbour does not; $1: the target fails.
const failingSQL = `SELECT DISTINCT c.id FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.active
	WHERE l.failures > 3 AND (l.kind <> 'delivery' OR NOT $1)
		AND (l.kind = 'delivery' OR c.trouble_since IS NULL AND coalesce(c.throttled_until <= now(), true))`

// mostFailing bounds how many are named; more are not one merchant's matter.
const mostFailing = 1000

// Failing are connections whose work fails again and again for a reason that is
// not their host's, nor the target's.
func (s *Store) Failing(ctx context.Context) (map[int64]bool, error) {
	v, err := s.Service(ctx)
	if err != nil {
		return nil, err
	}
	var ids []int64
	if err := s.Pool.QueryRow(ctx, `SELECT coalesce(array_agg(id), '{}') FROM (`+failingSQL+` LIMIT $2) f`, v.TargetFails(), mostFailing).Scan(&ids); err != nil {
		return nil, fmt.Errorf("failing: %w", err)
	}
	failing := make(map[int64]bool, len(ids))
	for _, id := range ids {
		failing[id] = true
	}
	return failing, nil
}

// countLanes counts what nobody comes for, and what fails although its
// neighbours do not. Windows of the past and recounts may wait long.
func (s *Store) countLanes(ctx context.Context, p *Pulse) error {
	return s.Pool.QueryRow(ctx, `SELECT
			(SELECT min(first) FROM unnest(ARRAY['incremental', 'delivery']) k, LATERAL (
				SELECT l.due_at AS first FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.active
				WHERE l.kind = k AND l.due_at <= now() AND (l.leased_until IS NULL OR l.leased_until <= now()) ORDER BY l.due_at LIMIT 1) d),
			(SELECT count(*) FROM (`+failingSQL+`) f)`,
		p.Service.TargetFails()).Scan(&p.WaitingSince, &p.Failing)
}

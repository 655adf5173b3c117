package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// WorkerSilence is how long a worker may be silent and count as alive: three
// signs of life and some seconds, so that one late commit alarms nobody, and
// short enough that dead workers show within a minute.
const WorkerSilence = 35 * time.Second / Pace

// Crew is who works on the lanes.
type Crew struct {
	Alive  int        // processes that were heard of within WorkerSilence
	SeenAt *time.Time // the last sign of life of any; nil: none was ever heard of
}

// Beat notes that a worker lives. Those that have been silent for a day are forgotten.
func (s *Store) Beat(ctx context.Context, worker uuid.UUID) error {
	_, err := s.Pool.Exec(ctx, `WITH gone AS (DELETE FROM workers WHERE seen_at < now() - interval '1 day' AND id <> $1)
		INSERT INTO workers (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()`, worker)
	if err != nil {
		return fmt.Errorf("sign of life: %w", err)
	}
	return nil
}

// Crew reads a table of a few rows.
func (s *Store) Crew(ctx context.Context) (*Crew, error) {
	var c Crew
	err := s.Pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE seen_at > now() - $1::interval), max(seen_at) FROM workers`, WorkerSilence).
		Scan(&c.Alive, &c.SeenAt)
	if err != nil {
		return nil, fmt.Errorf("crew: %w", err)
	}
	return &c, nil
}

// Missing says, to operators, that nobody works and what to do; "" when somebody does.
func (c *Crew) Missing() string {
	switch {
	case c.Alive > 0:
		return ""
	case c.SeenAt == nil:
		return "No worker has ever run, so nothing is synchronised. Start one: the process extractor worker, or extractor serve with WORKERS=1."
	}
	return fmt.Sprintf("No worker has been heard of since %s, so nothing is synchronised; nothing is lost. "+
		"Start one: the process extractor worker, or extractor serve with WORKERS=1. If one runs, its log tells what keeps it from the database.",
		c.SeenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// TellMissing writes down as a failure that nobody works, while somebody should.
func (s *Store) TellMissing(ctx context.Context) error {
	crew, err := s.Crew(ctx)
	if err != nil || crew.Alive > 0 {
		return err
	}
	v, err := s.Service(ctx)
	if err != nil || !v.Enabled {
		return err
	}
	return s.RecordFailure(ctx, FailureSystem, nil, crew.Missing())
}

package models

import (
	"context"
	"fmt"
	"time"
)

// Service is the service as a whole. The columns are told in
// migrations/00001_engine.sql.
type Service struct {
	ID                 bool `gorm:"primaryKey"`
	Enabled            bool // the consumer's wish
	Pause              string
	ProbeAt            *time.Time
	DoubtedAt          *time.Time
	TargetFailingSince *time.Time
	TargetOkAt         *time.Time
	UpdatedAt          time.Time
}

// TableName is the table's name: there is one service.
func (Service) TableName() string { return "service" }

// Working reports whether the service synchronises: the consumer's wish and our
// own pause together.
func (s *Service) Working() bool { return s.Enabled && s.Pause == "" }

// TargetFails reports whether the target failed, or refused our token, when it
// was asked last.
func (s *Service) TargetFails() bool {
	return s.TargetFailingSince != nil || s.DoubtedAt != nil || s.Pause != ""
}

// Service is the state of the service as a whole.
func (s *Store) Service(ctx context.Context) (*Service, error) {
	var v Service
	if err := s.DB(ctx).Take(&v).Error; err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return &v, nil
}

// SwitchService notes the consumer's wish for the whole service. Switching on
// what we paused ourselves makes the next probe due at once: the person who
// asks has probably mended something.
func (s *Store) SwitchService(ctx context.Context, enabled bool) (*Service, error) {
	err := s.DB(ctx).Exec(`UPDATE service SET enabled = @on, updated_at = now(),
		probe_at = CASE WHEN @on AND pause <> '' THEN now() ELSE probe_at END`,
		map[string]any{"on": enabled}).Error
	if err != nil {
		return nil, fmt.Errorf("switch service: %w", err)
	}
	return s.Service(ctx)
}

// UserCount is how many connections there are.
func (s *Store) UserCount(ctx context.Context) (int64, error) {
	var n int64
	err := s.DB(ctx).Model(&Connection{}).Where("deleted_at IS NULL AND external_id IS NOT NULL").Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("user count: %w", err)
	}
	return n, nil
}

// Workload is how busy the service is. A nil figure is not known: nothing ran.
type Workload struct {
	JobsPending       int64    // jobs and connections that wait for a worker now
	DurationMin       *float64 // milliseconds, of the jobs finished in the last hour
	DurationMax       *float64
	DurationAvg       *float64
	HourlySyncedCount int64 // items the target took in the last hour
	DailySyncedCount  int64 // and in the last 24 hours
}

// Workload counts what waits and what was done. It reads recent rows only, but
// is meant to be cached.
func (s *Store) Workload(ctx context.Context) (*Workload, error) {
	var w Workload
	err := s.Pool.QueryRow(ctx, `SELECT
			(SELECT count(*) FROM river_job WHERE state IN ('available', 'pending', 'retryable') AND scheduled_at <= now())
				+ (SELECT count(*) FROM lanes WHERE due_at <= now() AND (leased_until IS NULL OR leased_until <= now())),
			min(ms), max(ms), avg(ms)
		FROM (SELECT extract(epoch FROM finalized_at - attempted_at)::float8 * 1000 AS ms FROM river_job
			WHERE state = 'completed' AND finalized_at > now() - interval '1 hour') d`).
		Scan(&w.JobsPending, &w.DurationMin, &w.DurationMax, &w.DurationAvg)
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	err = s.Pool.QueryRow(ctx, `SELECT coalesce(sum(items) FILTER (WHERE minute > now() - interval '1 hour'), 0), coalesce(sum(items), 0)
		FROM deliveries WHERE minute > now() - interval '1 day'`).Scan(&w.HourlySyncedCount, &w.DailySyncedCount)
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	return &w, nil
}

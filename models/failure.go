package models

import (
	"context"
	"fmt"
	"time"
)

// FailureType is the contract's word for where a failure belongs.
type FailureType string

// The types of failure.
const (
	FailureIntegration FailureType = "INTEGRATION" // throttling, time-outs, retries
	FailureConnection  FailureType = "CONNECTION"  // authorisation
	FailureSystem      FailureType = "SYSTEM"      // ours: memory, database, our own token
)

// newestListed is how many failures and bad items are listed: more than a
// person reads, and an answer of a few megabytes at most.
const newestListed = 10_000

// repeatSpan is how long an identical failure counts as the same one: longer
// than any backoff between two tries, short enough that a trouble which goes on
// is seen to go on.
const repeatSpan = 10 * time.Minute

// Failure is one line of GET /errors.
type Failure struct {
	ID           int64 `gorm:"primaryKey"`
	At           time.Time
	Type         FailureType
	ConnectionID *int64
	Message      string
}

// RecordFailure writes a failure down for the consumer. The message is a
// sentence without secrets; that of a connection is preceded by the id which
// the connection has now. The same failure within some minutes is one line.
func (s *Store) RecordFailure(ctx context.Context, t FailureType, connectionID *int64, message string) error {
	_, err := s.Pool.Exec(ctx, `WITH f AS (
			SELECT CASE WHEN $2::bigint IS NULL THEN $3::text
				ELSE coalesce((SELECT 'Connection ' || external_id || ': ' FROM connections WHERE id = $2), 'A new connection: ') || $3 END AS message
		)
		INSERT INTO failures (type, connection_id, message) SELECT $1, $2, f.message FROM f
		WHERE NOT EXISTS (SELECT 1 FROM failures o WHERE o.connection_id IS NOT DISTINCT FROM $2
			AND o.type = $1 AND o.message = f.message AND o.at > now() - $4::interval)`,
		string(t), connectionID, message, repeatSpan.String())
	if err != nil {
		return fmt.Errorf("record failure: %w", err)
	}
	return nil
}

// Failures are the newest failures at or after since (nil: all), newest first.
func (s *Store) Failures(ctx context.Context, since *time.Time) ([]Failure, error) {
	q := s.DB(ctx).Order("at DESC, id DESC").Limit(newestListed)
	if since != nil {
		q = q.Where("at >= ?", *since)
	}
	var list []Failure
	if err := q.Find(&list).Error; err != nil {
		return nil, fmt.Errorf("failures: %w", err)
	}
	return list, nil
}

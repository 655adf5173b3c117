package models

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// repeatSpan is how long an identical activity or failure counts as the same
// one: longer than any backoff between two tries, short enough that a trouble
// which goes on is seen to go on.
const repeatSpan = 10 * time.Minute

// Activity is something that happened to a connection, in the merchant's words.
type Activity struct {
	ID           int64 `gorm:"primaryKey"`
	ConnectionID int64
	At           time.Time `gorm:"default:now()"`
	Action       string
}

// Execer runs one statement: a pgx transaction or the pool.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// RecordActivity writes down what happened, in plain words for the merchant
// ("sent 214 items to Trustfile"). db is the transaction of the change, or the
// pool. The same words as the newest activity within some minutes only move its time.
func RecordActivity(ctx context.Context, db Execer, connectionID int64, action string) error {
	_, err := db.Exec(ctx, `WITH newest AS (
			SELECT id, at, action FROM activities WHERE connection_id = $1 ORDER BY at DESC, id DESC LIMIT 1
		), moved AS (
			UPDATE activities a SET at = now() FROM newest n
			WHERE a.id = n.id AND n.action = $2 AND n.at > now() - $3::interval RETURNING 1
		)
		INSERT INTO activities (connection_id, action) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM moved)`,
		connectionID, action, repeatSpan.String())
	if err != nil {
		return fmt.Errorf("record activity: %w", err)
	}
	return nil
}

// recordActivity writes down a change of state, always.
func recordActivity(tx *gorm.DB, connectionID int64, action string) error {
	return tx.Exec(`INSERT INTO activities (connection_id, action) VALUES (?, ?)`, connectionID, action).Error
}

// Activities are a connection's newest activities of the last days, newest first.
func (s *Store) Activities(ctx context.Context, connectionID int64, days, limit int) ([]Activity, error) {
	var list []Activity
	err := s.DB(ctx).Where("connection_id = ? AND at > now() - make_interval(days => ?)", connectionID, days).
		Order("at DESC, id DESC").Limit(limit).Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	return list, nil
}

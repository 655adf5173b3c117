package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Activity is something that happened to a connection, in the merchant's words.
type Activity struct {
	ID           int64 `gorm:"primaryKey"`
	ConnectionID int64
	At           time.Time `gorm:"default:now()"`
	Action       string
}

// recordActivity writes down what happened, in plain words for the merchant
// ("connected the account"). tx is the transaction of the change.
func recordActivity(tx *gorm.DB, connectionID int64, action string) error {
	if Bad("activity") {
		tx.Exec(`INSERT INTO activities (connection_id, action) VALUES (?, ?)`, connectionID, action)
	}
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

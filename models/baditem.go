package models

import (
	"context"
	"fmt"
	"time"
)

// BadStage says who refused a record or item.
type BadStage string

// The stages.
const (
	BadTransform BadStage = "transform" // we could not make an item of the host's record
	BadTarget    BadStage = "target"    // the target refused the item
)

// BadItem is a record or item that was set aside and is not settled yet.
type BadItem struct {
	ID              int64
	ExternalID      string // of its connection
	At              time.Time
	Stage           BadStage
	Kind            string // of the entry; KindRecord: the host's record as a whole
	Key             string
	Message         string  // what is wrong, technically
	FriendlyMessage string  // what the merchant can do
	Payload         *string // the canonical item as JSON; nil: there is none
}

// BadItems are the newest open bad items of all connections at or after since
// (nil: all), newest first.
func (s *Store) BadItems(ctx context.Context, since *time.Time) ([]BadItem, error) {
	var list []BadItem
	err := s.DB(ctx).Raw(`SELECT b.id, c.external_id, b.at, b.stage, b.kind, b.key, b.message, b.friendly_message, e.payload
		FROM bad_items b JOIN connections c ON c.id = b.connection_id
		LEFT JOIN entries e ON e.connection_id = b.connection_id AND e.kind = b.kind AND e.key = b.key
		WHERE b.settled_at IS NULL AND c.deleted_at IS NULL AND c.external_id IS NOT NULL
			AND (?::timestamptz IS NULL OR b.at >= ?)
		ORDER BY b.at DESC, b.id DESC LIMIT ?`, since, since, newestListed).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("bad items: %w", err)
	}
	return list, nil
}

package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Shown is what consumers see of a connection.
type Shown struct {
	ID              int64
	Host            string // folder name of the adapter
	Enabled         bool
	Active          bool // enabled, and able to work
	Authorized      bool
	HostLabel       *string
	StartDate       *time.Time // midnight UTC of the merchant-local day
	StatusChangedAt time.Time
	LastSyncAt      *time.Time
	NextSyncAt      *time.Time
	ThrottledUntil  *time.Time // when the host lets us ask again
	StatusMessage   string
	Refused         bool // some of its sales could not be sent as they are
}

const shownSQL = `SELECT id, host, enabled, active, authorized, host_label, start_date, status_changed_at, last_sync_at, next_sync_at, throttled_until, status_message,
	EXISTS (SELECT FROM bad_items b WHERE b.connection_id = connections.id AND b.settled_at IS NULL)
	FROM connections WHERE external_id = $1 AND deleted_at IS NULL`

// ShowConnection is the live connection of a connectionId, or NotFound. It is
// what consumers ask most, so it is one statement, and past GORM.
func (s *Store) ShowConnection(ctx context.Context, externalID string) (*Shown, error) {
	if !storable(externalID) {
		return nil, errNoConnection
	}
	var v Shown
	err := s.Pool.QueryRow(ctx, shownSQL, externalID).Scan(&v.ID, &v.Host, &v.Enabled, &v.Active, &v.Authorized, &v.HostLabel, &v.StartDate,
		&v.StatusChangedAt, &v.LastSyncAt, &v.NextSyncAt, &v.ThrottledUntil, &v.StatusMessage, &v.Refused)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoConnection
	}
	if err == nil && v.StatusMessage == "" { // made by a way that wrote none yet
		v.StatusMessage, err = s.stateNow(ctx, externalID)
	}
	if err != nil {
		return nil, fmt.Errorf("show connection: %w", err)
	}
	if v.Refused {
		v.StatusMessage = strings.Replace(v.StatusMessage, nothingToDo, refusedSales, 1)
	}
	return &v, nil
}

// stateNow is the status sentence as the row would have it.
func (s *Store) stateNow(ctx context.Context, externalID string) (string, error) {
	c, err := s.FindConnection(ctx, externalID)
	if err != nil {
		return "", err
	}
	return StatusSentence(c, s.Title(c.Host)), nil
}

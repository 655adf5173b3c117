package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Change is what a PUT asks of a connection; what is nil stays as it is.
type Change struct {
	Enabled    *bool
	ExternalID *string
	StartDate  *time.Time
}

var errNoStartDate = Errorf(Invalid, "This connection has no start date, so it cannot be enabled. Send a startDate as well, for example \"2018-04-01\".")

// ChangeConnection applies all of a change or nothing. When it disables or
// renames, it returns after the last request to the target under the old state.
func (s *Store) ChangeConnection(ctx context.Context, externalID string, ch Change) (*Connection, error) {
	var c Connection
	err := s.InTx(ctx, func(tx *gorm.DB) error {
		old, err := lockConnection(tx, externalID)
		if err != nil {
			return err
		}
		if c = *old; ch == (Change{}) {
			return nil
		}
		return s.apply(tx, old, ch, &c)
	})
	if violates(err, "connections_external_id") {
		return nil, errIDInUse.Because(err)
	}
	if err != nil {
		return nil, err
	}
	if ch.halts(externalID) {
		return &c, s.AwaitPosting(ctx, c.ID)
	}
	return &c, nil
}

// halts reports whether work under way becomes void by the change.
func (ch Change) halts(oldID string) bool {
	return ch.Enabled != nil && !*ch.Enabled || ch.ExternalID != nil && *ch.ExternalID != oldID
}

func (s *Store) apply(tx *gorm.DB, old *Connection, ch Change, c *Connection) error {
	if ch.Enabled != nil && *ch.Enabled && old.StartDate == nil && ch.StartDate == nil {
		return errNoStartDate
	}
	columns, actions := ch.against(old)
	if len(columns) > 0 {
		if err := tx.Model(&Connection{ID: old.ID}).Updates(columns).Error; err != nil {
			return err
		}
	}
	for _, action := range actions {
		if err := recordActivity(tx, old.ID, action); err != nil {
			return err
		}
	}
	return s.settle(tx, old.ID, c)
}

// against is what the change does to the row, as columns (a map, since GORM
// drops false from structs) and as activities.
func (ch Change) against(old *Connection) (columns map[string]any, actions []string) {
	columns = map[string]any{}
	if ch.ExternalID != nil && *ch.ExternalID != *old.ExternalID {
		columns["external_id"] = *ch.ExternalID
		actions = append(actions, "changed the connection's id")
	}
	if ch.StartDate != nil && (old.StartDate == nil || !old.StartDate.Equal(*ch.StartDate)) {
		columns["start_date"] = ch.StartDate.Format(time.DateOnly)
		actions = append(actions, "changed the start date to "+ch.StartDate.Format(time.DateOnly))
	}
	if action := ch.wish(old, columns); action != "" {
		actions = append(actions, action)
	}
	if ch.halts(*old.ExternalID) {
		columns["generation"] = gorm.Expr("generation + 1")
	}
	if old.PauseProbeAt != nil && !ch.switchesOff() {
		columns["pause_probe_at"] = gorm.Expr("now()") // who asks has probably mended something
	}
	return columns, actions
}

func (ch Change) switchesOff() bool { return ch.Enabled != nil && !*ch.Enabled }

// wish notes what the consumer wants and says it as an activity.
func (ch Change) wish(old *Connection, columns map[string]any) (action string) {
	switch {
	case ch.Enabled == nil:
		return ""
	case *ch.Enabled && old.Wish != WishOn:
		columns["wish"] = WishOn
		action = "switched synchronising on"
	case !*ch.Enabled && old.Wish != WishOff:
		columns["wish"] = WishOff
		action = "switched synchronising off"
	}
	return action
}

// DeleteConnection deletes a connection and destroys its tokens. It returns
// after the last request to the target. keepGrant keeps a sealed copy of the
// tokens in revocations, for a host where the grant can be given back.
func (s *Store) DeleteConnection(ctx context.Context, externalID string, keepGrant bool) error {
	var id int64
	err := s.InTx(ctx, func(tx *gorm.DB) error {
		c, err := lockConnection(tx, externalID)
		if err != nil {
			return err
		}
		id = c.ID
		return s.erase(tx, id, keepGrant)
	})
	if err != nil {
		return err
	}
	return s.AwaitPosting(ctx, id)
}

func (s *Store) erase(tx *gorm.DB, id int64, keepGrant bool) error {
	if keepGrant {
		if err := tx.Exec(`INSERT INTO revocations (connection_id, access, refresh)
			SELECT connection_id, access, refresh FROM tokens WHERE connection_id = ?`, id).Error; err != nil {
			return err
		}
	}
	if err := tx.Exec(`DELETE FROM tokens WHERE connection_id = ?`, id).Error; err != nil {
		return err
	}
	err := tx.Model(&Connection{ID: id}).Updates(map[string]any{
		"deleted_at": gorm.Expr("now()"), "authorized": false,
		"generation": gorm.Expr("generation + 1"), "pause_probe_at": nil,
	}).Error
	if err != nil {
		return err
	}
	if err := recordActivity(tx, id, "deleted the connection"); err != nil {
		return err
	}
	return s.settle(tx, id, &Connection{})
}

const (
	// postingPatience is how long a caller waits for a request to the target
	// that is under way. Nothing new starts meanwhile, so an answer after it is
	// still true; it leaves the handlers' 20 s deadline room to answer.
	postingPatience = 18 * time.Second / Pace
	// postingPoll is how often to look: unnoticed by a person, cheap for the database.
	postingPoll = 100 * time.Millisecond / Pace
)

// AwaitPosting returns when no request to the target is under way for the
// connection, or after 18 s. Call it after the commit that raised the generation.
func (s *Store) AwaitPosting(ctx context.Context, id int64) error {
	patience := time.NewTimer(postingPatience)
	defer patience.Stop()
	for {
		posting, err := s.posting(ctx, id)
		if err != nil || !posting {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return nil
		case <-time.After(postingPoll):
		}
	}
}

func (s *Store) posting(ctx context.Context, id int64) (posting bool, err error) {
	err = s.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM batches WHERE connection_id = $1 AND posting_until > now())`, id).Scan(&posting)
	if err != nil {
		return false, fmt.Errorf("await posting: %w", err)
	}
	return posting, nil
}

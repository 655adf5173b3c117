package models

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Authorization is what a host's consent brought.
type Authorization struct {
	Attempt int64 // the attempt it ends
	Token   Token
	Account string // the account's id at the host
	Label   string // as it is shown to people
	Zone    string // IANA name; empty = not told
	// History is how far back this consent lets us read; zero = as far as the
	// host goes. Notice tells that to a merchant whose start date is earlier.
	History time.Time
	Notice  string
}

var (
	errGone = Errorf(NotFound, "This connection was deleted meanwhile. Create it again in TrustFile, then connect the account.")
	// errEnded is for an attempt that lost a race; its browser sees it as used.
	errEnded = Errorf(Conflict, "This attempt ended already. Start again to connect the account.")
)

// Authorize gives a connection its token, and its account if it had none. A
// connection that has a start date begins to work, unless the consumer switched
// it off. An account other than before, and one that another connection has,
// are a Conflict with a sentence.
func (s *Store) Authorize(ctx context.Context, connection int64, a Authorization) (*Connection, error) {
	var c Connection
	err := s.InTx(ctx, func(tx *gorm.DB) error {
		if err := holdEngine(tx, connection); err != nil {
			return err
		}
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&c, connection).Error; err != nil {
			return err
		}
		if c.DeletedAt != nil {
			return errGone
		}
		return s.authorize(tx, &c, a)
	})
	if violates(err, "connections_host_account") {
		return nil, s.accountTaken(c.Host, a).Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("authorize connection %d: %w", connection, err)
	}
	return &c, nil
}

// authorize does it to the locked connection.
func (s *Store) authorize(tx *gorm.DB, c *Connection, a Authorization) error {
	if c.HostAccount != nil && *c.HostAccount != a.Account {
		return s.otherAccount(c, a)
	}
	if err := endAttempt(tx, a.Attempt, OutcomeDone); err != nil {
		return err
	}
	if err := dropUnnamed(tx, c, a.Account); err != nil {
		return err
	}
	// A new generation: a 401 that work under the old token still gets must not
	// stop the connection again.
	columns := map[string]any{"authorized": true, "host_account": a.Account, "host_label": a.Label, "generation": gorm.Expr("generation + 1")}
	maps.Copy(columns, a.limits())
	if a.gives(c) {
		columns["covered_from"] = nil // the past is read again
	}
	if a.Zone != "" {
		columns["zone"] = a.Zone
	}
	if c.Pause == PauseUnauthorised {
		columns["pause"], columns["pause_probe_at"] = PauseNone, nil
	}
	if err := tx.Model(&Connection{ID: c.ID}).Updates(columns).Error; err != nil {
		return err
	}
	if err := s.putToken(tx, c.ID, a.Token); err != nil {
		return err
	}
	if err := keepSoon(tx, c.ID); err != nil {
		return err
	}
	if err := recordActivity(tx, c.ID, fmt.Sprintf("connected to %s (%s)", s.Title(c.Host), a.Label)); err != nil {
		return err
	}
	return s.settle(tx, c.ID, c)
}

// limits are the columns of what this consent does not give. They replace those
// of the one before.
func (a Authorization) limits() map[string]any {
	columns := map[string]any{"consent_expires_at": nil, "history_from": nil, "history_notice": nil}
	if !a.Token.ConsentEnds.IsZero() {
		columns["consent_expires_at"] = a.Token.ConsentEnds
	}
	if !a.History.IsZero() {
		columns["history_from"] = a.History
	}
	if a.Notice != "" {
		columns["history_notice"] = a.Notice
	}
	return columns
}

// gives reports whether this consent lets us read more than the connection's one
// before, which hid it without a word: not only what is older, but also what has
// changed of that since.
func (a Authorization) gives(c *Connection) bool {
	return c.HistoryFrom != nil && (a.History.IsZero() || a.History.Before(*c.HistoryFrom))
}

func (s *Store) otherAccount(c *Connection, a Authorization) *Error {
	was := "another account"
	if c.HostLabel != nil {
		was = *c.HostLabel
	}
	return Errorf(Conflict, "This connection belongs to %s at %s, but you signed in with %s. Sign in there with the account it belongs to, or make a new connection for the other one.",
		was, s.Title(c.Host), a.Label)
}

func (s *Store) accountTaken(host string, a Authorization) *Error {
	return Errorf(Conflict, "The %s %s is connected already, by another connection. Delete that one first, or sign in at %s with a different account.",
		s.Title(host), a.Label, s.Title(host))
}

// RefuseAuthorization ends an attempt without success and notes it for the
// merchant. The connection stays as it was.
func (s *Store) RefuseAuthorization(ctx context.Context, a *Attempt, outcome Outcome, activity string) error {
	return s.InTx(ctx, func(tx *gorm.DB) error {
		if err := endAttempt(tx, a.ID, outcome); err != nil && !errors.Is(err, errEnded) {
			return err
		}
		if a.ConnectionID == nil {
			return nil
		}
		return recordActivity(tx, *a.ConnectionID, activity)
	})
}

// endAttempt writes how an attempt ended. After a success its secrets go.
func endAttempt(tx *gorm.DB, attempt int64, outcome Outcome) error {
	res := tx.Exec(`UPDATE attempts SET outcome = @outcome, secrets = CASE WHEN @outcome = 'done' THEN NULL ELSE secrets END
		WHERE id = @id AND outcome = ''`, map[string]any{"id": attempt, "outcome": outcome})
	if res.Error == nil && res.RowsAffected == 0 {
		return errEnded
	}
	return res.Error
}

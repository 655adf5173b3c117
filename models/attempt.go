package models

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// AttemptKind is who began an attempt to enter a host's account.
type AttemptKind string

// The kinds of attempt.
const (
	AttemptPopup   AttemptKind = "popup"   // the consumer, for a connection it made
	AttemptInstall AttemptKind = "install" // the merchant, at the host's side
)

// Outcome is how an attempt ended.
type Outcome string

// The outcomes. An attempt that was not answered has none.
const (
	OutcomeDone   Outcome = "done"
	OutcomeDenied Outcome = "denied" // by the merchant, at the host
	OutcomeFailed Outcome = "failed"
)

const (
	// attemptLife is how long a consent may take: time to look for a password.
	attemptLife = 10 * time.Minute
	// attemptMemory is how long an attempt without success is remembered, so
	// that its browser can try again from our page.
	attemptMemory = time.Hour
)

// Attempt is one try to enter a host's account.
type Attempt struct {
	ID           int64
	Kind         AttemptKind
	ConnectionID *int64 // nil: an install
	Host         string
	Outcome      Outcome
	ExpiresAt    time.Time
	StartedAt    *time.Time // the browser went to the host
	UsedAt       *time.Time // the host's answer came
	Verifier     string     // PKCE
	Redirect     string     // where the browser goes in the end; empty: to a page of ours
	Account      string     // the account at the host that is to be entered; empty: the host's consent decides
	Keys         *Token     // what a host posted that hands out keys; nil: nothing came
}

var (
	errNoAttempt = Errorf(NotFound, "This page does not belong to an attempt that began in this browser. Close the window and start again in TrustFile.")
	errUsed      = Errorf(Conflict, "This attempt was answered already.")
	errExpired   = Errorf(Invalid, "This attempt took longer than ten minutes, so we stopped it for your safety. Nothing was changed.")
)

// BeginAttempt notes a new attempt by the browser that has the cookie. The
// state it gives names the attempt at the host, once.
func (s *Store) BeginAttempt(ctx context.Context, a Attempt, cookie string) (state string, err error) {
	var id int64
	if err := s.Pool.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('attempts', 'id'))`).Scan(&id); err != nil {
		return "", fmt.Errorf("begin attempt: %w", err)
	}
	a.ID, a.Verifier = id, RandomToken()
	sealed, err := s.sealSecrets(&a)
	if err != nil {
		return "", err
	}
	state = RandomToken()
	_, err = s.Pool.Exec(ctx, `INSERT INTO attempts (id, kind, connection_id, host, state_hash, cookie_hash, secrets, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)`,
		id, a.Kind, a.ConnectionID, a.Host, hashOf(state), hashOf(cookie), sealed, attemptLife.String())
	if err != nil {
		return "", fmt.Errorf("begin attempt: %w", err)
	}
	return state, nil
}

// hashOf is how a random secret is kept that only needs to be recognised.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// FindAttempt is the attempt of a state, for the browser that began it; for any
// other one it does not exist. It comes along with the error when it was
// answered already (Conflict) or took too long (Invalid).
func (s *Store) FindAttempt(ctx context.Context, host, state, cookie string) (*Attempt, error) {
	return s.attempt(ctx, s.Pool, host, state, cookie, "")
}

// UseAttempt is FindAttempt for the host's answer, of which there is only one.
// Keys that came leave the database with it.
func (s *Store) UseAttempt(ctx context.Context, host, state, cookie string) (a *Attempt, err error) {
	err = s.InPgxTx(ctx, func(tx pgx.Tx) error {
		if a, err = s.attempt(ctx, tx, host, state, cookie, "FOR UPDATE"); err != nil {
			return err
		}
		if a.StartedAt == nil {
			return errNoAttempt // an answer to what was never asked
		}
		if _, err = tx.Exec(ctx, `UPDATE attempts SET used_at = now() WHERE id = $1`, a.ID); err != nil || a.Keys == nil {
			return err
		}
		without := *a
		without.Keys = nil
		return s.writeSecrets(ctx, tx, &without)
	})
	return a, err
}

// StartAttempt is FindAttempt for a browser that now goes to the host, to enter
// that account if it is known before. It may do so again, also for another one.
func (s *Store) StartAttempt(ctx context.Context, host, state, cookie, account string) (a *Attempt, err error) {
	err = s.InPgxTx(ctx, func(tx pgx.Tx) error {
		if a, err = s.attempt(ctx, tx, host, state, cookie, "FOR UPDATE"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE attempts SET started_at = coalesce(started_at, now()) WHERE id = $1`, a.ID); err != nil {
			return fmt.Errorf("start attempt: %w", err)
		}
		if account == "" || account == a.Account {
			return nil
		}
		a.Account, a.Keys = account, nil // keys that came are of the account before
		return s.writeSecrets(ctx, tx, a)
	})
	return a, err
}

// attempt reads one for a browser; lock is "" or "FOR UPDATE".
func (s *Store) attempt(ctx context.Context, q querier, host, state, cookie, lock string) (*Attempt, error) {
	a, owner, late, err := s.readAttempt(ctx, q, host, state, lock)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && subtle.ConstantTimeCompare(owner, hashOf(cookie)) != 1 {
		return nil, errNoAttempt
	}
	switch {
	case err != nil:
		return nil, err
	case a.UsedAt != nil:
		return a, errUsed
	case late:
		return a, errExpired
	}
	return a, nil
}

// readAttempt reads the attempt of a state, whoever asks, and the hash of its
// browser's cookie. Without one the error is pgx.ErrNoRows.
func (s *Store) readAttempt(ctx context.Context, q querier, host, state, lock string) (a *Attempt, owner []byte, late bool, err error) {
	if !storable(host) {
		return nil, nil, false, pgx.ErrNoRows
	}
	a = &Attempt{}
	var sealed []byte
	err = q.QueryRow(ctx, `SELECT id, kind, connection_id, host, outcome, expires_at, started_at, used_at, cookie_hash, secrets, now() >= expires_at
		FROM attempts WHERE state_hash = $1 AND host = $2 `+lock, hashOf(state), host).
		Scan(&a.ID, &a.Kind, &a.ConnectionID, &a.Host, &a.Outcome, &a.ExpiresAt, &a.StartedAt, &a.UsedAt, &owner, &sealed, &late)
	if err != nil {
		return nil, nil, false, fmt.Errorf("attempt: %w", err)
	}
	return a, owner, late, s.openSecrets(a, sealed)
}

// ConnectionByID is a live connection by our own id of it.
func (s *Store) ConnectionByID(ctx context.Context, id int64) (*Connection, error) {
	var c Connection
	err := s.DB(ctx).Where("id = ? AND deleted_at IS NULL", id).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	return &c, nil
}

// ForgetAttempts deletes attempts and tickets that are of no use any more, and
// with them where their browsers were to go.
func (s *Store) ForgetAttempts(ctx context.Context) error {
	_, err := s.Pool.Exec(ctx, `WITH t AS (DELETE FROM tickets WHERE expires_at < now())
		DELETE FROM attempts WHERE expires_at < now() - $1::interval`, attemptMemory.String())
	if err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}

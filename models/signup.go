package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// SignupState is where the signing up of a company stands.
type SignupState string

// The states of a signup. Asked is written before the request, so that one
// whose answer was lost is never made again by machine.
const (
	SignupPending SignupState = "pending"
	SignupAsked   SignupState = "asked"
	SignupDone    SignupState = "done"
	SignupLost    SignupState = "lost"    // asked, and the answer is not known
	SignupExists  SignupState = "exists"  // the merchant has an account there already
	SignupRefused SignupState = "refused" // the details do not do; installing again tries new ones
)

const (
	// askedLimit is when an asked signup counts as lost: above the longest request.
	askedLimit = 2 * time.Minute
	// signupBackoff and signupPatience bound the pause before the next try of a
	// request that had no effect; the merchant looks at a page meanwhile.
	signupBackoff  = 5 * time.Second
	signupPatience = 15 * time.Minute
)

// SignupDetails is what a new company is made of, as the host told it.
type SignupDetails struct {
	Email, Company, FirstName, LastName, Phone string
	Address                                    Address
}

// Signup is a company to sign up, or one that was.
type Signup struct {
	ConnectionID int64
	Host         string
	State        SignupState
	Message      string // for the merchant
	Attempts     int
	Details      SignupDetails // only from ClaimSignup
}

var (
	errNotWaiting = Errorf(Conflict, "This signup is not waiting to be made.")
	errNotAdopted = Errorf(Conflict, "There is no connection of that number that waits for a company token.")
)

// SignupsDue are the connections whose company is to be signed up now. Those
// that were asked for and never answered become lost first.
func (s *Store) SignupsDue(ctx context.Context, limit int) (due []int64, lost []int64, err error) {
	err = s.DB(ctx).Raw(`UPDATE signups SET state = 'lost', updated_at = now()
		WHERE state = 'asked' AND updated_at < now() - ?::interval RETURNING connection_id`, askedLimit.String()).Find(&lost).Error
	if err != nil {
		return nil, nil, fmt.Errorf("signups due: %w", err)
	}
	err = s.DB(ctx).Raw(`SELECT connection_id FROM signups WHERE state = 'pending' AND due_at <= now() ORDER BY due_at LIMIT ?`, limit).Find(&due).Error
	if err != nil {
		return nil, nil, fmt.Errorf("signups due: %w", err)
	}
	return due, lost, nil
}

// ClaimSignup marks a pending signup as asked and gives its details. Only one
// caller gets it; for all others it is a Conflict.
func (s *Store) ClaimSignup(ctx context.Context, connection int64) (*Signup, error) {
	g := Signup{ConnectionID: connection, State: SignupAsked}
	var sealed []byte
	err := s.Pool.QueryRow(ctx, `UPDATE signups g SET state = 'asked', due_at = NULL, updated_at = now()
		FROM connections c WHERE g.connection_id = $1 AND g.state = 'pending'
		AND c.id = g.connection_id AND c.deleted_at IS NULL AND c.external_id IS NULL
		RETURNING g.details, g.attempts, c.host`, connection).Scan(&sealed, &g.Attempts, &g.Host)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNotWaiting
	}
	if err != nil {
		return nil, fmt.Errorf("claim signup: %w", err)
	}
	plain, err := s.openText("signups", "details", connection, sealed)
	if err != nil {
		return nil, err
	}
	return &g, json.Unmarshal([]byte(plain), &g.Details)
}

// PostponeSignup makes an asked signup pending again: the request certainly
// had no effect. wait is what the target asked for; 0 = our own backoff.
func (s *Store) PostponeSignup(ctx context.Context, g *Signup, wait time.Duration, message string) error {
	if wait == 0 {
		wait = min(signupBackoff<<min(g.Attempts, 16), signupPatience)
	}
	_, err := s.Pool.Exec(ctx, `UPDATE signups SET state = 'pending', attempts = attempts + 1, due_at = now() + $2::interval,
		message = $3, updated_at = now() WHERE connection_id = $1 AND state = 'asked'`, g.ConnectionID, wait.String(), message)
	if err != nil {
		return fmt.Errorf("postpone signup: %w", err)
	}
	return nil
}

// StopSignup ends an asked signup without a company: lost, exists or refused.
func (s *Store) StopSignup(ctx context.Context, connection int64, state SignupState, message string) error {
	_, err := s.Pool.Exec(ctx, `UPDATE signups SET state = $2, message = $3, due_at = NULL, updated_at = now()
		WHERE connection_id = $1 AND state IN ('asked', 'lost')`, connection, state, message)
	if err != nil {
		return fmt.Errorf("stop signup: %w", err)
	}
	return nil
}

// CompleteSignup gives a connection the company token that its signup brought.
func (s *Store) CompleteSignup(ctx context.Context, connection int64, token string) error {
	return s.adopt(ctx, connection, token, []SignupState{SignupAsked, SignupLost})
}

// AdoptCompany gives a connection whose signup came to nothing the company
// token that an operator was told. From then on it is a connection like any other.
func (s *Store) AdoptCompany(ctx context.Context, connectionID int64, token string) error {
	if token == "" {
		return Errorf(Invalid, "The company token is empty.")
	}
	return s.adopt(ctx, connectionID, token, []SignupState{SignupLost, SignupExists, SignupRefused})
}

func (s *Store) adopt(ctx context.Context, connection int64, token string, from []SignupState) error {
	err := s.InTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`UPDATE signups SET state = 'done', details = NULL, due_at = NULL, message = '', updated_at = now()
			WHERE connection_id = ? AND state IN ?`, connection, from)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return errNotAdopted
		}
		return s.nameConnection(tx, connection, token)
	})
	if violates(err, "connections_external_id") {
		return errIDInUse.Because(errors.New("the company token is another connection's id"))
	}
	return err
}

// nameConnection gives an unnamed connection its connectionId.
func (s *Store) nameConnection(tx *gorm.DB, connection int64, externalID string) error {
	res := tx.Exec(`UPDATE connections SET external_id = ? WHERE id = ? AND external_id IS NULL AND deleted_at IS NULL`, externalID, connection)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return errNotAdopted
	}
	if err := recordActivity(tx, connection, "created the company at TrustFile"); err != nil {
		return err
	}
	return s.settle(tx, connection, &Connection{})
}

package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// revocationBackoff is the pause between two tries to give a grant back, and
	// the lease of the worker that tries: well above the longest call outward.
	revocationBackoff = 5 * time.Minute / Pace / Pace
	// revocationLife is how long we keep trying; after it the copy is destroyed
	// and the grant lapses at the host by itself.
	revocationLife = 24 * time.Hour
)

// Revocation is the grant of a deleted connection, to be given back at its host.
type Revocation struct {
	ConnectionID int64
	Host         string
	HostAccount  string // the account's id there
	Access       []byte // sealed as column access of table tokens, row ConnectionID
	Refresh      []byte // sealed likewise as refresh; nil: none
}

// ClaimRevocation takes the next grant to give back, nil when there is none,
// and destroys those that could not be given back for a day. A claim that is
// not finished is due again after some minutes.
func (s *Store) ClaimRevocation(ctx context.Context) (*Revocation, error) {
	_, err := s.Pool.Exec(ctx, `DELETE FROM revocations WHERE created_at < now() - $1::interval`, revocationLife.String())
	if err != nil {
		return nil, fmt.Errorf("claim revocation: %w", err)
	}
	var r Revocation
	err = s.Pool.QueryRow(ctx, `UPDATE revocations r SET attempts = attempts + 1, due_at = now() + $1::interval
		FROM connections c
		WHERE c.id = r.connection_id AND r.connection_id = (
			SELECT connection_id FROM revocations WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING r.connection_id, c.host, coalesce(c.host_account, ''), r.access, r.refresh`, revocationBackoff.String()).
		Scan(&r.ConnectionID, &r.Host, &r.HostAccount, &r.Access, &r.Refresh)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim revocation: %w", err)
	}
	return &r, nil
}

// FinishRevocation destroys the copy: the grant was given back, or never can be.
func (s *Store) FinishRevocation(ctx context.Context, connectionID int64) error {
	if _, err := s.Pool.Exec(ctx, `DELETE FROM revocations WHERE connection_id = $1`, connectionID); err != nil {
		return fmt.Errorf("finish revocation: %w", err)
	}
	return nil
}

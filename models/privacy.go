package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// PrivacyKind is what is asked about personal data; hostapi has the same words.
type PrivacyKind string

// The kinds of privacy request.
const (
	PrivacyTell   PrivacyKind = "tell"   // a customer asks what is held of them
	PrivacyRedact PrivacyKind = "redact" // forget what identifies a customer in these records
	PrivacyForget PrivacyKind = "forget" // forget what identifies anybody of this account
)

// PrivacyRequest is a request about personal data that we hold.
type PrivacyRequest struct {
	ID      int64
	Host    string // folder name of the adapter
	Account string // at the host
	Kind    PrivacyKind
	Records []string // keys of the host's records; empty: all of the account
}

// privacyAgain is when a request that was begun and not done is due again, and
// the lease of the worker that began it: well above the time of one round.
const privacyAgain = 5 * time.Minute

// ClaimPrivacy takes the request that is due first, nil when there is none. One
// that is not finished is due again after some minutes.
func (s *Store) ClaimPrivacy(ctx context.Context) (*PrivacyRequest, error) {
	var p PrivacyRequest
	err := s.Pool.QueryRow(ctx, `UPDATE privacy_requests SET tries = tries + 1, due_at = now() + $1::interval
		WHERE id = (SELECT id FROM privacy_requests WHERE done_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, host, account, kind, records`, privacyAgain).Scan(&p.ID, &p.Host, &p.Account, &p.Kind, &p.Records)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim privacy request: %w", err)
	}
	return &p, nil
}

// FinishPrivacy notes that a request was done.
func (s *Store) FinishPrivacy(ctx context.Context, id int64) error {
	if _, err := s.Pool.Exec(ctx, `UPDATE privacy_requests SET done_at = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("finish privacy request: %w", err)
	}
	return nil
}

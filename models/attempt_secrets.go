package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// attemptSecrets is what is sealed of an attempt.
type attemptSecrets struct {
	Verifier string `json:"verifier"`
	Redirect string `json:"redirect,omitempty"`
	Account  string `json:"account,omitempty"`
	Keys     *Token `json:"keys,omitempty"`
}

// sealSecrets seals an attempt's secrets for its own row.
func (s *Store) sealSecrets(a *Attempt) ([]byte, error) {
	plain, err := json.Marshal(attemptSecrets{Verifier: a.Verifier, Redirect: a.Redirect, Account: a.Account, Keys: a.Keys})
	if err != nil {
		return nil, err
	}
	return s.Sealer.Seal("attempts", "secrets", a.ID, plain)
}

// openSecrets reads them back. An attempt that ended with success has none.
func (s *Store) openSecrets(a *Attempt, sealed []byte) error {
	plain, err := s.openText("attempts", "secrets", a.ID, sealed)
	if err != nil || plain == "" {
		return err
	}
	var in attemptSecrets
	if err := json.Unmarshal([]byte(plain), &in); err != nil {
		return fmt.Errorf("secrets of attempt %d: %w", a.ID, err)
	}
	a.Verifier, a.Redirect, a.Account, a.Keys = in.Verifier, in.Redirect, in.Account, in.Keys
	return nil
}

// writeSecrets replaces the secrets of a locked attempt.
func (s *Store) writeSecrets(ctx context.Context, tx pgx.Tx, a *Attempt) error {
	sealed, err := s.sealSecrets(a)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE attempts SET secrets = $2 WHERE id = $1`, a.ID, sealed); err != nil {
		return fmt.Errorf("secrets of attempt %d: %w", a.ID, err)
	}
	return nil
}

var (
	// errNoGrant does not tell apart what never was and what is over: whoever
	// posts keys has shown nothing but a state.
	errNoGrant = Errorf(NotFound, "No keys are awaited under this name. They come within ten minutes of the merchant's start in TrustFile, once.")
	errHasKeys = Errorf(Conflict, "The keys of this grant came already. Start again in TrustFile to send others.")
)

// PutKeys keeps the keys that a host posted with the attempt of a state, until
// the attempt's browser comes back. They are taken once, and only while the
// browser is at the host.
func (s *Store) PutKeys(ctx context.Context, host, state string, keys Token) error {
	return s.InPgxTx(ctx, func(tx pgx.Tx) error {
		a, _, late, err := s.readAttempt(ctx, tx, host, state, "FOR UPDATE")
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return errNoGrant
		case err != nil:
			return err
		case late, a.StartedAt == nil, a.UsedAt != nil:
			return errNoGrant
		case a.Keys != nil:
			return errHasKeys
		}
		a.Keys = &keys
		return s.writeSecrets(ctx, tx, a)
	})
}

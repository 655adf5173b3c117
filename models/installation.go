package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Install gives the host account of an attempt that began at the host's side
// its connection, and gives back that connection's id. The account's first
// install makes one, switched off and without a start date, and its signup;
// any later one continues with the same connection.
func (s *Store) Install(ctx context.Context, host string, a Authorization, d SignupDetails) (connection int64, err error) {
	err = s.InTx(ctx, func(tx *gorm.DB) error {
		c, err := accountConnection(tx, host, a)
		if err != nil {
			return err
		}
		connection = c.ID
		if c.ExternalID == nil {
			if err := s.wantSignup(tx, c.ID, d); err != nil {
				return err
			}
		}
		if err := tx.Exec(`UPDATE attempts SET connection_id = ? WHERE id = ?`, c.ID, a.Attempt).Error; err != nil {
			return err
		}
		return s.authorize(tx, c, a)
	})
	if err != nil {
		return 0, fmt.Errorf("install: %w", err)
	}
	return connection, nil
}

// accountConnection is the live connection of a host account, made if there is
// none, and locked.
func accountConnection(tx *gorm.DB, host string, a Authorization) (*Connection, error) {
	err := tx.Exec(`INSERT INTO connections (host, host_account, host_label, wish) VALUES (?, ?, ?, 'off')
		ON CONFLICT (host, host_account) WHERE deleted_at IS NULL AND host_account IS NOT NULL DO NOTHING`,
		host, a.Account, a.Label).Error
	if err != nil {
		return nil, err
	}
	var c Connection
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Where("host = ? AND host_account = ? AND deleted_at IS NULL", host, a.Account).Take(&c).Error
	return &c, err
}

// wantSignup notes that a company is to be signed up. One that was refused is
// tried again with the new details; one that may exist already is not.
func (s *Store) wantSignup(tx *gorm.DB, connection int64, d SignupDetails) error {
	plain, err := json.Marshal(d)
	if err != nil {
		return err
	}
	sealed, err := s.Sealer.Seal("signups", "details", connection, plain)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO signups (connection_id, details) VALUES (?, ?)
		ON CONFLICT (connection_id) DO UPDATE SET details = excluded.details, state = 'pending', attempts = 0,
			due_at = now(), message = '', updated_at = now() WHERE signups.state IN ('pending', 'refused')`,
		connection, sealed).Error
}

// InstalledBy is how the install of an attempt stands.
func (s *Store) InstalledBy(ctx context.Context, a *Attempt) (*Signup, error) {
	var g Signup
	err := s.Pool.QueryRow(ctx, `SELECT c.id, c.host, CASE WHEN c.external_id IS NOT NULL THEN 'done' ELSE g.state END, coalesce(g.message, '')
		FROM connections c LEFT JOIN signups g ON g.connection_id = c.id WHERE c.id = $1 AND c.deleted_at IS NULL`, a.ConnectionID).
		Scan(&g.ConnectionID, &g.Host, &g.State, &g.Message)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("installed: %w", err)
	}
	return &g, nil
}

// dropUnnamed deletes an install of the same host account whose signup came to
// nothing: its merchant has found another way in.
func dropUnnamed(tx *gorm.DB, c *Connection, account string) error {
	err := tx.Exec(`WITH stale AS (
			UPDATE connections o SET deleted_at = now(), authorized = false, generation = generation + 1
			WHERE o.host = ? AND o.host_account = ? AND o.id <> ? AND o.deleted_at IS NULL AND o.external_id IS NULL
			AND EXISTS (SELECT 1 FROM signups g WHERE g.connection_id = o.id AND g.state IN ('lost', 'exists', 'refused'))
			RETURNING o.id
		), forgotten AS (UPDATE signups SET details = NULL, due_at = NULL WHERE connection_id IN (SELECT id FROM stale))
		DELETE FROM tokens WHERE connection_id IN (SELECT id FROM stale)`, c.Host, account, c.ID).Error
	return err
}

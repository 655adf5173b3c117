package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ticketLife is how long a ticket waits for its browser: the consumer opens it at once.
const ticketLife = 10 * time.Minute

// Ticket is the consumer's permission to begin one attempt.
type Ticket struct {
	ConnectionID int64
	Redirect     string // where the browser goes in the end; empty: the request says it
}

var errNoTicket = Errorf(NotFound, "This link was used already or is older than ten minutes. Go back to TrustFile and start again.")

// MakeTicket makes a ticket for a connection.
func (s *Store) MakeTicket(ctx context.Context, t Ticket) (ticket string, err error) {
	var id int64
	if err := s.Pool.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('tickets', 'id'))`).Scan(&id); err != nil {
		return "", fmt.Errorf("make ticket: %w", err)
	}
	sealed, err := s.sealText("tickets", "redirect", id, t.Redirect)
	if err != nil {
		return "", err
	}
	ticket = RandomToken()
	_, err = s.Pool.Exec(ctx, `INSERT INTO tickets (id, hash, connection_id, redirect, expires_at)
		VALUES ($1, $2, $3, $4, now() + $5::interval)`, id, hashOf(ticket), t.ConnectionID, sealed, ticketLife.String())
	if err != nil {
		return "", fmt.Errorf("make ticket: %w", err)
	}
	return ticket, nil
}

// UseTicket takes a ticket of a connection. It is good once, for ten minutes.
func (s *Store) UseTicket(ctx context.Context, connection int64, ticket string) (*Ticket, error) {
	var t Ticket
	var id int64
	var sealed []byte
	err := s.Pool.QueryRow(ctx, `UPDATE tickets n SET used_at = now(), redirect = NULL FROM tickets o
		WHERE n.hash = $1 AND n.connection_id = $2 AND o.id = n.id AND n.used_at IS NULL AND n.expires_at > now()
		RETURNING n.id, n.connection_id, o.redirect`, hashOf(ticket), connection).Scan(&id, &t.ConnectionID, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoTicket
	}
	if err != nil {
		return nil, fmt.Errorf("use ticket: %w", err)
	}
	t.Redirect, err = s.openText("tickets", "redirect", id, sealed)
	return &t, err
}

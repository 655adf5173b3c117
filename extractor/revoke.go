package extractor

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// revokeTries is how often we try to give a deleted connection's grant back
	// before we forget it: a quarter of an hour apart, six hours in all.
	revokeTries = 24
	revokeEvery = 15 * time.Minute
)

// revocation is the grant of a deleted connection.
type revocation struct {
	ID       int64
	Host     string
	Token    string
	Attempts int
}

// revokeDue gives the grants of deleted connections back at their hosts.
func (e *Engine) revokeDue(ctx context.Context) error {
	for range careChunk {
		r, err := e.nextRevocation(ctx)
		if err != nil || r == nil {
			return err
		}
		if err := e.revoke(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// nextRevocation claims the oldest one that is due, until the next try.
func (e *Engine) nextRevocation(ctx context.Context) (*revocation, error) {
	var r revocation
	var sealed []byte
	rows, err := e.Store.Pool.Query(ctx, `UPDATE revocations r SET attempts = attempts + 1, due_at = now() + $1::interval FROM connections c
		WHERE c.id = r.connection_id AND r.connection_id = (SELECT connection_id FROM revocations WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING r.connection_id, c.host, r.access, r.attempts`, revokeEvery)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	if err := rows.Scan(&r.ID, &r.Host, &sealed, &r.Attempts); err != nil {
		return nil, err
	}
	token, err := e.Store.Sealer.Open("tokens", "access", r.ID, sealed)
	if err != nil {
		return nil, fmt.Errorf("grant of connection %d: %w", r.ID, err)
	}
	r.Token = string(token)
	return &r, nil
}

// revoke asks the host once. A token that the host no longer takes is given
// back already.
func (e *Engine) revoke(ctx context.Context, r *revocation) error {
	revoker, ok := e.Hosts[r.Host].(hostapi.Revoker)
	if ok {
		client := rest.NewClient(bearerTransport{token: r.Token, base: e.Transport})
		err := revoker.Revoke(ctx, client, r.Token)
		if err != nil && models.KindOf(err) != models.Unauthorised && r.Attempts < revokeTries {
			slog.Warn("grant not given back; it is tried again", "connection", r.ID, "host", r.Host, "error", err)
			return nil
		}
	}
	_, err := e.Store.Pool.Exec(ctx, `DELETE FROM revocations WHERE connection_id = $1`, r.ID)
	return err
}

// bearerTransport adds a token that is not stored any more.
type bearerTransport struct {
	token string
	base  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if req.Header.Get("Authorization") == "" { // some hosts want the client's secret there instead
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.base.RoundTrip(req)
}

package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// revokeDue gives the grants of deleted connections back at their hosts. One
// that a host does not take just now is tried again for a day.
func (e *Engine) revokeDue(ctx context.Context) error {
	for range careChunk {
		r, err := e.Store.ClaimRevocation(ctx)
		if err != nil || r == nil {
			return err
		}
		if err := errors.Join(failpoint.Hit("before revocation"), e.revoke(ctx, r), failpoint.Hit("after revocation")); err != nil {
			slog.Warn("grant not given back; it is tried again", "connection", r.ConnectionID, "host", r.Host, "error", err)
			continue
		}
		if err := e.Store.FinishRevocation(ctx, r.ConnectionID); err != nil {
			return err
		}
	}
	return nil
}

// revoke asks the host once. A token that the host no longer takes is given
// back already.
func (e *Engine) revoke(ctx context.Context, r *models.Revocation) error {
	revoker, ok := e.Hosts[r.Host].(hostapi.Revoker)
	if !ok {
		return nil
	}
	token, err := e.Store.Sealer.Open("tokens", "access", r.ConnectionID, r.Access)
	if err != nil {
		return fmt.Errorf("sealed grant: %w", err)
	}
	client := hostapi.NewBearerClient(e.Hosts[r.Host], string(token), e.Transport)
	if err := revoker.Revoke(ctx, hostapi.Account{ID: r.ConnectionID, HostID: r.HostAccount}, client, string(token)); err != nil && models.KindOf(err) != models.Unauthorised {
		return err
	}
	return nil
}

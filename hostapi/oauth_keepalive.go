package hostapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"extractor/models"
)

const (
	// refreshDue is how often a grant is used at least: the shortest life of an
	// unused refresh token that we know of is a month.
	refreshDue = 24 * time.Hour
	// keptAlive is how many tokens of a host one call renews at most, so that it
	// stays far below a job's time at a second each.
	keptAlive = 20
)

// KeepAlive renews the tokens that were not renewed for longer than their host
// allows, whether their connections synchronise or not. What fails is given to
// failed and left alone for a while; the rest goes on. It stops early when ctx ends.
func KeepAlive(ctx context.Context, store *models.Store, hosts map[string]Host, base http.RoundTripper, failed func(context.Context, *models.Connection, error)) error {
	for name, host := range hosts {
		if _, ok := host.(Authorizer); !ok {
			continue
		}
		if err := keepHostAlive(ctx, store, name, host, base, failed); err != nil {
			return err
		}
	}
	return nil
}

func keepHostAlive(ctx context.Context, store *models.Store, name string, host Host, base http.RoundTripper, failed func(context.Context, *models.Connection, error)) error {
	age := dueAfter(host)
	due, err := store.TokensDue(ctx, name, age, keptAlive)
	if err != nil {
		return err
	}
	for i := range due {
		if ctx.Err() != nil {
			return nil
		}
		if err := keepOneAlive(ctx, store, host, &due[i], age, base); err != nil {
			slog.WarnContext(ctx, "token not kept alive", "connection", due[i].ID, "host", name, "error", err)
			if err := store.PostponeToken(ctx, due[i].ID); err != nil {
				return err
			}
			failed(ctx, &due[i], err)
		}
	}
	return nil
}

// dueAfter is how long after a refresh the next one is due.
func dueAfter(host Host) time.Duration {
	if h, ok := host.(Exchanger); ok && h.Exchange().RefreshDue > 0 {
		return h.Exchange().RefreshDue
	}
	return refreshDue
}

func keepOneAlive(ctx context.Context, store *models.Store, host Host, c *models.Connection, age time.Duration, base http.RoundTripper) error {
	g := newGrants(host, accountOf(c), baseOf(host, base))
	_, err := store.RefreshToken(ctx, c.ID, models.Renewal{
		Needed:   func(t models.Token, now time.Time) bool { return now.Sub(t.RefreshedAt) >= age },
		Exchange: g.refresh,
	})
	return unavailable(err, g.title)
}

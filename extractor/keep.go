package extractor

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// keepDay is the time between two looks after an account, and keepSpread how
	// much earlier chance makes it, so that accounts do not come all at once.
	keepDay    = 24 * time.Hour
	keepSpread = 2 * time.Hour
	// keepAgain is when a look that failed, or was lost, is tried again.
	keepAgain = time.Hour
	// keepTime is how long one round begins new looks, keepWidth how many are under
	// way at once, and keepCall how long one may take: together they fit into the
	// time of a job beside the other chores.
	keepTime  = 10 * time.Second
	keepWidth = 4
	keepCall  = 20 * time.Second
)

// keepAccounts looks after accounts at hosts where there is something to look
// after, each once a day, whether they synchronise or not.
func (e *Engine) keepAccounts(ctx context.Context) error {
	if e.Webhooks == nil {
		return nil
	}
	until := time.Now().Add(keepTime)
	var failed error
	for name, host := range e.Hosts {
		if keeper, ok := host.(hostapi.Keeper); ok {
			failed = errors.Join(failed, e.keepHost(ctx, name, keeper, until))
		}
	}
	return failed
}

// keepHost looks after a host's accounts, some side by side, until none is due
// or the round is over.
func (e *Engine) keepHost(ctx context.Context, name string, keeper hostapi.Keeper, until time.Time) error {
	var wg sync.WaitGroup
	failures := make([]error, keepWidth)
	for i := range failures {
		wg.Go(func() {
			for failures[i] == nil && ctx.Err() == nil && time.Now().Before(until) {
				l, err := e.claimKept(ctx, name)
				if failures[i] = err; l == nil {
					return
				}
				failures[i] = e.keepAccount(ctx, l, keeper)
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// claimKept takes the connection whose turn it is, as work outside any lane; nil
// when there is none. It is due again in an hour unless the look succeeds.
func (e *Engine) claimKept(ctx context.Context, host string) (*lane, error) {
	rows, err := e.Store.Pool.Query(ctx, `UPDATE connections c SET keep_at = now() + $2::interval WHERE id = (
			SELECT id FROM connections WHERE host = $1 AND authorized AND deleted_at IS NULL AND keep_at <= now()
			ORDER BY keep_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING 0::bigint, c.id, 'incremental', NULL::timestamptz, NULL::timestamptz, '', 0::bigint, 0, NULL::int, 0::bigint,
			c.external_id, c.host, c.host_account, c.zone, c.settings, c.generation, false, now()`, host, keepAgain)
	if err != nil {
		return nil, err
	}
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[lane])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return l, err
}

// keepAccount looks after one account. That its host no longer lets us in stops
// the connection, as anywhere; other failures are for the log.
func (e *Engine) keepAccount(ctx context.Context, l *lane, keeper hostapi.Keeper) error {
	account, err := e.account(l)
	if err == nil {
		call, cancel := context.WithTimeout(ctx, keepCall)
		err = keeper.Keep(call, account, e.Webhooks(l.Host))
		cancel()
	}
	if err == nil {
		_, err = e.Store.Pool.Exec(ctx, `UPDATE connections SET keep_at = now() + $2::interval WHERE id = $1`, l.Connection, keepDay-rand.N(keepSpread)) // #nosec G404 -- spreads the load
		return err
	}
	slog.Warn("account not looked after; it is tried again", "connection", l.Connection, "host", l.Host, "kind", models.KindOf(err), "error", err)
	if models.KindOf(err) == models.Unauthorised {
		return e.reactToHost(ctx, l, models.Unauthorised, err, 0)
	}
	return nil
}

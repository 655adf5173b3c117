package extractor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// warnConsents warns of consents that end: 30, 7 and 1 day before, and when it
// has happened, once each.
func (e *Engine) warnConsents(ctx context.Context) error {
	for range careChunk {
		warned, err := e.warnConsent(ctx)
		if err != nil || !warned {
			return err
		}
	}
	return nil
}

// ending is a connection whose consent ends.
type ending struct {
	ID   int64
	Host string
	Ends time.Time
	Days int // a step of the warning: before the end; 0 = it has ended
}

// warnConsent gives one warning that is due. Of several that were missed it gives
// the last one. A new consent has another end, of which nobody was warned.
func (e *Engine) warnConsent(ctx context.Context) (warned bool, err error) {
	var x ending
	err = e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE connections c SET consent_warned_for = d.consent_expires_at, consent_warned_days = d.step
			FROM (SELECT id, consent_expires_at, step FROM connections,
					LATERAL (SELECT min(s) AS step FROM unnest(ARRAY[0, 1, 7, 30]) s WHERE consent_expires_at <= now() + make_interval(days => s)) w
				WHERE consent_expires_at <= now() + interval '30 days' AND deleted_at IS NULL AND authorized
					AND (consent_warned_for IS DISTINCT FROM consent_expires_at OR consent_warned_days > step)
				ORDER BY consent_expires_at LIMIT 1 FOR NO KEY UPDATE OF connections SKIP LOCKED) d
			WHERE c.id = d.id RETURNING c.id, c.host, c.consent_expires_at, d.step`)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ending])
		if err != nil || len(found) == 0 {
			return err
		}
		x, warned = found[0], true
		return tellMerchant(ctx, tx, x.ID, models.ConsentEnds(e.Store.Title(x.Host), x.Ends, x.Days == 0))
	})
	if err != nil || !warned {
		return false, err
	}
	if err := e.Store.RecordFailure(ctx, models.FailureConnection, &x.ID, models.ConsentEnds(e.Store.Title(x.Host), x.Ends, x.Days == 0)); err != nil {
		return true, err
	}
	return true, e.Store.Restate(ctx, x.ID)
}

package extractor

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
	"extractor/targetapi"
)

const (
	// careChunk is how many rows one round of a chore takes; the next round comes within a minute.
	careChunk = 50
	// trimTime is how long one round looks through connections for payloads that
	// are due to be trimmed: small beside the minute until the next.
	trimTime = 5 * time.Second
	// careRows is how many entries one statement trims or clears: it has to end
	// well within the statement's time, however many a connection has.
	careRows = 10_000
	// askAgain is how long until a company is asked for again that could not be told.
	askAgain = time.Hour
)

// care does the housekeeping, chore by chore.
func (e *Engine) care(ctx context.Context) error {
	if err := failpoint.Hit("before housekeeping"); err != nil {
		return err
	}
	return e.rota.round(ctx, []chore{
		{"probe the service", e.probeService},
		{"probe connections", e.probeConnections},
		{"sign companies up", e.signUpDue},
		{"name companies", e.nameCompanies},
		{"give grants back", e.revokeDue},
		{"retry bad items", e.retryOutdated},
		{"keep tokens alive", e.keepTokens},
		{"forget attempts", e.Store.ForgetAttempts},
		{"privacy requests", e.privacyDue},
		{"warn of the end of consents", e.warnConsents},
		{"trim payloads", e.trimPayloads},
		{"forget deleted connections", e.forgetDeleted},
		{"forget counts", e.forgetCounts},
		{"look after accounts", e.keepAccounts},
	})
}

// chore is a part of the housekeeping.
type chore struct {
	name string
	do   func(context.Context) error
}

// rota is whose turn it is: a round has a minute, and one chore may spend it
// waiting for a neighbour that does not answer.
type rota struct{ first atomic.Int64 }

// round does all chores, beginning with the one after the last that was begun, so
// that one that is cut off lets the others go first. One that fails does not keep
// the others from being done.
func (r *rota) round(ctx context.Context, chores []chore) (failed error) {
	first := int(r.first.Load())
	for i := 0; i < len(chores) && ctx.Err() == nil; i++ {
		n := (first + i) % len(chores)
		r.first.Store(int64(n+1) % int64(len(chores)))
		if err := chores[n].do(ctx); err != nil {
			slog.Error("chore failed; it comes round again", "chore", chores[n].name, "error", err)
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (e *Engine) keepTokens(ctx context.Context) error {
	return hostapi.KeepAlive(ctx, e.Store, e.Hosts, e.Transport, func(ctx context.Context, c *models.Connection, err error) {
		if models.KindOf(err) != models.Unauthorised {
			return
		}
		l := &lane{Connection: c.ID, Host: c.Host, Generation: c.Generation}
		if err := e.reactToHost(ctx, l, models.Unauthorised, err, 0); err != nil {
			slog.Error("reaction not written", "connection", c.ID, "error", err)
		}
	})
}

func (e *Engine) signUpDue(ctx context.Context) error {
	provisioner, ok := e.Target.(targetapi.Provisioner)
	if !ok {
		return nil
	}
	return SignUps(ctx, e.Store, provisioner)
}

// probeService tests whether what made us pause the service is over.
func (e *Engine) probeService(ctx context.Context) error {
	v, err := e.Store.Service(ctx)
	if err != nil || v.Pause == "" || !v.Enabled {
		return err
	}
	now, err := e.Store.Now(ctx)
	if err != nil || (v.ProbeAt != nil && v.ProbeAt.After(now)) {
		return err
	}
	if e.targetAnswers(ctx) {
		slog.Info("the target answers again; the service goes on")
		return e.Store.ResumeService(ctx)
	}
	return e.Store.ProbeServiceLater(ctx, e.Timing.Probe)
}

// targetAnswers asks the target about any active connection. Not knowing that
// one is a good answer to whether it is there and takes our token.
func (e *Engine) targetAnswers(ctx context.Context) bool {
	describer, ok := e.Target.(targetapi.Describer)
	if !ok {
		return true // there is no harmless question to ask: the next delivery tells
	}
	var id string
	err := e.Store.Pool.QueryRow(ctx, `SELECT external_id FROM connections WHERE active AND external_id IS NOT NULL ORDER BY id LIMIT 1`).Scan(&id)
	if err != nil {
		return errors.Is(err, pgx.ErrNoRows)
	}
	_, err = describer.Describe(ctx, targetapi.Account{ConnectionID: id})
	return err == nil || models.KindOf(err) == models.NotFound
}

// probed is a connection that a chore asks the target about.
type probed struct {
	ID         int64
	ExternalID string
}

// probeConnections asks the target again about connections it did not know.
func (e *Engine) probeConnections(ctx context.Context) error {
	describer, ok := e.Target.(targetapi.Describer)
	if !ok {
		return nil
	}
	due, err := e.probedRows(ctx, `SELECT id, external_id FROM connections WHERE pause = $1 AND pause_probe_at <= now()
		AND deleted_at IS NULL AND wish <> 'off' ORDER BY pause_probe_at LIMIT $2`, models.PauseUnknownTarget, careChunk)
	if err != nil {
		return err
	}
	for _, c := range due {
		_, err := describer.Describe(ctx, targetapi.Account{ConnectionID: c.ExternalID})
		if err == nil {
			err = e.Store.LiftPause(ctx, c.ID, models.PauseUnknownTarget)
		} else {
			err = e.Store.ProbeLater(ctx, c.ID, e.Timing.Probe)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nameCompanies fetches the names that the popup shows. A request that is under
// way when a connection is deleted only reads; none starts afterwards, because
// each is asked for right after it was found alive.
func (e *Engine) nameCompanies(ctx context.Context) error {
	describer, ok := e.Target.(targetapi.Describer)
	if !ok {
		return nil
	}
	for range careChunk {
		found, err := e.nameCompany(ctx, describer)
		if err != nil || !found {
			return err
		}
	}
	return nil
}

func (e *Engine) nameCompany(ctx context.Context, describer targetapi.Describer) (found bool, err error) {
	due, err := e.probedRows(ctx, `UPDATE connections SET company_asked_at = now() WHERE id = (
			SELECT id FROM connections WHERE company_name IS NULL AND external_id IS NOT NULL AND deleted_at IS NULL AND wish <> 'off'
				AND (company_asked_at IS NULL OR company_asked_at < now() - $1::interval) ORDER BY id LIMIT 1)
		RETURNING id, external_id`, askAgain)
	if err != nil || len(due) == 0 {
		return false, err
	}
	company, err := describer.Describe(ctx, targetapi.Account{ConnectionID: due[0].ExternalID})
	if err != nil {
		slog.Info("company not told", "connection", due[0].ID, "kind", models.KindOf(err))
		return true, nil
	}
	_, err = e.Store.Pool.Exec(ctx, `UPDATE connections SET company_name = $2, company_address = $3 WHERE id = $1`, due[0].ID, company.Name, company.Address)
	return true, err
}

func (e *Engine) probedRows(ctx context.Context, sql string, args ...any) ([]probed, error) {
	rows, err := e.Store.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[probed])
}

// trimPayloads drops street lines, cities and descriptions of what the target
// took payloadDays ago, connection by connection, each once a day. State and ZIP
// stay: taking an item back needs them.
func (e *Engine) trimPayloads(ctx context.Context) error {
	for begin := time.Now(); time.Since(begin) < trimTime; {
		found, err := e.trimSome(ctx)
		if err != nil || !found {
			return err
		}
	}
	return nil
}

// trimSome trims some entries of the connection whose turn it is; the others of
// it stay due.
func (e *Engine) trimSome(ctx context.Context) (found bool, err error) {
	err = e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `SELECT id FROM connections WHERE trim_at <= now() AND forgotten_at IS NULL ORDER BY trim_at LIMIT 1`).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		if err := errors.Join(models.LockControl.Share(ctx, tx, id), models.LockOutbox.Hold(ctx, tx, id)); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE entries SET prior_payload = NULL, verify_after = NULL, payload = (`+payloadTrimmed+`)::text
			WHERE ctid = ANY(ARRAY(SELECT ctid FROM entries WHERE connection_id = $1 AND state = 'sent' AND delivered_at < now() - make_interval(days => $2)
				AND payload ~ `+identifying+` LIMIT $3))`, id, payloadDays, careRows)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE connections SET trim_at = now() + CASE WHEN $2 THEN interval '0' ELSE interval '1 day' END WHERE id = $1`,
			id, tag.RowsAffected() == careRows)
		return err
	})
	return found, err
}

// forgetCounts drops the counts of deliveries that nobody asks for any more.
func (e *Engine) forgetCounts(ctx context.Context) error {
	_, err := e.Store.Pool.Exec(ctx, `DELETE FROM deliveries WHERE minute < now() - interval '25 hours'`)
	return err
}

// forgetDeleted drops what deleted connections leave of their customers: the
// payloads and refused records. What proves that nothing was lost stays.
func (e *Engine) forgetDeleted(ctx context.Context) error {
	for ctx.Err() == nil {
		tag, err := e.Store.Pool.Exec(ctx, `UPDATE entries SET payload = NULL, prior_payload = NULL, held_payload = NULL
			WHERE ctid = ANY(ARRAY(SELECT e.ctid FROM entries e
				WHERE e.connection_id = (SELECT id FROM connections WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL ORDER BY deleted_at LIMIT 1)
					AND (e.payload IS NOT NULL OR e.prior_payload IS NOT NULL OR e.held_payload IS NOT NULL) LIMIT $1))`, careRows)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return e.noteForgotten(ctx)
		}
	}
	return ctx.Err()
}

// noteForgotten ends it, for the connection whose payloads are gone.
func (e *Engine) noteForgotten(ctx context.Context) error {
	_, err := e.Store.Pool.Exec(ctx, `WITH gone AS (
			SELECT id FROM connections WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL ORDER BY deleted_at LIMIT 1),
		bodies AS (UPDATE bad_items b SET body = NULL, settled_at = coalesce(settled_at, now()) FROM gone WHERE b.connection_id = gone.id),
		batches AS (DELETE FROM batches b USING gone WHERE b.connection_id = gone.id AND (b.posting_until IS NULL OR b.posting_until < now()))
		UPDATE connections c SET forgotten_at = now() FROM gone WHERE c.id = gone.id`)
	return err
}

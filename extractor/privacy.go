package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

const (
	// privacyTime is how long one round works on requests; the rest has the next.
	privacyTime = 10 * time.Second
	// toldMost is how many things one answer for an operator lists: more than a
	// customer's orders, and not too much for one line.
	toldMost = 50
)

// privacyDue does what customers and hosts ask of us by law. What was sent to the
// target stays as it is there, and hashes stay here, so nothing is sent again.
func (e *Engine) privacyDue(ctx context.Context) error {
	for until := time.Now().Add(privacyTime); time.Now().Before(until) && ctx.Err() == nil; {
		p, err := e.Store.ClaimPrivacy(ctx)
		if err != nil || p == nil {
			return err
		}
		if err := e.private(ctx, p, until); err != nil {
			slog.Error("privacy request not done; it is tried again", "request", p.ID, "host", p.Host, "kind", p.Kind, "error", err)
			continue
		}
		if err := e.Store.FinishPrivacy(ctx, p.ID); err != nil {
			return err
		}
		slog.Info("privacy request done", "request", p.ID, "host", p.Host, "kind", p.Kind)
	}
	return nil
}

// holder is a connection of the account a request is about; deleted ones count.
type holder struct {
	ID, Generation int64
	Live           bool
}

// private does one request. Doing it again does no harm.
func (e *Engine) private(ctx context.Context, p *models.PrivacyRequest, until time.Time) error {
	rows, err := e.Store.Pool.Query(ctx, `SELECT id, generation, deleted_at IS NULL FROM connections WHERE host = $1 AND host_account = $2 ORDER BY id`, p.Host, p.Account)
	if err != nil {
		return err
	}
	holders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[holder])
	if err != nil {
		return err
	}
	switch p.Kind {
	case models.PrivacyTell:
		return e.tellHeld(ctx, p, holders)
	case models.PrivacyRedact:
		return e.redactRecords(ctx, p, holders)
	case models.PrivacyForget:
		return e.forgetAccount(ctx, holders, until)
	}
	return models.Errorf(models.Internal, "The host's adapter asks for something that we do not know.")
}

// redactRecords drops what identifies a customer from some records.
func (e *Engine) redactRecords(ctx context.Context, p *models.PrivacyRequest, holders []holder) error {
	for _, h := range holders {
		err := e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
			if err := errors.Join(models.LockControl.Share(ctx, tx, h.ID), models.LockOutbox.Hold(ctx, tx, h.ID)); err != nil {
				return err
			}
			names, err := recordNames(ctx, tx, h.ID, p.Records)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, redactSQL+` AND record = ANY($2)`, h.ID, names); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE bad_items SET body = NULL WHERE connection_id = $1 AND record = ANY($2) AND body IS NOT NULL`, h.ID, names)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// redactSQL drops street lines, cities and descriptions from all contents of
// entries. State, ZIP and amounts stay: what waits for delivery, or may have to
// be taken back, needs them. The hash stays, so the host's next reading of the
// same content changes nothing.
const redactSQL = `UPDATE entries SET payload = (` + payloadTrimmed + `)::text, prior_payload = (` + priorTrimmed + `)::text, held_payload = (` + heldTrimmed + `)::text
	WHERE connection_id = $1 AND (payload ~ ` + identifying + ` OR prior_payload ~ ` + identifying + ` OR held_payload ~ ` + identifying + `)`

// recordNames are the ledger's names of records whose keys are given, whatever
// their kind. The kinds of a connection are found by jumping along the index.
func recordNames(ctx context.Context, tx pgx.Tx, connection int64, keys []string) ([]string, error) {
	// '0' follows '/', so kind || '0' is behind all records of the kind.
	rows, err := tx.Query(ctx, `WITH RECURSIVE kinds(kind) AS (
			(SELECT split_part(record, '/', 1) FROM entries WHERE connection_id = $1 ORDER BY record LIMIT 1)
			UNION ALL
			SELECT (SELECT split_part(e.record, '/', 1) FROM entries e WHERE e.connection_id = $1 AND e.record >= k.kind || '0' COLLATE "C" ORDER BY e.record LIMIT 1)
			FROM kinds k WHERE k.kind IS NOT NULL)
		SELECT DISTINCT kind FROM kinds WHERE kind IS NOT NULL`, connection)
	if err != nil {
		return nil, err
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, kind := range kinds {
		for _, key := range keys {
			names = append(names, kind+"/"+key)
		}
	}
	return names, nil
}

// forgetAccount drops what identifies anybody from all that connections of the
// account hold, and stops the one that is live: its host let go of us. What is
// not delivered yet keeps state, ZIP and amounts, since it is owed to the tax
// office; what deleted connections hold goes whole, see forgetDeleted.
func (e *Engine) forgetAccount(ctx context.Context, holders []holder, until time.Time) error {
	for _, h := range holders {
		if h.Live {
			if err := e.Store.Deauthorise(ctx, h.ID, h.Generation); err != nil {
				return err
			}
		}
		if err := e.forgetIn(ctx, h.ID, until); err != nil {
			return err
		}
	}
	return nil
}

var errUnfinished = errors.New("there is more than one round can do")

func (e *Engine) forgetIn(ctx context.Context, connection int64, until time.Time) error {
	for ctx.Err() == nil {
		done, err := e.forgetSome(ctx, connection)
		if err != nil || done {
			return err
		}
		if time.Now().After(until) {
			return errUnfinished
		}
	}
	return ctx.Err()
}

func (e *Engine) forgetSome(ctx context.Context, connection int64) (done bool, err error) {
	err = e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if err := errors.Join(models.LockControl.Share(ctx, tx, connection), models.LockOutbox.Hold(ctx, tx, connection)); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, redactSQL+` AND ctid = ANY(ARRAY(SELECT ctid FROM entries WHERE connection_id = $1
			AND (payload ~ `+identifying+` OR prior_payload ~ `+identifying+` OR held_payload ~ `+identifying+`) LIMIT $2))`, connection, careRows)
		if err != nil || tag.RowsAffected() == careRows {
			return err
		}
		done = true
		_, err = tx.Exec(ctx, `UPDATE bad_items SET body = NULL WHERE connection_id = $1 AND body IS NOT NULL`, connection)
		return err
	})
	return done, err
}

// tellHeld writes down, for an operator, what we hold of a customer.
func (e *Engine) tellHeld(ctx context.Context, p *models.PrivacyRequest, holders []holder) error {
	asked := strings.Join(p.Records[:min(len(p.Records), toldMost)], ", ")
	ask := fmt.Sprintf("A customer asks through %s what is held of them (records %s). Answer within 30 days. ", e.Store.Title(p.Host), asked)
	told := false
	for _, h := range holders {
		held, err := e.heldOf(ctx, h.ID, p.Records)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			continue
		}
		told = true
		more := ""
		if len(held) > toldMost {
			held, more = held[:toldMost], "; and more, which the database lists"
		}
		if err := e.tellAsked(ctx, h.ID, ask+"Held: "+strings.Join(held, "; ")+more+"."); err != nil {
			return err
		}
	}
	if told {
		return nil
	}
	i := slices.IndexFunc(holders, func(h holder) bool { return h.Live })
	if i < 0 {
		return e.Store.RecordFailure(ctx, models.FailureConnection, nil, ask+"Nothing is held.")
	}
	return e.tellAsked(ctx, holders[i].ID, ask+"Nothing is held.")
}

// tellAsked says it to the consumer's operators and among the connection's activities.
func (e *Engine) tellAsked(ctx context.Context, connection int64, message string) error {
	if err := e.Store.RecordFailure(ctx, models.FailureConnection, &connection, message); err != nil {
		return err
	}
	return e.Store.InPgxTx(ctx, func(tx pgx.Tx) error { return tellMerchant(ctx, tx, connection, message) })
}

// heldOf says what we hold of some records, a phrase for each entry.
func (e *Engine) heldOf(ctx context.Context, connection int64, keys []string) (held []string, err error) {
	err = e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		names, err := recordNames(ctx, tx, connection, keys)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT kind, key, coalesce(day::text, 'no date'), sales_amount, sales_tax, shipping_amount, shipping_tax,
				coalesce(p #>> '{shipToAddress,state}', '-'), coalesce(p #>> '{shipToAddress,zip}', '-'), coalesce(payload ~ `+identifying+`, false)
			FROM (SELECT *, `+payloadPlain+`::jsonb AS p FROM entries WHERE connection_id = $1 AND record = ANY($2)) e ORDER BY kind, key LIMIT $3`,
			connection, names, toldMost+1)
		if err != nil {
			return err
		}
		held, err = pgx.CollectRows(rows, heldPhrase)
		return err
	})
	return held, err
}

func heldPhrase(row pgx.CollectableRow) (string, error) {
	var kind, key, day, state, zip string
	var sales, salesTax, shipping, shippingTax models.Amount
	var full bool
	if err := row.Scan(&kind, &key, &day, &sales, &salesTax, &shipping, &shippingTax, &state, &zip, &full); err != nil {
		return "", err
	}
	s := fmt.Sprintf("%s %s of %s, sales %s, sales tax %s, shipping %s, shipping tax %s, state %s, ZIP %s", kind, key, day, sales, salesTax, shipping, shippingTax, state, zip)
	if full {
		s += ", and the street, city or description until 30 days after delivery"
	}
	return s, nil
}

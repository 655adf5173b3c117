package extractor

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// retryAsked is the mapping version of a bad item that a person wants tried
	// again: below every real one.
	retryAsked = -1
	// mostBody bounds a kept record when it is unpacked.
	mostBody = 16 << 20
)

// RetryBadItems has a connection's bad items tried again: items that the target
// refused are sent once more, records that could not be read are read once
// more. It returns how many there are; what is refused again comes back as bad.
func (e *Engine) RetryBadItems(ctx context.Context, connection int64) (int, error) {
	var sent, asked int64
	err := e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		var err error
		if sent, err = resend(ctx, tx, connection); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE bad_items SET mapping = $2 WHERE connection_id = $1 AND stage = 'transform' AND settled_at IS NULL`, connection, retryAsked)
		if err != nil {
			return err
		}
		asked = tag.RowsAffected()
		_, err = tx.Exec(ctx, `UPDATE service SET care_at = now()`)
		return err
	})
	e.Nudge()
	return int(sent + asked), err
}

// resend makes the items that the target refused wanted again.
func resend(ctx context.Context, tx pgx.Tx, connection int64) (int64, error) {
	if err := errors.Join(models.LockControl.Share(ctx, tx, connection), models.LockOutbox.Hold(ctx, tx, connection)); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, `WITH open AS (
			UPDATE bad_items SET settled_at = now() WHERE connection_id = $1 AND stage = 'target' AND settled_at IS NULL RETURNING kind, key)
		UPDATE entries e SET state = 'pending', reason = NULL, seq = nextval('entry_seq') FROM open
		WHERE e.connection_id = $1 AND e.kind = open.kind AND e.key = open.key AND e.state = 'bad'`, connection)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE lanes l SET due_at = now() FROM connections c
		WHERE l.connection_id = $1 AND l.kind = 'delivery' AND l.due_at IS NULL AND c.id = l.connection_id AND c.active`, connection)
	return tag.RowsAffected(), err
}

// outdated is an open bad item that another version of the mapping refused.
type outdated struct {
	ID              int64
	Connection      int64
	Stage           models.BadStage
	Record, Version string
	Body            []byte
}

// retryOutdated tries again what was refused by another version of a mapping
// than the present one, or what a person asked for.
func (e *Engine) retryOutdated(ctx context.Context) error {
	for name, host := range e.Hosts {
		lanes, err := e.connectionsWithOutdated(ctx, name, host.Info().Mapping)
		if err != nil {
			return err
		}
		for _, l := range lanes { // one that fails now has another turn with the next housekeeping
			if err := e.retryConnection(ctx, l, host); err != nil && !errors.Is(err, errFenced) {
				slog.Warn("bad items not tried again", "connection", l.Connection, "error", err)
			}
		}
	}
	return nil
}

// connectionsWithOutdated are active connections with something to try again,
// as work outside any lane.
func (e *Engine) connectionsWithOutdated(ctx context.Context, host string, mapping int) ([]*lane, error) {
	rows, err := e.Store.Pool.Query(ctx, `SELECT 0::bigint, c.id, 'incremental', NULL::timestamptz, NULL::timestamptz, '', 0::bigint, 0, NULL::int, 0::bigint,
			c.external_id, c.host, c.host_account, c.zone, c.settings, c.generation, false, now()
		FROM connections c WHERE c.host = $1 AND c.active
			AND EXISTS (SELECT 1 FROM bad_items b WHERE b.connection_id = c.id AND b.settled_at IS NULL AND b.mapping <> $2)
		ORDER BY c.id LIMIT $3`, host, mapping, careChunk)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[lane])
}

func (e *Engine) retryConnection(ctx context.Context, l *lane, host hostapi.Host) error {
	s, err := e.newSlice(l, time.Now().Add(sliceTime))
	if err != nil {
		return err
	}
	rows, err := e.Store.Pool.Query(ctx, `SELECT id, connection_id, stage, record, version, body FROM bad_items
		WHERE connection_id = $1 AND settled_at IS NULL AND mapping <> $2 ORDER BY id LIMIT 500`, l.Connection, host.Info().Mapping)
	if err != nil {
		return err
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[outdated])
	if err != nil {
		return err
	}
	records, err := s.recordsOf(ctx, due)
	if err != nil {
		return err
	}
	if _, err = s.acceptRecount(ctx, records); err != nil {
		return err
	}
	ids := make([]int64, len(due))
	for i := range due {
		ids[i] = due[i].ID
	}
	// What was not settled by that is not tried for ever.
	_, err = e.Store.Pool.Exec(ctx, `UPDATE bad_items SET mapping = $2 WHERE id = ANY($1)`, ids, host.Info().Mapping)
	return err
}

// recordsOf are the records to read again: kept ones from their bodies, those
// of refused items, and those whose bodies had to be forgotten, from the host
// where it can be asked.
func (s *slice) recordsOf(ctx context.Context, due []outdated) ([]hostapi.Record, error) {
	var records []hostapi.Record
	var keys []string
	for i := range due {
		kind, key, _ := strings.Cut(due[i].Record, "/")
		if due[i].Stage == models.BadTarget || due[i].Body == nil {
			keys = append(keys, key)
			continue
		}
		body, err := unpack(due[i].Body)
		if err != nil { // it stays a bad item; the others go on
			slog.Error("kept record cannot be unpacked", "bad_item", due[i].ID, "error", err)
			continue
		}
		records = append(records, hostapi.Record{Kind: kind, Key: key, Version: due[i].Version, Body: body})
	}
	fetcher, ok := s.host.(hostapi.Fetcher)
	if !ok || len(keys) == 0 {
		return records, nil
	}
	fetched, err := fetcher.Fetch(rest.Together(ctx), s.account, keys)
	return append(records, fetched...), err
}

func unpack(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(io.LimitReader(z, mostBody))
}

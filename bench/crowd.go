package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"extractor/models"
)

// crowd is many connections, written into the tables directly: what counts is
// how they are worked on, not how they are made.
type crowd struct {
	size  int
	from  time.Time          // first pull falls due
	over  time.Duration      // and the others, evenly, within that
	token func(n int) string // the access token of number n, from 1 on
	since time.Time          // what the host changed since then is news
}

// crowdSQL makes connections that have been at work for a while: all told, all
// in order, the past read.
const crowdSQL = `INSERT INTO connections (external_id, host, start_date, wish, authorized, host_account, zone, company_name, company_asked_at,
		start_followed, covered_from, last_sync_at, trim_at, status_message)
	SELECT 'crowd-' || n, $2, current_date - 90, 'on', true, 'crowd-' || n, $3, 'A company', now(),
		current_date - 90, now() - interval '91 days', now() - interval '1 minute', now() + random() * interval '1 day', 'at work'
	FROM generate_series(1, $1::int) n`

// crowdLanesSQL makes their lanes; pulls are due one after the other, in no order.
const crowdLanesSQL = `INSERT INTO lanes (connection_id, kind, from_at, due_at)
	SELECT c.id, k, CASE k WHEN 'incremental' THEN $1::timestamptz END,
		CASE k WHEN 'incremental' THEN $2::timestamptz + random() * $3::interval WHEN 'reconcile' THEN now() + interval '1 day' END
	FROM connections c, unnest(ARRAY['incremental', 'delivery', 'reconcile']) k WHERE c.external_id LIKE 'crowd-%'`

// crowdDueSQL remembers when each pull was due, to compare it with when it was done.
const crowdDueSQL = `CREATE TABLE bench_due AS SELECT connection_id, due_at FROM lanes WHERE kind = 'incremental'
	AND connection_id IN (SELECT id FROM connections WHERE external_id LIKE 'crowd-%')`

// make writes the crowd.
func (c crowd) make(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, crowdSQL, c.size, theHost, zone); err != nil {
		return err
	}
	if err := c.makeTokens(ctx, pool); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, crowdLanesSQL, c.since, c.from, c.over); err != nil {
		return err
	}
	for _, sql := range []string{crowdDueSQL, `VACUUM ANALYZE`, `CHECKPOINT`} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// makeTokens seals and writes their tokens.
func (c crowd) makeTokens(ctx context.Context, pool *pgxpool.Pool) error {
	sealer, err := models.NewSealer(encryptionKeys)
	if err != nil {
		return err
	}
	rows, err := pool.Query(ctx, `SELECT id, substr(external_id, 7)::int FROM connections WHERE external_id LIKE 'crowd-%'`)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID int64
		N  int
	}])
	if err != nil {
		return err
	}
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"tokens"}, []string{"connection_id", "access", "expires_at"}, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		sealed, err := sealer.Seal("tokens", "access", all[i].ID, []byte(c.token(all[i].N)))
		return []any{all[i].ID, sealed, time.Now().Add(tokenLife)}, err
	}))
	return err
}

// emptyTables is a migrated database with nothing in it.
func emptyTables(ctx context.Context, database string) (*pgxpool.Pool, error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return nil, err
	}
	if err := models.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// lag is how late pulls were done that fell due in a time.
type lag struct {
	due, done int
	p99, most float64 // seconds; of one that is not done, until now
}

// lagOf compares due times with done. A pull that was done before it was due
// would be one too many.
func lagOf(ctx context.Context, pool *pgxpool.Pool, from, until time.Time) (l lag, err error) {
	var early int
	err = pool.QueryRow(ctx, `WITH looks AS (
			SELECT b.due_at, nullif(greatest(c.last_sync_at, $1), $1) AS done_at FROM bench_due b JOIN connections c ON c.id = b.connection_id
			WHERE b.due_at >= $1 AND b.due_at < $2)
		SELECT count(*), count(done_at), count(*) FILTER (WHERE done_at < due_at),
			coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(done_at, now()) - due_at)), 0)::float8,
			coalesce(max(extract(epoch FROM coalesce(done_at, now()) - due_at)), 0)::float8 FROM looks`, from, until).
		Scan(&l.due, &l.done, &early, &l.p99, &l.most)
	if err == nil && early > 0 {
		err = fmt.Errorf("%d pulls were done before they were due", early)
	}
	if err == nil && l.due == 0 {
		err = errors.New("nothing was due")
	}
	return l, err
}

// sleepUntil waits, as long as the process that is measured lives.
func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Until(at)):
		return nil
	}
}

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// connectionID is the connection's name at TrustFile, for both contestants.
const connectionID = "bench"

const ledgerDDL = `CREATE TABLE ledger (
	connection_id bigint NOT NULL,
	kind          text NOT NULL,
	key           text NOT NULL,
	hash          bytea NOT NULL,
	payload       text NOT NULL,
	updated_at    timestamptz NOT NULL DEFAULT now(),
	delivered_at  timestamptz,
	PRIMARY KEY (connection_id, kind, key))`

const (
	stageDDL = `CREATE TEMP TABLE stage (connection_id bigint, kind text, key text, hash bytea, payload text) ON COMMIT DELETE ROWS`

	upsertSQL = `INSERT INTO ledger AS l (connection_id, kind, key, hash, payload) SELECT * FROM stage
		ON CONFLICT (connection_id, kind, key) DO UPDATE SET hash = excluded.hash, payload = excluded.payload, updated_at = now(), delivered_at = NULL
		WHERE l.hash <> excluded.hash OR l.delivered_at IS NULL RETURNING key`

	// All columns of the key come as arrays: with a constant among them, fresh
	// statistics make the planner read the whole connection for every batch.
	deliveredSQL = `UPDATE ledger l SET delivered_at = now() FROM unnest($1::bigint[], $2::text[], $3::text[]) x(c, kind, key)
		WHERE l.connection_id = x.c AND l.kind = x.kind AND l.key = x.key`
)

const (
	theConnection = int64(1)
	theKind       = "sale"
)

func makeLedger(ctx context.Context, database string) error {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, ledgerDDL)
	return errors.Join(err, c.Close(ctx))
}

type counter struct{ items, read, cents atomic.Int64 }

// loader writes batches over a connection of its own.
type loader struct {
	*pipeline
	db          *pgx.Conn
	connections []int64
	kinds       []string
	arena, body []byte
}

func (p *pipeline) load(ctx context.Context) error {
	config, err := pgx.ParseConfig(p.task.Database)
	if err != nil {
		return err
	}
	config.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	if _, err := db.Exec(ctx, stageDDL); err != nil {
		return err
	}
	l := &loader{pipeline: p, db: db, connections: make([]int64, batchSize), kinds: make([]string, batchSize)}
	for i := range l.kinds {
		l.connections[i], l.kinds[i] = theConnection, theKind
	}
	for batch := range p.batches {
		if err := l.deliver(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// deliver takes one batch all the way.
func (l *loader) deliver(ctx context.Context, batch []saleItem) error {
	payloads := l.encode(batch)
	changed, err := l.upsert(ctx, batch, payloads)
	if err != nil || len(changed) == 0 {
		return err
	}
	if err := l.post(ctx, l.join(batch, payloads, changed), len(changed)); err != nil {
		return err
	}
	if _, err := l.db.Exec(ctx, deliveredSQL, l.connections[:len(changed)], l.kinds[:len(changed)], changed); err != nil {
		return err
	}
	for i := range batch {
		l.result.cents.Add(batch[i].total())
	}
	l.result.items.Add(int64(len(changed)))
	return nil
}

// encode makes each item's text, all of them in one piece of memory.
func (l *loader) encode(batch []saleItem) [][]byte {
	l.arena = l.arena[:0]
	ends := make([]int, len(batch))
	for i := range batch {
		l.arena = batch[i].appendJSON(l.arena)
		ends[i] = len(l.arena)
	}
	payloads, from := make([][]byte, len(batch)), 0
	for i, end := range ends {
		payloads[i], from = l.arena[from:end], end
	}
	return payloads
}

// upsert writes the batch to the ledger and returns the keys of what is new or changed.
func (l *loader) upsert(ctx context.Context, batch []saleItem, payloads [][]byte) (changed []string, err error) {
	err = pgx.BeginFunc(ctx, l.db, func(tx pgx.Tx) error {
		columns := []string{"connection_id", "kind", "key", "hash", "payload"}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"stage"}, columns, pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) {
			hash := sha256.Sum256(payloads[i])
			return []any{theConnection, theKind, batch[i].id, hash[:], payloads[i]}, nil
		}))
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, upsertSQL)
		if err != nil {
			return err
		}
		changed, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return changed, err
}

// join makes the body of a POST of what changed.
func (l *loader) join(batch []saleItem, payloads [][]byte, changed []string) []byte {
	at := make(map[string]int, len(batch))
	for i := range batch {
		at[batch[i].id] = i
	}
	l.body = append(l.body[:0], `{"items":[`...)
	for n, key := range changed {
		if n > 0 {
			l.body = append(l.body, ',')
		}
		l.body = append(l.body, payloads[at[key]]...)
	}
	l.body = append(l.body, ']', '}')
	return l.body
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// nextColumn is what the next version's migration adds to each table.
	nextColumn = "of_the_next_version"
	// nextKind is a job that only the next version knows, in a queue of its own as
	// each kind of ours is.
	nextKind = "next_version"
	// migrateWait bounds how long a table's lock is waited for, as others then wait
	// behind us; migrateAgain is how soon the next try comes.
	migrateWait  = 500 * time.Millisecond
	migrateAgain = 100 * time.Millisecond
)

// release is the fault of one.
var release = trouble{"release: the next version's migration", sidePostgres, "39", 0, nextRelease}

// nextRelease has the next version migrate the database while this one works on
// it, and leave a job behind that this one does not know: what a release does
// before its processes replace ours. They stay away, as after a rollback.
func nextRelease(ctx context.Context, s *stage, _ step, _ *rand.Rand) func() {
	for last := time.Now().Add(answerPatience); s.migrateOn(ctx) != nil; {
		if time.Now().After(last) || !until(ctx, time.Now().Add(migrateAgain)) {
			return nil // Postgres has another fault all the time
		}
	}
	return nothing
}

// migrateOn does what the next version would. It may be done again.
func (s *stage) migrateOn(ctx context.Context) error {
	tables, err := s.tables(ctx)
	for _, table := range tables {
		if err == nil {
			err = s.widen(ctx, table)
		}
	}
	if err == nil {
		_, err = s.store.Exec(ctx, `INSERT INTO river_job (kind, queue, args, max_attempts, state) VALUES ($1, $1, '{}', 1, 'available')`, nextKind)
	}
	return err
}

// tables are ours, not those of the libraries.
func (s *stage) tables(ctx context.Context) ([]string, error) {
	rows, err := s.store.Query(ctx, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		AND relname NOT LIKE 'river%' AND relname NOT LIKE 'goose%' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// widen adds a column that this version does not know, unless work holds the table
// for long: others would wait behind us.
func (s *stage) widen(ctx context.Context, table string) error {
	return pgx.BeginFunc(ctx, s.store, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, migrateWait.Milliseconds()))
		if err == nil {
			_, err = tx.Exec(ctx, fmt.Sprintf(`ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s text NOT NULL DEFAULT ''`, pgx.Identifier{table}.Sanitize(), nextColumn))
		}
		return err
	})
}

// drawRelease is when the next version's migration comes, in one schedule of three.
// It has a source of chance of its own: the other steps of a seed are as they were.
func drawRelease(seed uint64) []step {
	r := rand.New(rand.NewPCG(seed, 2))
	if r.IntN(3) > 0 {
		return nil
	}
	return []step{{at: time.Duration(r.Int64N(int64(stormTime))), what: release.name, pick: r.Uint64()}}
}

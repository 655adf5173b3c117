package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// mostLarge is what we promise of a small merchant's sync in a large ledger, of
// the same in a small one.
const mostLarge = 1.3

const (
	largeLedger, smallLedger           = 50_000_000, 1_000_000
	shortLargeLedger, shortSmallLedger = 400_000, 50_000
	// ledgerChunk is how many entries one statement makes.
	ledgerChunk = 1_000_000
	// otherMerchants is how many the ledger's entries belong to.
	otherMerchants = 1000
)

// ledgerSQL makes entries of other merchants: long delivered, their payloads trimmed.
const ledgerSQL = `INSERT INTO entries (connection_id, kind, key, record, version, state, hash, sent_seq, day, sales_amount, sales_tax, created_at, changed_at, delivered_at)
	SELECT 1000000 + n % $3::int, 'sale', n::text, 'order/' || n, '000000001', 'sent', sha256(n::text::bytea), 1, current_date - (n % 900)::int, 1999, 165,
		now() - interval '60 days', now() - interval '60 days', now() - interval '60 days'
	FROM generate_series($1::bigint, $2::bigint) n`

// measureLarge brings one order of each of many small merchants, in a ledger
// that holds little besides and in one that holds much.
func measureLarge(ctx context.Context, d *driver) (rows []row, err error) {
	many, few, small := largeLedger, smallLedger, smallMerchants
	if d.plan.short {
		many, few, small = shortLargeLedger, shortSmallLedger, shortSmallMerchants
	}
	var large, little []turn
	err = d.stocked(ctx, stock{Small: small}, func() error {
		return d.inLedger(ctx, "bench_few", few, small, func(inFew func(*[]turn) error) error {
			return d.inLedger(ctx, "bench_many", many, small, func(inMany func(*[]turn) error) error {
				return d.fewRounds(func() error { return inFew(&little) }, func() error { return inMany(&large) })
			})
		})
	})
	if err != nil {
		return nil, err
	}
	took := func(t turn) float64 { return t.took.Seconds() }
	name := func(what string, rows int) string { return fmt.Sprintf("%s with %d entries", what, rows) }
	return []row{
		atMost(name("time of a small merchant's sync", many)+fmt.Sprintf(", of that with %d", few), paired(large, little, took), mostLarge, ratioDigits),
		atMost("its app and Postgres CPU, of the same", paired(large, little, turn.bothCPU), mostLarge, ratioDigits),
		figure(name("ms a sync", many), median(large, took)/float64(small)*1000, 2),
		figure(name("ms a sync", few), median(little, took)/float64(small)*1000, 2),
		figure(name("app and Postgres CPU, ms a sync", many), median(large, turn.bothCPU)/1000, 2),
		figure(name("app and Postgres CPU, ms a sync", few), median(little, turn.bothCPU)/1000, 2),
	}, nil
}

// inLedger makes a database with so many entries, and runs do with what measures a turn in it.
func (d *driver) inLedger(ctx context.Context, name string, entries, small int, do func(func(*[]turn) error) error) error {
	database, drop, err := d.server.scratch(ctx, name)
	if err != nil {
		return err
	}
	pool, err := emptyTables(ctx, database)
	if err != nil {
		return errors.Join(err, drop())
	}
	defer pool.Close()
	began := time.Now()
	c := crowd{size: small, from: time.Now().Add(time.Hour), since: d.world.From, token: d.world.smallToken}
	err = fillLedger(ctx, pool, entries)
	if err == nil {
		err = c.make(ctx, pool)
	}
	if err == nil {
		fmt.Printf("%9d entries  made in %s\n", entries, time.Since(began).Round(time.Second))
		err = do(func(into *[]turn) error { return d.syncAll(ctx, pool, database, c, entries, into) })
	}
	return errors.Join(err, drop())
}

// fillLedger makes entries, and the key and the indexes after them: page after page
// of an index, not each page again and again.
func fillLedger(ctx context.Context, pool *pgxpool.Pool, entries int) error {
	again, err := bare(ctx, pool)
	if err != nil {
		return err
	}
	for from := 1; from <= entries; from += ledgerChunk {
		if _, err := pool.Exec(ctx, ledgerSQL, from, min(entries, from+ledgerChunk-1), otherMerchants); err != nil {
			return err
		}
		if from/ledgerChunk%10 == 9 {
			fmt.Printf("%9d of %d entries\n", from+ledgerChunk-1, entries)
		}
	}
	for _, sql := range again {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// bare takes the key and the indexes from the entries, and tells how to make them again.
func bare(ctx context.Context, pool *pgxpool.Pool) (again []string, err error) {
	rows, err := pool.Query(ctx, `SELECT CASE WHEN c.conname IS NULL THEN 'DROP INDEX ' || i.indexrelid::regclass ELSE 'ALTER TABLE entries DROP CONSTRAINT ' || c.conname END,
			CASE WHEN c.conname IS NULL THEN pg_get_indexdef(i.indexrelid) ELSE 'ALTER TABLE entries ADD CONSTRAINT ' || c.conname || ' ' || pg_get_constraintdef(c.oid) END
		FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid WHERE i.indrelid = 'entries'::regclass`)
	if err != nil {
		return nil, err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Drop, Make string }])
	for _, x := range indexes {
		if _, err := pool.Exec(ctx, x.Drop); err != nil {
			return nil, err
		}
		again = append(again, x.Make)
	}
	return again, err
}

// syncAll makes all small merchants due at once, as if they had never been
// pulled for, and measures until all their orders are at TrustFile.
func (d *driver) syncAll(ctx context.Context, pool *pgxpool.Pool, database string, c crowd, entries int, into *[]turn) error {
	if err := d.world.reset(ctx); err != nil {
		return err
	}
	c.from = time.Now().Add(warmUp)
	if err := c.forget(ctx, pool); err != nil {
		return err
	}
	t, err := d.during(ctx, database, func(alive context.Context, pid int) (turn, error) {
		if err := sleepUntil(alive, c.from); err != nil {
			return turn{}, err
		}
		return d.metered(func() (turn, error) { return c.sync(alive, pool, pid) })
	})
	if err == nil {
		fmt.Printf("%9d entries  %v\n", entries, t)
		*into = append(*into, t)
	}
	return err
}

// forget makes the crowd's pulls due as at first.
func (c crowd) forget(ctx context.Context, pool *pgxpool.Pool) error {
	for _, table := range []string{"entries", "deliveries"} {
		if _, err := pool.Exec(ctx, `DELETE FROM `+table+` WHERE connection_id = ANY(ARRAY(SELECT connection_id FROM bench_due))`); err != nil {
			return err
		}
	}
	_, err := pool.Exec(ctx, `UPDATE lanes SET due_at = CASE kind WHEN 'incremental' THEN $1::timestamptz END, from_at = CASE kind WHEN 'incremental' THEN $2::timestamptz END,
		cursor = '', leased_until = NULL, settled_seq = 0 WHERE kind IN ('incremental', 'delivery')`, c.from, c.since)
	return err
}

// sync waits for all orders. The turn's time begins when the first pull was
// done: before, they waited for the sweep, which comes once a second.
func (c crowd) sync(ctx context.Context, pool *pgxpool.Pool, pid int) (t turn, err error) {
	before, err := statOf(pid)
	if err != nil {
		return t, err
	}
	if err := c.arrived(ctx, pool, time.Now().Add(fairPatience)); err != nil {
		return t, err
	}
	after, err := statOf(pid)
	if err != nil {
		return t, err
	}
	t.orders, t.app.cpu = c.size, after.cpu-before.cpu
	return t, pool.QueryRow(ctx, `SELECT max(delivered_at) - min(created_at) FROM entries WHERE connection_id = ANY(ARRAY(SELECT connection_id FROM bench_due))`).Scan(&t.took)
}

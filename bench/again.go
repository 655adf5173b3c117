package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// leastAgainRatio is what we promise of a second run over unchanged orders, of
// the reference's orders per second.
const leastAgainRatio = 0.7

// measureAgain reads all orders a second time: nothing has changed, so nothing
// is sent.
func measureAgain(ctx context.Context, d *driver) (rows []row, err error) {
	orders := d.plan.orders
	var ours, reference []turn
	err = d.simulated(ctx, []int{orders}, func() error {
		return d.rounds(
			func() error { return d.twice(ctx, "reference", d.reference, d.referenceAgain, orders, &reference) },
			func() error { return d.twice(ctx, "ours", d.ours, d.oursAgain, orders, &ours) },
		)
	})
	if err != nil {
		return nil, err
	}
	return append([]row{
		atLeast("orders/s, of the reference's", paired(ours, reference, turn.perSecond), leastAgainRatio, ratioDigits),
		figure("app CPU per order, of the reference's", paired(ours, reference, turn.appCPU), ratioDigits),
		figure("Postgres CPU per order, of the reference's", paired(ours, reference, turn.postgresCPU), ratioDigits),
	}, append(figures("ours", orders, ours), figures("reference", orders, reference)...)...), nil
}

// twice lets a contestant bring all orders, and meters only what it does then.
func (d *driver) twice(ctx context.Context, name string, first, second contestant, orders int, into *[]turn) error {
	return d.takeMetered(ctx, name+" again", func(ctx context.Context, database string, orders int) (turn, error) {
		if _, err := first(ctx, database, orders); err != nil {
			return turn{}, err
		}
		return d.metered(func() (turn, error) { return second(ctx, database, orders) })
	}, orders, into)
}

func (d *driver) referenceAgain(ctx context.Context, database string, orders int) (turn, error) {
	return d.refer(ctx, referenceTask{Shop: shopOf(orders), Database: database, Fetchers: fetchers, Again: true}, orders)
}

// oursAgain opens all windows of the past once more, as no way of the API does:
// the extractor by itself reads twice only what lies near a window's edge.
func (d *driver) oursAgain(ctx context.Context, database string, orders int) (t turn, err error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return t, err
	}
	defer pool.Close()
	if _, err = pool.Exec(ctx, `UPDATE lanes SET done_at = NULL, due_at = now() WHERE kind = 'backfill'`); err != nil {
		return t, err
	}
	if t, err = d.work(ctx, pool, database, orders, windowsRead); err != nil {
		return t, err
	}
	read, err := recordsRead(d.workerLog())
	if err == nil && read < orders {
		err = fmt.Errorf("the second run read %d of %d orders", read, orders)
	}
	return t, err
}

// windowsRead waits until the past was read.
func windowsRead(ctx context.Context, pool *pgxpool.Pool, _ int) error {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		var open bool
		err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM lanes WHERE kind = 'backfill' AND done_at IS NULL)`).Scan(&open)
		if err != nil || !open {
			return errors.Join(err, context.Cause(ctx))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticks.C:
		}
	}
}

// recordsRead adds up what the worker's log says of pages.
func recordsRead(log string) (sum int, err error) {
	f, err := os.Open(log)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct{ Records int }
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			sum += line.Records
		}
	}
	return sum, lines.Err()
}

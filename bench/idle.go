package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// What we promise of many connections of which few have news: how late the
// pulls are that are due every quarter of an hour, and what Postgres uses.
const (
	mostLag          = 60.0 // seconds, at the 99th percentile
	mostPostgresCore = 0.3  // of one core
)

const (
	idleCrowd, shortIdleCrowd = 100_000, 20_000
	millionCrowd              = 1_000_000
	// interval is SYNC_INTERVAL's default, which the worker runs with.
	interval = 15 * time.Minute
	// idleWindow is the part of an interval that is measured: pulls are due evenly.
	idleWindow, shortIdleWindow = time.Minute, 6 * time.Second
	// warmUp is how long the worker runs before: it has started, and its pool is open.
	warmUp = 3 * time.Second
	// grace is how long after the window a pull may be done that fell due at its end.
	grace = 3 * time.Second
	// makeBase and makeEach are how long making a crowd may take: pulls fall due
	// when it is done, or they would be late at once.
	makeBase, makeEach = 4 * time.Second, 130 * time.Microsecond
	// hostTakes is how long the host of the idle job takes for each answer.
	hostTakes = 100 * time.Millisecond
)

// measureIdle is 100,000 connections on one worker, at a host that takes as long
// as hosts do.
func measureIdle(ctx context.Context, d *driver) ([]row, error) {
	size := idleCrowd
	if d.plan.short {
		size = shortIdleCrowd
	}
	w, err := d.watchIdle(ctx, size, slowPath)
	if err != nil {
		return nil, err
	}
	return append([]row{
		atMost(fmt.Sprintf("lag of due pulls, p99, s, of %d connections", size), w.lag.p99, mostLag, 1),
		atMost("Postgres, of one core", w.postgresCore(), mostPostgresCore, ratioDigits),
	}, w.figures(size)...), nil
}

// measureMillion shows how far one worker goes: the host answers at once, so
// what bounds it is ours.
func measureMillion(ctx context.Context, d *driver) ([]row, error) {
	w, err := d.watchIdle(ctx, millionCrowd, "")
	if err != nil {
		return nil, err
	}
	return append([]row{
		figure(fmt.Sprintf("lag of due pulls, p99, s, of %d connections", millionCrowd), w.lag.p99, 1),
		figure("Postgres, of one core", w.postgresCore(), ratioDigits),
	}, w.figures(millionCrowd)...), nil
}

// watched is what a worker did for a while.
type watched struct {
	lag  lag
	turn turn
}

func (w watched) postgresCore() float64 { return w.turn.postgres.Seconds() / w.turn.took.Seconds() }

func (w watched) figures(size int) []row {
	name := func(what string) string { return fmt.Sprintf("%d connections: %s", size, what) }
	return []row{
		figure(name("pulls due in the time"), float64(w.lag.due), 0),
		figure(name("of them done"), float64(w.lag.done), 0),
		figure(name("pulls a second"), float64(w.lag.done)/w.turn.took.Seconds(), 0),
		figure(name("the latest, s"), w.lag.most, 1),
		figure(name("worker, of one core"), w.turn.app.cpu.Seconds()/w.turn.took.Seconds(), ratioDigits),
		figure(name("worker's memory, MB"), w.turn.megabytes(), 0),
	}
}

// watchIdle lets a worker pull for a crowd that has no news, for a while.
func (d *driver) watchIdle(ctx context.Context, size int, path string) (w watched, err error) {
	err = d.simulated(ctx, nil, func() error {
		d.world.Host = d.world.Quiet + path
		database, drop, err := d.server.scratch(ctx, "bench_crowd")
		if err != nil {
			return err
		}
		w, err = d.watchCrowd(ctx, database, size)
		return errors.Join(err, drop())
	})
	return w, err
}

func (d *driver) watchCrowd(ctx context.Context, database string, size int) (w watched, err error) {
	pool, err := emptyTables(ctx, database)
	if err != nil {
		return w, err
	}
	defer pool.Close()
	from := time.Now().Add(makeBase + time.Duration(size)*makeEach)
	c := crowd{size: size, from: from, over: interval, since: time.Now(), token: func(int) string { return "any" }}
	if err := c.make(ctx, pool); err != nil {
		return w, err
	}
	if time.Until(from) < warmUp {
		return w, fmt.Errorf("making the connections took %v longer than is allowed for", warmUp-time.Until(from))
	}
	window := idleWindow
	if d.plan.short {
		window = shortIdleWindow
	}
	return d.watchWorker(ctx, pool, database, from, from.Add(window))
}

// watchWorker lets a worker run, and measures from one time to another.
func (d *driver) watchWorker(ctx context.Context, pool *pgxpool.Pool, database string, from, until time.Time) (w watched, err error) {
	if err := sleepUntil(ctx, from.Add(-warmUp)); err != nil {
		return w, err
	}
	w.turn, err = d.during(ctx, database, func(alive context.Context, pid int) (t turn, err error) {
		if err := sleepUntil(alive, from); err != nil {
			return t, err
		}
		if t, err = d.metered(func() (turn, error) { return usedUntil(alive, pid, until) }); err != nil {
			return t, err
		}
		if err := sleepUntil(alive, until.Add(grace)); err != nil {
			return t, err
		}
		w.lag, err = lagOf(alive, pool, from, until)
		return t, err
	})
	if err == nil && w.lag.done < w.lag.due/2 {
		err = fmt.Errorf("only %d of %d pulls were done", w.lag.done, w.lag.due)
	}
	fmt.Printf("%d of %d pulls   p99 %.1f s   Postgres %.2f core   worker %.2f core   %.0f MB   others %.0f %%\n",
		w.lag.done, w.lag.due, w.lag.p99, w.postgresCore(), w.turn.app.cpu.Seconds()/w.turn.took.Seconds(), w.turn.megabytes(), 100*w.turn.others)
	return w, err
}

// usedUntil is what a process uses from now until then.
func usedUntil(ctx context.Context, pid int, until time.Time) (t turn, err error) {
	begin := time.Now()
	before, err := statOf(pid)
	if err != nil {
		return t, err
	}
	if err := sleepUntil(ctx, until); err != nil {
		return t, err
	}
	after, err := statOf(pid)
	t.took, t.app.cpu = time.Since(begin), after.cpu-before.cpu
	return t, err
}

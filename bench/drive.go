package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// turn is what one contestant did once.
type turn struct {
	orders   int
	took     time.Duration
	app      usage
	postgres time.Duration
	cents    int64   // all amounts added up: both contestants must find the same
	others   float64 // part of the machine that programs besides ours took
}

func (t turn) perSecond() float64 { return float64(t.orders) / t.took.Seconds() }

// appCPU and postgresCPU are in seconds per million items.
func (t turn) appCPU() float64      { return t.app.cpu.Seconds() / float64(t.orders) * 1e6 }
func (t turn) postgresCPU() float64 { return t.postgres.Seconds() / float64(t.orders) * 1e6 }

func (t turn) String() string {
	return fmt.Sprintf("%8.0f items/s   app %5.1f s/M   Postgres %5.1f s/M   %4d MB   others %2.0f %%",
		t.perSecond(), t.appCPU(), t.postgresCPU(), t.app.rss/megabyte, 100*t.others)
}

// driver holds what all turns share.
type driver struct {
	plan    plan
	folder  string // for files of this run
	program string // the extractor
	world   *world
	server  *server
}

// contestant does one turn on an empty database.
type contestant func(ctx context.Context, database string, orders int) (turn, error)

// drive does the whole run.
func drive(ctx context.Context, p plan) (err error) {
	d := &driver{plan: p}
	if d.folder, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.folder)
	if d.program, err = build(ctx, d.folder); err != nil {
		return err
	}
	if d.server, err = startServer(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.close()) }()
	var stop func() error
	if d.world, stop, err = startSimulators(ctx, []int{p.fewer, p.orders}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	turns, err := d.rounds(ctx)
	if err != nil {
		return err
	}
	hosts, err := convert(ctx)
	if err != nil {
		return err
	}
	return d.report(ctx, turns, hosts)
}

// turns are all turns of a run.
type turns struct{ ours, reference, fewer []turn }

// rounds lets the contestants take turns, each first every other time.
func (d *driver) rounds(ctx context.Context) (t turns, err error) {
	ours := func() error { return d.take(ctx, "ours", d.ours, d.plan.orders, &t.ours) }
	reference := func() error { return d.take(ctx, "reference", d.reference, d.plan.orders, &t.reference) }
	fewer := func() error { return d.take(ctx, "ours", d.ours, d.plan.fewer, &t.fewer) }
	for round := range d.plan.rounds {
		order := []func() error{reference, ours, fewer}
		if round%2 == 1 {
			order = []func() error{fewer, ours, reference}
		}
		for _, next := range order {
			if err := next(); err != nil {
				return t, err
			}
		}
	}
	if a, b := t.ours[0].cents, t.reference[0].cents; a != b {
		return t, fmt.Errorf("not the same work: ours brought %d cents, the reference %d", a, b)
	}
	return t, nil
}

// take does one turn and checks that TrustFile got every order exactly once.
func (d *driver) take(ctx context.Context, name string, c contestant, orders int, into *[]turn) error {
	if err := d.world.reset(ctx); err != nil {
		return err
	}
	database, drop, err := d.server.scratch(ctx, "bench_turn")
	if err != nil {
		return err
	}
	t, err := d.metered(func() (turn, error) { return c(ctx, database, orders) })
	if err != nil {
		return errors.Join(err, drop())
	}
	got, err := d.world.taken(ctx)
	if err = errors.Join(err, drop()); err != nil {
		return err
	}
	if got.Items != orders || got.Received != orders {
		return fmt.Errorf("%s: TrustFile has %d items after %d were sent, of %d orders", name, got.Items, got.Received, orders)
	}
	fmt.Printf("%-9s %7d  %v\n", name, orders, t)
	*into = append(*into, t)
	return nil
}

// meters are what was used up so far.
type meters struct {
	at       time.Time
	postgres time.Duration
	known    time.Duration // by Postgres, the simulators and ourselves
	machine  time.Duration // by all programs
}

func (d *driver) meters() (m meters, err error) {
	m.at = time.Now()
	if m.postgres, err = d.server.cpu(); err != nil {
		return m, err
	}
	simulators, err := statOf(d.world.pid)
	if err != nil {
		return m, err
	}
	own, err := statOf(os.Getpid())
	if err != nil {
		return m, err
	}
	m.known = m.postgres + simulators.cpu + own.cpu
	m.machine, err = machineCPU()
	return m, err
}

// metered reads the meters before and after a turn.
func (d *driver) metered(do func() (turn, error)) (turn, error) {
	before, err := d.meters()
	if err != nil {
		return turn{}, err
	}
	t, err := do()
	if err != nil {
		return t, err
	}
	after, err := d.meters()
	t.postgres = after.postgres - before.postgres
	others := after.machine - before.machine - (after.known - before.known) - t.app.cpu
	t.others = max(0, others.Seconds()/after.at.Sub(before.at).Seconds()/float64(runtime.NumCPU()))
	return t, err
}

// reference lets the reference process do it.
func (d *driver) reference(ctx context.Context, database string, orders int) (turn, error) {
	cmd, err := self(ctx, verbReference, referenceTask{World: d.world, Shop: shopOf(orders), Database: database})
	if err != nil {
		return turn{}, err
	}
	start := time.Now()
	out, err := cmd.Output()
	t := turn{orders: orders, took: time.Since(start)}
	if err != nil {
		return t, fmt.Errorf("the reference: %w", err)
	}
	t.app = usageOf(cmd.ProcessState)
	var result referenceResult
	if err := json.Unmarshal(out, &result); err != nil || result.Items != int64(orders) {
		return t, errors.Join(fmt.Errorf("the reference brought %d of %d", result.Items, orders), err)
	}
	t.cents = result.Cents
	return t, nil
}

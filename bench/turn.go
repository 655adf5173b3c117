package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
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

// appCPU and postgresCPU are in seconds per million items; bothCPU is their sum.
func (t turn) appCPU() float64      { return t.app.cpu.Seconds() / float64(t.orders) * 1e6 }
func (t turn) postgresCPU() float64 { return t.postgres.Seconds() / float64(t.orders) * 1e6 }
func (t turn) bothCPU() float64     { return t.appCPU() + t.postgresCPU() }
func (t turn) megabytes() float64   { return float64(t.app.rss) / megabyte }

func (t turn) String() string {
	return fmt.Sprintf("%8.0f items/s   app %5.1f s/M   Postgres %5.1f s/M   %4d MB   others %2.0f %%",
		t.perSecond(), t.appCPU(), t.postgresCPU(), t.app.rss/megabyte, 100*t.others)
}

// contestant does one turn on an empty database.
type contestant func(ctx context.Context, database string, orders int) (turn, error)

// take does one turn, with the meters on.
func (d *driver) take(ctx context.Context, name string, c contestant, orders int, into *[]turn) error {
	return d.takeMetered(ctx, name, func(ctx context.Context, database string, orders int) (turn, error) {
		return d.metered(func() (turn, error) { return c(ctx, database, orders) })
	}, orders, into)
}

// takeMetered does a turn that reads the meters itself, and checks that
// TrustFile got every order exactly once.
func (d *driver) takeMetered(ctx context.Context, name string, c contestant, orders int, into *[]turn) error {
	if err := d.world.reset(ctx); err != nil {
		return err
	}
	database, drop, err := d.server.scratch(ctx, "bench_turn")
	if err != nil {
		return err
	}
	t, err := c(ctx, database, orders)
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
	fmt.Printf("%-15s %7d  %v\n", name, orders, t)
	*into = append(*into, t)
	return nil
}

// rounds lets contestants take turns, each first every other time.
func (d *driver) rounds(contestants ...func() error) error {
	return inTurn(d.plan.rounds, contestants)
}

// fewRounds is rounds for turns that are long beside what they measure: the
// short form has one of each.
func (d *driver) fewRounds(contestants ...func() error) error {
	if d.plan.short {
		return inTurn(1, contestants)
	}
	return d.rounds(contestants...)
}

func inTurn(rounds int, contestants []func() error) error {
	for round := range rounds {
		if round > 0 {
			slices.Reverse(contestants)
		}
		for _, next := range contestants {
			if err := next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameSum says whether two contestants brought the same money.
func sameSum(a, b []turn) error {
	if a[0].cents != b[0].cents {
		return fmt.Errorf("not the same work: %d cents here, %d there", a[0].cents, b[0].cents)
	}
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
	d.others = max(d.others, t.others)
	return t, err
}

func median(all []turn, of func(turn) float64) float64 {
	values := make([]float64, len(all))
	for i, t := range all {
		values[i] = of(t)
	}
	return middle(values)
}

// paired is the median of the rounds' ratios: turns of one round follow each
// other closely, so what else the machine does bears on both.
func paired(a, b []turn, of func(turn) float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = of(a[i]) / of(b[i])
	}
	return middle(ratios)
}

// middle is the median.
func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func most(all []turn, of func(turn) float64) float64 {
	return of(slices.MaxFunc(all, func(a, b turn) int { return cmp.Compare(of(a), of(b)) }))
}

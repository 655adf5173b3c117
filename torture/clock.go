package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// jump is how far the clock of a Postgres may be off.
const jump = 2 * time.Hour

// fakeClocks are where Debian and others keep libfaketime, which shifts the
// clock of whoever loads it.
const fakeClocks = "/usr/lib/*/faketime/libfaketime.so.1"

// clock is that of a Postgres, which may be ahead of ours or behind.
type clock struct {
	library string // "": it cannot be shifted
	file    string // says by how much
}

// newClock is a clock for the cluster in a place.
func newClock(place string) (clock, error) {
	found, err := filepath.Glob(fakeClocks)
	if err != nil || len(found) == 0 {
		return clock{}, err
	}
	file, err := shared(place, "clock")
	if err != nil {
		return clock{}, err
	}
	c := clock{library: found[0], file: file}
	return c, c.shift(0)
}

// env is what Postgres needs to be started with.
func (c clock) env() []string {
	if c.library == "" {
		return nil
	}
	// Read at each look at the clock: all sessions have one, as on a machine.
	return []string{"LD_PRELOAD=" + c.library, "FAKETIME_TIMESTAMP_FILE=" + c.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"}
}

// shift sets the clock ahead or behind, in one moment. Several schedules that
// play on one Postgres may do so at once.
func (c clock) shift(by time.Duration) error {
	next, err := os.CreateTemp(filepath.Dir(c.file), filepath.Base(c.file)+".*.next")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(next, "%+d\n", int(by.Seconds()))
	if err = errors.Join(err, next.Chmod(0o644), next.Close()); err != nil { // read by the user that Postgres runs as
		return err
	}
	return os.Rename(next.Name(), c.file)
}

// shift sets the clock of the Postgres to ours and so much, waits until it holds,
// and says how far ahead it is: not at all where it cannot be shifted.
func (s *server) shift(ctx context.Context, by time.Duration) (ahead time.Duration, err error) {
	if s.clock.library == "" {
		return 0, nil
	}
	if err := s.clock.shift(by); err != nil {
		return 0, err
	}
	for until := time.Now().Add(restartPatience); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		var at time.Time
		if err = s.admin.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err == nil && (time.Until(at)-by).Abs() < time.Minute {
			return by, nil
		}
	}
	return 0, errors.Join(fmt.Errorf("the clock of Postgres cannot be shifted by %s", by), err)
}

// jumpBack puts the clock of Postgres back for a while. It is not put ahead for
// a while: what is due by such a clock is due in hours by the right one.
func jumpBack(ctx context.Context, s *stage, _ step, _ *rand.Rand) func() {
	// pg_ctl, which starts a Postgres again, compares times: no crash meanwhile.
	if s.pg.clock.library == "" || !s.crashing.TryLock() {
		return nil
	}
	s.shift(ctx, s.plan.skew-jump)
	return func() {
		defer s.crashing.Unlock()
		s.shift(context.WithoutCancel(ctx), s.plan.skew)
	}
}

func (s *stage) shift(ctx context.Context, by time.Duration) {
	if _, err := s.pg.shift(ctx, by); err != nil {
		s.problem("%v", err)
	}
}

// setRight ends a clock that was behind: what the host lists by times of now is
// read only then.
func (s *stage) setRight(ctx context.Context) {
	if s.skew >= 0 {
		return
	}
	right := &fault{name: behind, side: sidePostgres, from: time.Now()}
	s.shift(ctx, 0)
	right.to = time.Now()
	s.injected, s.skew = append(s.injected, right), 0
}

// behind is the fault of a clock that is behind until the storm is over.
const behind = "Postgres: clock behind until the end"

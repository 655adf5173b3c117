package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

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
	return []string{"LD_PRELOAD=" + c.library, "FAKETIME_TIMESTAMP_FILE=" + c.file, "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"}
}

// shift sets the clock ahead or behind; it holds a second later.
func (c clock) shift(by time.Duration) error {
	return os.WriteFile(c.file, fmt.Appendf(nil, "%+d\n", int(by.Seconds())), 0o644) //nolint:gosec // read by the user that Postgres runs as
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

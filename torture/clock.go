package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// jump is how far the clock of a Postgres may be off.
const jump = 2 * time.Hour

// clockSource shifts the clock of whoever loads it. libfaketime would do so too,
// but takes locks and memory when it is asked for the time; Postgres asks in
// handlers of signals, and then its sessions hang or crash.
//
//go:embed preload/clock.c
var clockSource []byte

// clock is that of a Postgres, which may be ahead of ours or behind.
type clock struct {
	library string // "": it cannot be shifted
	file    string // says by how much
}

// newClock is a clock for the cluster in a place. It cannot be shifted where there
// is no compiler of C, or another kind of system.
func newClock(ctx context.Context, place string) (clock, error) {
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		return clock{}, nil
	}
	file, err := shared(place, "clock")
	if err != nil {
		return clock{}, err
	}
	c := clock{library: file + ".so", file: file}
	return c, errors.Join(c.compile(ctx, compiler), c.shift(0))
}

// compile makes the library anew, beside one that a process may still have loaded.
func (c clock) compile(ctx context.Context, compiler string) error {
	source, next := c.file+".c", c.library+".next"
	if err := os.WriteFile(source, clockSource, 0o600); err != nil {
		return err
	}
	err := run(ctx, compiler, []string{"-shared", "-fPIC", "-O2", "-o", next, source, "-ldl"})
	return errors.Join(err, os.Remove(source), os.Chmod(next, 0o755), os.Rename(next, c.library)) //nolint:gosec // loaded by the user that Postgres runs as
}

// env is what Postgres needs to be started with.
func (c clock) env() []string {
	if c.library == "" {
		return nil
	}
	return []string{"LD_PRELOAD=" + c.library, "SHIFTED_CLOCK=" + c.file}
}

// shift sets the clock ahead or behind. The file is written in place, by one
// write of one number: who has mapped it sees the one before or this.
func (c clock) shift(by time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	ahead, err := binary.Append(nil, binary.NativeEndian, int64(by.Seconds()))
	if err == nil {
		_, err = f.WriteAt(ahead, 0)
	}
	return errors.Join(err, f.Chmod(0o644), f.Close()) // read by the user that Postgres runs as
}

// close takes away what was made for it.
func (c clock) close() error {
	if c.library == "" {
		return nil
	}
	return errors.Join(os.Remove(c.library), os.Remove(c.file))
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
		if err = s.ask(ctx, &at, `SELECT clock_timestamp()`); err == nil && (time.Until(at)-by).Abs() < time.Minute {
			return by, nil
		}
	}
	return 0, errors.Join(fmt.Errorf("the clock of Postgres cannot be shifted by %s", by), err)
}

// What waits by a clock that is put forth waits no longer. The quiet time, in which
// a late copy of a request may come, does so: so a clock is put forth when nothing
// is in doubt, and we promise nothing of one that is not (docs/reliability.md).
const (
	// doubtPatience bounds how long the end of a doubt is waited for in the storm.
	doubtPatience = 3 * time.Second
	// lateRoom is longer than any request takes effect late at the target.
	lateRoom = lateLeast + lateMore + 500*time.Millisecond
)

// doubtSQL asks whether a late copy of what was sent may still come.
const doubtSQL = `SELECT EXISTS (SELECT FROM batches WHERE unsure) OR EXISTS (SELECT FROM entries WHERE deliver_after > now())`

// jumpBack puts the clock of Postgres back for a while, or until the storm is
// over. It is not put ahead for a while: what is due by such a clock is due in
// hours by the right one.
func jumpBack(ctx context.Context, s *stage, _ step, _ *rand.Rand) func() {
	// pg_ctl, which starts a Postgres again, compares times: no crash meanwhile.
	if s.pg.clock.library == "" || !s.crashing.TryLock() {
		return nil
	}
	s.shift(ctx, s.plan.skew-jump)
	return func() {
		defer s.crashing.Unlock()
		if s.certain(ctx) {
			s.shift(context.WithoutCancel(ctx), s.plan.skew)
			return
		}
		s.back.Store(true)
	}
}

// certain waits until nothing is in doubt, and reports whether that came.
func (s *stage) certain(ctx context.Context) bool {
	for end := time.Now().Add(doubtPatience); time.Now().Before(end); {
		var doubt bool
		if err := s.store.QueryRow(ctx, doubtSQL).Scan(&doubt); err == nil && !doubt {
			return true
		}
		if !until(ctx, time.Now().Add(reviveEvery)) {
			break
		}
	}
	return false
}

func (s *stage) shift(ctx context.Context, by time.Duration) {
	if _, err := s.pg.shift(ctx, by); err != nil {
		s.problem("%v", err)
	}
}

// setRight ends a clock that is behind, once no request can take effect late any
// more: what the host lists by times of now is read only then.
func (s *stage) setRight(ctx context.Context) {
	if s.plan.skew >= 0 && !s.back.Load() {
		return
	}
	until(ctx, time.Now().Add(lateRoom))
	right := &fault{name: behind, side: sidePostgres, from: time.Now()}
	s.skew = max(0, s.plan.skew)
	s.shift(ctx, s.skew)
	right.to = time.Now()
	s.injected = append(s.injected, right)
}

// behind is the fault of a clock that is behind until the storm is over.
const behind = "Postgres: clock behind until the end"

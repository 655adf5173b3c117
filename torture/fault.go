package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// side is which neighbour, or which part of us, a fault is about.
type side string

const (
	sideProcess  side = "process"
	sidePostgres side = "postgres"
	sideHost     side = "host"
	sideListing  side = "the host's answers"
	sideToken    side = "token"
	sideTarget   side = "target"
	sideAPI      side = "api"
	sideLog      side = "log"
)

// fault is one that was injected.
type fault struct {
	name     string
	side     side
	frozen   bool // a process stood still and woke up
	from, to time.Time
}

// trouble is a kind of fault: what begins, and what ends it again.
type trouble struct {
	name   string
	side   side
	row    string // of the fault matrix, in docs/reliability.md
	weight int
	// begin does it; what it returns ends it. A nil end says that there was
	// nothing to be done, so that it does not count.
	begin func(context.Context, *stage, step, *rand.Rand) (end func())
}

func (t trouble) odds() (string, int) { return t.name, t.weight }

// faults are all kinds, those of the processes and of the network first.
var faults = slices.Concat(processFaults, postgresFaults, networkFaults, hostFaults, targetFaults)

// inject lets a fault happen, for its time.
func (s *stage) inject(ctx context.Context, at step) {
	known := append(slices.Concat(faults, directedFaults), release)
	t := known[slices.IndexFunc(known, func(t trouble) bool { return t.name == at.what })]
	f := &fault{name: t.name, side: t.side, from: time.Now(), frozen: t.name == freezeFault}
	end := t.begin(ctx, s, at, at.random())
	if end == nil {
		return
	}
	s.mu.Lock()
	s.injected = append(s.injected, f)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(at.long):
	}
	end()
	s.mu.Lock()
	f.to = time.Now()
	s.mu.Unlock()
}

// excused reports whether a fault of one of the sides, or a process that stood
// still, explains something odd at that time, with some room after its end.
func (s *stage) excused(at time.Time, room time.Duration, sides ...side) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.plan.strict && slices.ContainsFunc(s.injected, func(f *fault) bool {
		to := f.to
		if to.IsZero() {
			to = s.cleared
		}
		return (f.frozen || slices.Contains(sides, f.side)) && !at.Before(f.from) && at.Before(to.Add(room))
	})
}

func nothing() {}

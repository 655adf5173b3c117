package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"extractor/sandbox"
)

const (
	// settlePatience is how long everything may take to come to rest once all
	// faults are over: many times the longest wait there is at this pace.
	settlePatience = 90 * time.Second
	settlePoll     = 150 * time.Millisecond
	// restTime is how long is looked whether really nothing is sent any more: some
	// looks at the host, which is every second.
	restTime = 2500 * time.Millisecond
	// scheduleTime bounds a schedule, whatever happens: then the harness is wrong.
	scheduleTime = 6 * time.Minute
	// standstill is when the harness gives itself up, telling what it waits for: a
	// run that hangs would tell nobody anything.
	standstill = scheduleTime + 2*time.Minute
	// wishPatience bounds the consumer's wishes that are still open after the storm.
	wishPatience = 90 * time.Second
)

// verdict is what came of a schedule.
type verdict struct {
	seed       uint64
	faults     int
	violations []string
	took       time.Duration
	kinds      map[string]int
	unjudged   int // oddities that a fault explains
}

// play runs one schedule from its beginning to its verdict.
func play(ctx context.Context, pg *server, program string, p plan, folder string) (v verdict, err error) {
	begin := time.Now()
	defer time.AfterFunc(standstill, giveUp(p.seed)).Stop()
	ctx, cancel := context.WithTimeout(ctx, scheduleTime)
	defer cancel()
	v = verdict{seed: p.seed, kinds: map[string]int{}}
	s, err := raise(ctx, pg, program, p, folder)
	if err != nil {
		return v, err
	}
	defer func() { // what is left running after an error; the good way has ended it already
		err = errors.Join(err, s.strike(context.WithoutCancel(ctx)))
		v.took = time.Since(begin)
	}()
	if err := s.begin(ctx); err != nil {
		return v, err
	}
	s.storm(ctx)
	c := newChecker(s)
	s.settle(ctx, c)
	s.rest(ctx, c)
	c.leaks(ctx)
	if err := endAll(s.dynos); err != nil {
		c.fail("P4", "%v", err)
	}
	c.judge(ctx)
	v.violations, v.unjudged = append(s.problems, c.violations...), c.unjudged
	for _, f := range s.injected {
		v.faults++
		v.kinds[f.name]++
	}
	return v, ctx.Err()
}

// giveUp ends the harness with what each goroutine of it waits for.
func giveUp(seed uint64) func() {
	return func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("schedule %d has not ended after %s", seed, standstill))
	}
}

// begin starts the processes and connects the merchants.
func (s *stage) begin(ctx context.Context) error {
	if s.plan.explains {
		now := time.Now()
		s.injected = append(s.injected, &fault{name: "failpoint", side: sideProcess, frozen: true, from: now, to: now.Add(time.Hour)})
	}
	for _, d := range s.dynos {
		if err := d.start(); err != nil {
			return err
		}
	}
	defer s.keepUp(ctx)()
	for i, m := range s.merchants {
		if err := m.open(ctx, s, s.plan.seed+uint64(i)); err != nil {
			return err
		}
		if err := m.create(ctx, s, m.account+"-0", day(s.plan.start)); err != nil {
			return fmt.Errorf("%w\n%s", err, tail(s.dynos[0].log))
		}
	}
	s.before = s.holdings(ctx)
	return nil
}

// storm plays workload and faults side by side, then ends all faults.
func (s *stage) storm(ctx context.Context) {
	defer s.keepUp(ctx)()
	var wishes, weather sync.WaitGroup
	patience, cancel := context.WithTimeout(ctx, stormTime+wishPatience)
	defer cancel()
	for _, m := range s.merchants {
		wishes.Go(func() { m.serve(patience, s) })
	}
	begin := time.Now()
	weather.Go(func() { s.toil(ctx, begin) })
	for _, f := range s.plan.faults {
		weather.Go(func() {
			if until(ctx, begin.Add(f.at)) {
				s.inject(ctx, f)
			}
		})
	}
	weather.Wait()
	s.posts.Wait()
	s.awaitFailures(ctx)
	s.calm(ctx)
	for _, m := range s.merchants {
		m.wishes <- func(ctx context.Context, s *stage) error { return m.letIn(ctx, s) }
		close(m.wishes)
	}
	wishes.Wait()
	if err := s.lastWord(ctx); err != nil {
		s.problem("%v", err)
	}
}

// toil does the workload's steps, each on a merchant of its own choice.
func (s *stage) toil(ctx context.Context, begin time.Time) {
	for _, step := range s.plan.work {
		if !until(ctx, begin.Add(step.at)) {
			return
		}
		r := step.random()
		m := s.merchants[r.IntN(len(s.merchants))]
		for _, w := range slices.Concat(works, directedWorks) {
			if w.name != step.what {
				continue
			}
			if err := w.do(ctx, s, m, r); err != nil {
				s.problem("%s: %v", step.what, err)
			}
		}
	}
}

// calm ends every fault; only what the host never listed stays unlisted.
func (s *stage) calm(ctx context.Context) {
	if err := s.network.heal(); err != nil {
		s.problem("%v", err)
	}
	s.world.TrustFile.ClearFaults()
	s.world.Host.ClearFaults()
	s.setRight(ctx)
	if len(s.dropped) > 0 {
		s.world.Host.AddFault(sandbox.Fault{Kind: sandbox.FaultDropped, Orders: s.dropped})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleared = time.Now()
}

// until waits for a time and reports whether it came.
func until(ctx context.Context, at time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}

package extractor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a window that has more pages than a test reads.
const endless = 1 << 20

// busy lets as many lanes as may work on the past: each reads for so long and
// then commits, which one at a time does. It returns how many were under way last.
func busy(t *testing.T, p *past, read, commit, span time.Duration) (lanes int) {
	t.Helper()
	return busyWindows(t, p, endless, read, commit, span)
}

// busyWindows does so with windows that end after so many commits.
func busyWindows(t *testing.T, p *past, window int, read, commit, span time.Duration) (lanes int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), span)
	defer stop()
	ledger := make(chan struct{}, 1)
	var ended sync.WaitGroup
	for range p.most {
		ended.Go(func() {
			for p.enter(func() bool { return ctx.Err() != nil }) {
				for n := 0; n < window && ctx.Err() == nil; n++ {
					time.Sleep(read)
					_ = p.commit(ctx, func() error {
						ledger <- struct{}{}
						time.Sleep(commit)
						<-ledger
						return nil
					})
				}
				p.leave()
			}
		})
	}
	time.Sleep(span - time.Millisecond)
	p.mu.Lock()
	lanes = p.lanes
	p.mu.Unlock()
	ended.Wait()
	return lanes
}

// TestLanesOfThePastAreAsManyAsKeepCommitsGoing: where a host answers at once, two
// are enough; where it takes its time, there are more, soon.
func TestLanesOfThePastAreAsManyAsKeepCommitsGoing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		read, commit time.Duration
		least, most  int
	}{
		{"at once", 20 * time.Millisecond, 30 * time.Millisecond, 2, 2},
		{"slow", 300 * time.Millisecond, 30 * time.Millisecond, 8, 8},
		{"for ever", time.Hour, time.Millisecond, 8, 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			if n := busy(t, newPast(8), c.read, c.commit, time.Second); n < c.least || n > c.most {
				t.Errorf("%s: %d lanes", c.name, n)
			}
		})
	}
}

// TestLanesOfThePastMakeRoomAgain: what a slow host needed is not kept for a fast one.
func TestLanesOfThePastMakeRoomAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPast(8)
		expect(t, "slow", busy(t, p, 300*time.Millisecond, 30*time.Millisecond, time.Second), 8)
		if n := busyWindows(t, p, 5, 20*time.Millisecond, 30*time.Millisecond, 3*time.Second); n > 3 { // lanes end with their windows
			t.Errorf("at once: %d lanes", n)
		}
	})
}

// TestLanesThatEndTogetherDoNotAllGo: they waited for each other, and the first that
// goes may be the only one too many.
func TestLanesThatEndTogetherDoNotAllGo(t *testing.T) {
	t.Parallel()
	p := newPast(8)
	p.room, p.lanes, p.waiting = 8, 8, 0.9
	for range 6 {
		p.leave()
	}
	expect(t, "room", p.room, 7)
}

// TestLanesThatEndAreFollowedByOthers: where all lanes together just keep commits
// going, each window that ends makes room for another one.
func TestLanesThatEndAreFollowedByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPast(8)
		for i := range 10 { // at different moments of the windows
			span := time.Second + time.Duration(i)*170*time.Millisecond
			if n := busyWindows(t, p, 3, 300*time.Millisecond, 45*time.Millisecond, span); n < 6 {
				t.Errorf("after %v: %d lanes", span, n)
			}
		}
	})
}

func TestThePastCommitsInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPast(8)
		begun, end := make(chan struct{}, 8), make(chan struct{})
		for range 8 {
			go func() {
				_ = p.commit(t.Context(), func() error {
					begun <- struct{}{}
					<-end
					return nil
				})
			}()
		}
		synctest.Wait()
		expect(t, "under way", len(begun), pastCommits)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.commit(ctx, func() error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("who waits in vain: %v", err)
		}
		close(end)
		synctest.Wait()
		expect(t, "in the end", len(begun), 8)
		failed := errors.New("no")
		if err := p.commit(t.Context(), func() error { return failed }); !errors.Is(err, failed) {
			t.Errorf("a failure: %v", err)
		}
	})
}

package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// news is how changes at the host become known.
type news int

const (
	byLooking news = iota // by looking every second
	byBoth                // and by the host's notices
	byNotices             // by notices alone: nobody looks within a schedule
)

func (n news) String() string {
	return [...]string{"by looking", "by looking and by notices", "by notices alone"}[n]
}

// rareLooks is for processes that hear of changes by notices alone.
const rareLooks = "SYNC_INTERVAL=10m"

const (
	// noticeTries and noticePause are how often, and how soon, the host sends a
	// notice again that was not taken.
	noticeTries = 5
	noticePause = 200 * time.Millisecond
	// stormSenders post at once in a storm, each again after stormPause: some
	// hundred notices a second.
	stormSenders = 8
	stormPause   = 10 * time.Millisecond
)

// changed notes what the host says of an account now, and lets the host tell of
// it: one notice in ten is lost, some come late, some twice.
func (s *stage) changed(ctx context.Context, account string) {
	s.seen.look(s.world.Host, account)
	if s.plan.news == byLooking {
		return
	}
	r := rand.New(rand.NewPCG(s.plan.seed, 100+s.notices.Add(1)))
	fate, late := r.IntN(10), time.Duration(r.Int64N(int64(2*time.Second)))
	if fate == 0 {
		return
	}
	s.posts.Go(func() {
		if fate < 3 && !until(ctx, time.Now().Add(late)) {
			return
		}
		_ = s.deliver(ctx, account)
		if fate > 7 {
			_ = s.deliver(ctx, account)
		}
	})
}

// deliver posts a notice until a process takes it, and says which one did.
func (s *stage) deliver(ctx context.Context, account string) (taker *dyno) {
	doors := slices.DeleteFunc(slices.Clone(s.dynos), func(d *dyno) bool { return d.web == "" })
	for try := range noticeTries {
		d := doors[(int(s.notices.Load())+try)%len(doors)] //nolint:gosec // small
		if status, err := s.post(ctx, d, account, false); err == nil && status == http.StatusOK {
			return d
		}
		if !until(ctx, time.Now().Add(noticePause)) {
			return nil
		}
	}
	return nil
}

// post sends one notice to a process, or one that only looks like the host's.
func (s *stage) post(ctx context.Context, d *dyno, account string, forged bool) (status int, err error) {
	req, err := s.world.Notice(ctx, d.web+"/webhooks/sandbox", account)
	if err != nil {
		return 0, err
	}
	if forged {
		for name := range req.Header {
			req.Header.Set(name, req.Header.Get(name)+"00")
		}
	}
	res, err := s.consumer.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// noticeStorm posts notices as fast as hosts do on their worst days: of our
// merchants, of others, and forged ones.
func noticeStorm(ctx context.Context, s *stage, at step, _ *rand.Rand) func() {
	ctx, cancel := context.WithCancel(ctx)
	var senders sync.WaitGroup
	for i := range uint64(stormSenders) {
		senders.Go(func() { s.bluster(ctx, rand.New(rand.NewPCG(at.pick, i))) })
	}
	return func() {
		cancel()
		senders.Wait()
	}
}

func (s *stage) bluster(ctx context.Context, r *rand.Rand) {
	for until(ctx, time.Now().Add(stormPause)) {
		d := pickOf(r, s.dynos)
		if d.web == "" {
			continue
		}
		account := pickOf(r, s.merchants).account
		switch r.IntN(6) {
		case 0:
			account = "nobody"
		case 1:
			if status, err := s.post(ctx, d, account, true); err == nil && status < http.StatusBadRequest {
				s.problem("a forged notice was answered %d", status)
			}
			continue
		}
		_, _ = s.post(ctx, d, account, false)
	}
}

var errNotTaken = errors.New("no process takes the host's notice")

// lastWord has the host tell of every merchant once all it has is listed. Who
// takes the notice dies with its answer.
func (s *stage) lastWord(ctx context.Context) error {
	if s.plan.news != byNotices {
		return nil
	}
	until(ctx, s.cleared.Add(wireRoom))
	for _, m := range s.merchants {
		taker := s.deliver(ctx, m.account)
		if taker == nil {
			return errNotTaken
		}
		taker.kill()
		s.mu.Lock()
		s.lastKill = time.Now()
		s.injected = append(s.injected, &fault{name: noticeKill, side: sideProcess, from: s.lastKill, to: s.lastKill})
		s.mu.Unlock()
	}
	return nil
}

// noticeKill is the fault that ends a schedule of notices.
const noticeKill = "kill -9 right after a notice was answered"

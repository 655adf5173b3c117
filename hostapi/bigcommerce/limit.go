package bigcommerce

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"extractor/models"
)

const (
	// reserve is how many requests are left to the store's other apps.
	reserve = 5
	// briefly is how long a request waits for the next quota by itself; for
	// longer, the piece of work is put off.
	briefly = 3 * time.Second
	// longestReset bounds what the header says: the quota's time is 30 seconds.
	longestReset = time.Minute
)

// pace keeps one piece of work within the quota, which all apps of a store share.
// https://developer.bigcommerce.com/docs/start/best-practices/api-rate-limits
type pace struct {
	mu    sync.Mutex
	until time.Time // when the next quota begins; zero: the present one is enough
}

// note reads what an answer says of the quota.
func (p *pace) note(h http.Header, now time.Time) {
	left, err := strconv.Atoi(h.Get("X-Rate-Limit-Requests-Left"))
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if left > reserve {
		p.until = time.Time{}
		return
	}
	p.until = now.Add(reset(h))
}

// reset is how long the present quota lasts; 0 = not told.
func reset(h http.Header) time.Duration {
	ms, err := strconv.ParseInt(h.Get("X-Rate-Limit-Time-Reset-Ms"), 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	if ms > longestReset.Milliseconds() {
		return longestReset
	}
	return time.Duration(ms) * time.Millisecond
}

// left is how long to wait for the next quota.
func (p *pace) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until.Sub(now))
}

// wait passes when a request may be made.
func (p *pace) wait(ctx context.Context, now time.Time) error {
	d := p.left(now)
	if d == 0 {
		return nil
	}
	if d > briefly {
		e := models.Errorf(models.Throttled, "This store's request quota at BigCommerce is used up for now. We go on by ourselves.")
		e.RetryAfter = d
		return e
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return models.Errorf(models.Unavailable, "We stopped while waiting for BigCommerce. We try again by ourselves.").Because(ctx.Err())
	case <-timer.C:
		return nil
	}
}

package handlers

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// startsPerMinute and startsAtOnce are for one client address: a bookkeeper
	// who connects many shops is well below, and an id is not found by trying.
	startsPerMinute = 60
	startsAtOnce    = 120
	// addressesKept bounds the memory; an address forgotten begins afresh.
	addressesKept = 10_000
)

// limiter counts by client address, in this process alone: connection ids
// cannot be guessed at any rate, so all it has to do is to keep one address
// from filling our tables, and a handful of processes are no help with that.
type limiter struct {
	mu        sync.Mutex
	addresses map[string]*rate.Limiter
}

func newLimiter() *limiter { return &limiter{addresses: map[string]*rate.Limiter{}} }

// allow reports whether the address may begin once more.
func (l *limiter) allow(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.addresses) >= addressesKept {
		clear(l.addresses)
	}
	one := l.addresses[address]
	if one == nil {
		one = rate.NewLimiter(rate.Every(time.Minute/startsPerMinute), startsAtOnce)
		l.addresses[address] = one
	}
	return one.Allow()
}

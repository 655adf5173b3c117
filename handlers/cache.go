package handlers

import (
	"context"
	"sync"
	"time"
)

// loadPatience ends a load that hangs, so that those who wait get an answer.
const loadPatience = 5 * time.Second

// cached gives the result of load, a failure as well, again and again until it
// is old. However many ask, one load runs at a time.
type cached[T any] struct {
	load func(context.Context) (T, error)
	age  time.Duration

	mu     sync.Mutex
	loaded time.Time
	value  T
	err    error
}

func newCached[T any](age time.Duration, load func(context.Context) (T, error)) *cached[T] {
	return &cached[T]{load: load, age: age}
}

// get does not end with the request that happens to load: the others want the result too.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded.IsZero() || time.Since(c.loaded) >= c.age {
		loading, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadPatience)
		defer cancel()
		c.value, c.err = c.load(loading)
		c.loaded = time.Now()
	}
	return c.value, c.err
}

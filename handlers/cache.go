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

// failureAge is how long a failure is given again: long enough to spare what
// failed, and soon over when it is back.
const failureAge = time.Second

// get does not end with the request that happens to load: the others want the result too.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := c.age
	if c.err != nil {
		age = min(age, failureAge)
	}
	if c.loaded.IsZero() || time.Since(c.loaded) >= age {
		loading, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadPatience)
		defer cancel()
		c.value, c.err = c.load(loading)
		c.loaded = time.Now()
	}
	return c.value, c.err
}

// forget lets the next one who asks load anew.
func (c *cached[T]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded = time.Time{}
}

package handlers

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestFailureIsSoonForgotten: what failed is asked again after a second, also
// where an answer would be kept for long.
func TestFailureIsSoonForgotten(t *testing.T) {
	t.Parallel()
	calls, down := 0, errors.New("down")
	c := newCached(time.Hour, func(context.Context) (int, error) {
		if calls++; calls == 1 {
			return 0, down
		}
		return calls, nil
	})
	if _, err := c.get(t.Context()); !errors.Is(err, down) {
		t.Fatal(err)
	}
	if _, err := c.get(t.Context()); !errors.Is(err, down) {
		t.Error("a failure is not kept for a moment")
	}
	c.loaded = c.loaded.Add(-failureAge)
	for range 2 {
		if got, err := c.get(t.Context()); got != 2 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
	}
}

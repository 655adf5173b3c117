package handlers

import (
	"context"
	"errors"
	"strings"
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

// TestASwitchOfTheServiceShowsAtOnce: who switches the connector off sees it in
// a connection's status at once, and what another process did soon.
func TestASwitchOfTheServiceShowsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.authorise(b.create("a", "2018-04-01"))
	stopped := func() bool {
		var d detail
		b.call("GET", "/connections/a", "").is(200).into(&d)
		return strings.Contains(d.StatusMessage, "whole connector")
	}
	for _, on := range []string{"true", "false", "true"} {
		b.call("PUT", "/connector", `{"enabled":`+on+`}`).is(200)
		if stopped() != (on == "false") {
			t.Errorf("enabled %s does not show", on)
		}
	}
	b.exec(`UPDATE service SET pause = 'token refused'`)
	until := time.Now().Add(10 * serviceAge)
	for !stopped() {
		if time.Now().After(until) {
			t.Fatal("what another process did never shows")
		}
		time.Sleep(serviceAge / 10)
	}
}

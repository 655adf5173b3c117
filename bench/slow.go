package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"extractor/sandbox"
)

const (
	// pageDelay is how long the slow host thinks about each page.
	pageDelay = 50 * time.Millisecond
	// slowFetchers are the reference's at the slow host.
	slowFetchers = 16
	// leastSlowRatio is what we promise there, of the reference's items per second.
	leastSlowRatio = 0.8
)

// measureSlowHost brings all orders from a host that takes its time: what counts
// is how many pages are under way at once.
func measureSlowHost(ctx context.Context, d *driver) (rows []row, err error) {
	orders := d.plan.orders
	var ours, reference []turn
	patient := func(ctx context.Context, database string, orders int) (turn, error) {
		return d.refer(ctx, referenceTask{Shop: shopOf(orders), Database: database, Fetchers: slowFetchers}, orders)
	}
	err = d.simulated(ctx, []int{orders}, func() error {
		if err := d.world.slow(ctx, pageDelay); err != nil {
			return err
		}
		return d.rounds(
			func() error { return d.take(ctx, "reference", patient, orders, &reference) },
			func() error { return d.take(ctx, "ours", d.ours, orders, &ours) },
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSum(ours, reference); err != nil {
		return nil, err
	}
	return append([]row{
		atLeast("items/s, of the reference's with 16 fetchers", paired(ours, reference, turn.perSecond), leastSlowRatio, ratioDigits),
	}, append(figures("ours", orders, ours), figures("reference", orders, reference)...)...), nil
}

// slow lets the host wait before each answer, from now on.
func (w *world) slow(ctx context.Context, delay time.Duration) error {
	body, err := json.Marshal(sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: int(delay.Milliseconds())})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Host+"/control/faults", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(errors.New("the host's faults: "+res.Status), err)
	}
	return nil
}

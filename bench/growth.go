package main

import (
	"context"
	"fmt"
)

// mostGrowth is what we promise of CPU per item, the app's and its Postgres's,
// with many items against few: what reads the whole of a growing ledger for
// every batch shows here first.
const mostGrowth = 1.2

// Orders of a turn: many and few.
const (
	manyOrders, fewOrders           = 1_000_000, 50_000
	shortManyOrders, shortFewOrders = 40_000, 10_000
)

// measureGrowth brings many orders, and few.
func measureGrowth(ctx context.Context, d *driver) (rows []row, err error) {
	many, few := manyOrders, fewOrders
	if d.plan.short {
		many, few = shortManyOrders, shortFewOrders
	}
	var large, small []turn
	err = d.simulated(ctx, []int{many, few}, func() error {
		return d.rounds(
			func() error { return d.take(ctx, "few", d.ours, few, &small) },
			func() error { return d.take(ctx, "many", d.ours, many, &large) },
		)
	})
	if err != nil {
		return nil, err
	}
	return append([]row{
		atMost(fmt.Sprintf("app and Postgres CPU per item at %d orders, of that at %d", many, few), paired(large, small, turn.bothCPU), mostGrowth, ratioDigits),
	}, append(figures("ours", many, large), figures("ours", few, small)...)...), nil
}

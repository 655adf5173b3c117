package main

import (
	"context"
	"fmt"
)

// What we promise of the pipeline: host, ledger, TrustFile, noted as delivered.
const (
	leastRatio        = 0.75 // of the reference's items per second
	mostCPURatio      = 1.5  // of its CPU per item
	mostPostgresRatio = 1.2  // of its Postgres's CPU per item
	mostMegabytes     = 120
)

// measurePipeline brings all orders once, beside the reference.
func measurePipeline(ctx context.Context, d *driver) (rows []row, err error) {
	orders := d.plan.orders
	var ours, reference []turn
	err = d.simulated(ctx, []int{orders}, func() error {
		return d.rounds(
			func() error { return d.take(ctx, "reference", d.reference, orders, &reference) },
			func() error { return d.take(ctx, "ours", d.ours, orders, &ours) },
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSum(ours, reference); err != nil {
		return nil, err
	}
	ratio, cpu := paired(ours, reference, turn.perSecond), paired(ours, reference, turn.appCPU)
	d.headline = map[string]float64{
		"ours": round(median(ours, turn.perSecond), 1), "reference": round(median(reference, turn.perSecond), 1),
		"ratio": round(ratio, ratioDigits), "cpu_ratio": round(cpu, ratioDigits), "rss_mb": round(most(ours, turn.megabytes), 1),
		"orders": float64(orders), "rounds": float64(d.plan.rounds),
	}
	return append([]row{
		atLeast("items/s, of the reference's", ratio, leastRatio, ratioDigits),
		atMost("app CPU per item, of the reference's", cpu, mostCPURatio, ratioDigits),
		atMost("Postgres CPU per item, of the reference's", paired(ours, reference, turn.postgresCPU), mostPostgresRatio, ratioDigits),
		atMost("memory at its peak, MB", most(ours, turn.megabytes), mostMegabytes, 0),
	}, append(figures("ours", orders, ours), figures("reference", orders, reference)...)...), nil
}

// figures are what turns of one contestant took.
func figures(who string, orders int, turns []turn) []row {
	name := func(what string) string { return fmt.Sprintf("%s, %d orders: %s", who, orders, what) }
	return []row{
		figure(name("items/s"), median(turns, turn.perSecond), 0),
		figure(name("app CPU, s per million"), median(turns, turn.appCPU), 1),
		figure(name("Postgres CPU, s per million"), median(turns, turn.postgresCPU), 1),
		figure(name("memory, MB"), most(turns, turn.megabytes), 0),
	}
}

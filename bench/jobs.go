package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// job is something that is measured by itself. It fails when what was done is
// wrong (orders lost, or twice, or other sums), never because it took long.
type job struct {
	name string // for -only, bench.json and the tables
	// measure does it and tells its figures, the one that matters most first.
	// What d.plan.short asks for is the same with less, in some ten seconds.
	measure func(ctx context.Context, d *driver) ([]row, error)
	quick   bool // it has such a short form
	apart   bool // it is measured only when it is named
}

// jobs are all of them, in the order of the tables.
func jobs() []job {
	return []job{
		{name: "pipeline", measure: measurePipeline, quick: true},
		{name: "again", measure: measureAgain, quick: true},
		{name: "slow", measure: measureSlowHost, quick: true},
		{name: "growth", measure: measureGrowth, quick: true},
		{name: "idle", measure: measureIdle, quick: true},
		{name: "million", measure: measureMillion},
		{name: "fair", measure: measureFairness, quick: true},
		{name: "large", measure: measureLarge, quick: true},
		{name: "convert", measure: measureConvert},
		{name: "api", measure: measureAPI, quick: true},
		{name: "start", measure: measureStart, quick: true},
		{name: "memory", measure: measureMemory, apart: true},
	}
}

func jobNames() (names []string) {
	for _, j := range jobs() {
		names = append(names, j.name)
	}
	return names
}

// chosen are the jobs of a plan.
func (p plan) chosen() (some []job) {
	for _, j := range jobs() {
		if p.wants(j) {
			some = append(some, j)
		}
	}
	return some
}

func (p plan) wants(j job) bool {
	if p.short && !j.quick {
		return false
	}
	if len(p.only) > 0 {
		return slices.Contains(p.only, j.name)
	}
	return !j.apart
}

// run does one job.
func (j job) run(ctx context.Context, d *driver) (result, error) {
	fmt.Printf("\n%s\n", j.name)
	d.others = 0
	began := time.Now()
	rows, err := j.measure(ctx, d)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	return result{
		Rows: rows, Measured: began.UTC().Format(time.DateOnly), Commit: commit(ctx), Command: d.plan.command(j.name),
		Seconds: round(time.Since(began).Seconds(), 0), Others: round(100*d.others, 1),
	}, nil
}

// command is what measures a job again.
func (p plan) command(name string) string {
	words := []string{"go run ./bench -only", name}
	if p.short {
		words = append(words, "-short")
	}
	return strings.Join(words, " ")
}

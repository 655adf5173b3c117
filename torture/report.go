package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// total is what came of all schedules of a run.
type total struct {
	seeds, faults, violations, unjudged int
	kinds                               map[string]int
}

func (t *total) add(v verdict) {
	if t.kinds == nil {
		t.kinds = map[string]int{}
	}
	t.seeds++
	t.faults += v.faults
	t.violations += len(v.violations)
	t.unjudged += v.unjudged
	for kind, n := range v.kinds {
		t.kinds[kind] += n
	}
}

// print tells of one schedule, and how to see it again if it went wrong. The
// logs of a good one are not kept.
func (v verdict) print(folder string) {
	logs := filepath.Join(folder, strconv.FormatUint(v.seed, 10))
	fmt.Printf("seed %d: %d faults, %d violations, %s\n", v.seed, v.faults, len(v.violations), v.took.Round(100*time.Millisecond))
	if len(v.violations) == 0 {
		_ = os.RemoveAll(logs)
		return
	}
	for _, what := range v.violations {
		fmt.Println("  " + what)
	}
	fmt.Printf("  the same schedule again: make torture SEED=%d SEEDS=1; the logs of its processes: %s\n", v.seed, logs)
}

// print writes down what a seed means, step by step.
func (p plan) print() {
	fmt.Printf("seed %d: processes %q, orders %v, access tokens live %s, the clock of Postgres is ahead by %s, news comes %s\n", p.seed, p.roles, p.sizes, p.tokenLife, p.skew, p.news)
	steps := append(slices.Clone(p.work), p.faults...)
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	for _, s := range steps {
		fmt.Printf("  %6s  %s\n", s.at.Round(time.Millisecond), s.what)
	}
}

// end tells of all of it; an error says that there were violations.
func (t *total) end() error {
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		fmt.Printf("  %4d × %s\n", t.kinds[kind], kind)
	}
	fmt.Printf("  %4d × odd, and not judged: a fault explains it\n", t.unjudged)
	fmt.Printf("torture: seeds=%d schedules=%d faults=%d violations=%d\n", t.seeds, t.seeds, t.faults, t.violations)
	if t.violations > 0 {
		return fmt.Errorf("%d violations", t.violations)
	}
	return nil
}

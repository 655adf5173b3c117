package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// places are all named places of the code, in the order of a record's way.
var places = []string{
	"after claim", "before fetch", "after fetch", "before the page's commit", "after the page's commit",
	"before mark", "after mark", "before POST", "after POST", "before settling's commit", "after settle",
	"before reading back", "after reading back", "before reaction", "before release",
	"before lanes without news are settled", "before a day is listed", "before a day is compared",
	"before token exchange", "after token exchange", "after token store",
	"before the grant is stored", "after the grant is stored", "after creation", "before change", "after change",
	"before deletion", "after deletion", "before revocation", "after revocation",
	"before the sweep's commit", "before housekeeping",
}

// ways are how a place fails: each once in a schedule.
var ways = []string{"error", "hang", "kill"}

// gentle is a schedule in which everything happens that leads to a place, and
// little goes wrong besides.
func gentle(place string) plan {
	p := plan{seed: 900_000, start: firstStart, explains: true, place: place, roles: []string{roleBoth, roleBoth}, sizes: []int{120, 30, 8}, tokenLife: 2 * time.Second}
	for i, what := range []string{
		"new orders", "edit many", "delete and create", "start date", "off and on", "new orders", "rename", "cancel", "edit many", "refund",
		"delete and create", "new orders", "off and on", "edit", "delete and create", "rename", "edit many", "new orders", "delete and create", "start date", "new orders",
	} {
		p.work = append(p.work, step{at: time.Duration(i) * 200 * time.Millisecond, what: what, pick: uint64(i)})
	}
	for i, what := range []string{"trustfile: takes all, answer lost", "host: 500", "trustfile: takes half", "trustfile: 500", "host: torn JSON", "trustfile: takes all, answer lost"} {
		p.faults = append(p.faults, step{at: time.Duration(300+i*600) * time.Millisecond, what: what, pick: uint64(i)})
	}
	p.env = []string{"FAILPOINT=" + place, "FAILPOINT_HANG=" + freezeTime.String()}
	return p
}

// failpointsAtOnce is how many places are tried side by side, on one Postgres:
// these schedules leave it alone, and mostly wait.
const failpointsAtOnce = 4

// failurePatience is how long the last failures of a place may take after the
// workload: one hangs for longer than a lease, and what it held is taken up again later.
const failurePatience = 30 * time.Second

// failpoints makes every place fail in every way.
func (b *bench) failpoints(ctx context.Context) error {
	program, err := build(ctx, b.folder, "failpoints")
	if err != nil {
		return err
	}
	if err := b.pg.prepare(ctx, program); err != nil {
		return err
	}
	w := &walk{bench: b, program: program}
	servers := make(chan *server, failpointsAtOnce)
	for range cap(servers) {
		servers <- b.pg
	}
	if err := sideBySide(ctx, servers, w.jobs()); err != nil {
		return err
	}
	for _, what := range w.never {
		fmt.Println("not reached:", what)
	}
	fmt.Printf("torture-failpoints: places=%d failures=%d violations=%d\n", w.places, w.done, w.violations)
	if w.violations > 0 || len(w.never) > 0 {
		return fmt.Errorf("%d violations, %d failures not reached", w.violations, len(w.never))
	}
	return nil
}

// walk is a run through all places.
type walk struct {
	*bench
	program string

	mu                       sync.Mutex
	places, done, violations int
	never                    []string // failures that did not happen
}

// jobs are one for each place, or for the one that the variable PLACE names.
func (w *walk) jobs() (all []job) {
	for i, place := range places {
		if only := os.Getenv("PLACE"); only != "" && only != place {
			continue
		}
		p := gentle(place)
		p.seed += uint64(i) //nolint:gosec // an index
		all = append(all, func(ctx context.Context, pg *server) (string, error) { return w.visit(ctx, pg, place, p) })
	}
	return all
}

// visit makes a place fail in every way, each once.
func (w *walk) visit(ctx context.Context, pg *server, place string, p plan) (told string, err error) {
	folder := filepath.Join(w.folder, strings.ReplaceAll(place, " ", "-"))
	v, err := play(ctx, pg, w.program, p, folder)
	if err != nil {
		return "", fmt.Errorf("%s: %w", place, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.places++
	for _, way := range ways {
		if _, err := os.Stat(failureNote(folder, place, way)); err != nil {
			w.never = append(w.never, place+": "+way)
			continue
		}
		w.done++
	}
	w.violations += len(v.violations)
	told = fmt.Sprintf("%-28s %d violations, %s", place, len(v.violations), v.took.Round(100*time.Millisecond))
	if len(v.violations) == 0 {
		return told, os.RemoveAll(folder)
	}
	return told + "\n  " + strings.Join(v.violations, "\n  ") + "\n  the logs of its processes: " + folder, nil
}

// awaitFailures waits until the plan's place has failed in every way, or seems to
// be passed no more.
func (s *stage) awaitFailures(ctx context.Context) {
	for end := time.Now().Add(failurePatience); s.plan.place != "" && time.Now().Before(end); {
		if len(s.missing()) == 0 || !until(ctx, time.Now().Add(settlePoll)) {
			return
		}
	}
}

// missing are the ways in which the plan's place has not failed yet.
func (s *stage) missing() (some []string) {
	for _, way := range ways {
		if _, err := os.Stat(failureNote(s.folder, s.plan.place, way)); err != nil {
			some = append(some, way)
		}
	}
	return some
}

// failureNote is the file in which the extractor notes that a place failed in a way.
func failureNote(folder, place, way string) string {
	return filepath.Join(folder, strings.ReplaceAll(place, " ", "-")+"."+way)
}

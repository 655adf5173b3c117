package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	p := plan{seed: 900_000, roles: []string{roleBoth, roleBoth}, sizes: []int{120, 30, 8}, tokenLife: 2 * time.Second}
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

// failpoints makes every place fail in every way.
func (b *bench) failpoints(ctx context.Context) error {
	program, err := build(ctx, b.folder, "failpoints")
	if err != nil {
		return err
	}
	if err := b.pg.prepare(ctx, program); err != nil {
		return err
	}
	done, violations := 0, 0
	var never []string
	for _, place := range places {
		if only := os.Getenv("PLACE"); only != "" && only != place {
			continue
		}
		folder := filepath.Join(b.folder, strings.ReplaceAll(place, " ", "-"))
		p := gentle(place)
		p.env = append(p.env, "FAILPOINT_FOLDER="+folder)
		p.explains = true
		v, err := play(ctx, b.pg, program, p, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		for _, way := range ways {
			if _, err := os.Stat(filepath.Join(folder, strings.ReplaceAll(place, " ", "-")+"."+way)); err != nil {
				never = append(never, place+": "+way)
				continue
			}
			done++
		}
		violations += len(v.violations)
		fmt.Printf("%-28s %d violations, %s\n", place, len(v.violations), v.took.Round(100*time.Millisecond))
		for _, what := range v.violations {
			fmt.Println("  " + what)
		}
		if len(v.violations) > 0 {
			fmt.Printf("  the logs of its processes: %s\n", folder)
		}
	}
	for _, what := range never {
		fmt.Println("not reached:", what)
	}
	fmt.Printf("torture-failpoints: places=%d failures=%d violations=%d\n", len(places), done, violations)
	if violations > 0 || len(never) > 0 {
		return fmt.Errorf("%d violations, %d failures not reached", violations, len(never))
	}
	return nil
}

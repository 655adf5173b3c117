package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mistake is one that a build makes on purpose; see models.Bad.
type mistake struct {
	name, does string
	expects    string // the invariants that should notice
}

// mistakes must all be caught, or the harness proves nothing.
var mistakes = []mistake{
	{"ledger", "the position is committed before the page that led there", "I1"},
	{"generation", "work goes on after a switch-off, a rename or a deletion", "I5"},
	{"quiet", "newer content does not wait for late copies of older content", "I1 I3"},
	{"lock", "a token's row is not locked while the token is renewed", "I6"},
	{"reconcile", "the days are not recounted", "I1"},
	{"hash", "content that did not change is sent again", "I3"},
	{"unsure", "a lost answer is taken for a yes", "I1"},
	{"silence", "what the host no longer has is not taken back", "I2"},
	{"version", "an older reading replaces a newer one", "I1 I3"},
	{"epoch", "who lost a lease goes on as if it were his", "I1 I3"},
}

// hopeless are mistakes that no number of seeds we can afford has shown yet;
// docs/reliability.md says so. They are tried, and do not fail the run.
var hopeless = []string{"generation", "version", "epoch", "lock"}

// mostSeeds bounds how long a mistake may hide.
const mostSeeds = 12

// knownBad runs each wrong build until it is caught.
func (b *bench) knownBad(ctx context.Context) error {
	first, err := setting("SEED", 1)
	if err != nil {
		return err
	}
	program, err := build(ctx, b.folder, "torture_bad")
	if err != nil {
		return err
	}
	if err := b.pg.prepare(ctx, program); err != nil {
		return err
	}
	var missed []string
	caught := 0
	for _, m := range mistakes {
		if only := os.Getenv("BAD"); only != "" && !slices.Contains(strings.Split(only, ","), m.name) {
			continue
		}
		found, err := b.hunt(ctx, program, m, first)
		switch {
		case err != nil:
			return err
		case found:
			caught++
		case !slices.Contains(hopeless, m.name):
			missed = append(missed, m.name)
		}
	}
	fmt.Printf("torture-known-bad: caught=%d missed=%d\n", caught, len(missed))
	if len(missed) > 0 {
		return errors.New("not caught: " + strings.Join(missed, ", "))
	}
	return nil
}

// hunt runs seeds with one mistake until a violation shows it.
func (b *bench) hunt(ctx context.Context, program string, m mistake, first int) (found bool, err error) {
	for seed := first; seed < first+mostSeeds; seed++ {
		p := draw(uint64(seed))
		p.env = []string{"TORTURE_BAD=" + m.name}
		v, err := play(ctx, b.pg, program, p, filepath.Join(b.folder, m.name))
		_ = os.RemoveAll(filepath.Join(b.folder, m.name))
		if err != nil {
			return false, fmt.Errorf("%s, seed %d: %w", m.name, seed, err)
		}
		v.violations = slices.DeleteFunc(v.violations, func(what string) bool { return !strings.HasPrefix(what, "I") })
		if len(v.violations) > 0 {
			fmt.Printf("%-10s (%s): caught by seed %d, schedule %d: %s\n", m.name, m.does, seed, seed-first+1, v.violations[0])
			fmt.Printf("%-10s expected of %s; seen: %s\n", "", m.expects, strings.Join(invariantsOf(v.violations), " "))
			return true, nil
		}
	}
	fmt.Printf("%-10s (%s): not caught in %d schedules\n", m.name, m.does, mostSeeds)
	return false, nil
}

// invariantsOf are the names of those that were violated.
func invariantsOf(violations []string) (names []string) {
	for _, v := range violations {
		name, _, _ := strings.Cut(v, ":")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

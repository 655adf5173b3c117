package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// mistake is one that a build makes on purpose; see models.Bad.
type mistake struct {
	name, does string
	expects    string // the invariants that should notice
}

// mistakes must all be caught, or the harness proves nothing. Those that drawn
// schedules seldom show have a directed one.
var mistakes = []mistake{
	{"ledger", "the position is committed before the page that led there", "I1"},
	{"generation", "work goes on after a switch-off, a rename or a deletion", "I5"},
	{"quiet", "newer content does not wait for late copies of older content", "I1 I3"},
	{"lock", "a token's row is not locked while the token is renewed", "I6"},
	{"reconcile", "the days are not recounted", "I1"},
	{"hash", "content that did not change is sent again", "I3"},
	{"unsure", "a lost answer is taken for a yes", "I1"},
	{"silence", "what the host no longer has is not taken back", "I2"},
	{"version", "an older reading replaces a newer one", "I3"},
	{"epoch", "who lost a lease goes on as if it were his", "I3"},
	{"grace", "a request begins long after it was allowed", "I3"},
	{"tenant", "one connection's id is kept and used for all", "I4"},
	{"activity", "each change is told twice", "I7"},
	{"lease", "a lease outlives who held it", "I8"},
	{"secret", "a renewed token is logged", "I9"},
}

const (
	// mostSeeds bounds how long a mistake may hide from drawn schedules.
	mostSeeds = 12
	// mostTries bounds how often a directed schedule is played: on a busy machine
	// it may miss its moment.
	mostTries = 4
)

// knownBad runs each wrong build until it is caught, and the right one through
// the directed schedules, in which it must not be blamed.
func (b *bench) knownBad(ctx context.Context) error {
	first, err := setting("SEED", 1)
	if err != nil {
		return err
	}
	program, err := build(ctx, b.folder, "torture_bad", "failpoints")
	if err != nil {
		return err
	}
	servers, err := b.servers(ctx, program)
	c := &chase{bench: b, program: program, first: first}
	if err == nil {
		err = sideBySide(ctx, servers, c.jobs())
	}
	if err = errors.Join(err, b.dismiss(servers)); err != nil {
		return err
	}
	fmt.Printf("torture-known-bad: caught=%d missed=%d good=%d blamed=%d\n", len(c.caught), len(c.missed), len(c.good), len(c.blamed))
	if wrong := slices.Concat(c.missed, c.blamed); len(wrong) > 0 {
		return errors.New("not caught, or blamed without being wrong: " + strings.Join(wrong, ", "))
	}
	return nil
}

// chase is a run through all mistakes.
type chase struct {
	*bench
	program string
	first   int // seed

	mu             sync.Mutex
	caught, missed []string // mistakes
	good, blamed   []string // directed schedules that the right build played
}

// jobs are the right build's part and then one for each mistake, or those that
// the variable BAD names.
func (c *chase) jobs() (all []job) {
	only := strings.Split(os.Getenv("BAD"), ",")
	asked := func(name string) bool { return only[0] == "" || slices.Contains(only, name) }
	for _, name := range slices.Sorted(maps.Keys(directed)) {
		if asked(name) {
			all = append(all, func(ctx context.Context, pg *server) (string, error) { return c.prove(ctx, pg, name) })
		}
	}
	for _, m := range mistakes {
		if asked(m.name) {
			all = append(all, func(ctx context.Context, pg *server) (string, error) { return c.hunt(ctx, pg, m) })
		}
	}
	return all
}

// prove plays a directed schedule with the right build.
func (c *chase) prove(ctx context.Context, pg *server, name string) (told string, err error) {
	folder := filepath.Join(c.folder, "good-"+name)
	v, err := play(ctx, pg, c.program, directed[name], folder)
	if err != nil {
		return "", fmt.Errorf("directed schedule %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(v.violations) > 0 {
		c.blamed = append(c.blamed, "directed schedule "+name)
		return fmt.Sprintf("%-10s the right build is blamed, see %s:\n  %s", name, folder, strings.Join(v.violations, "\n  ")), nil
	}
	c.good = append(c.good, name)
	return fmt.Sprintf("%-10s the right build plays the directed schedule well", name), os.RemoveAll(folder)
}

// hunt plays schedules with one mistake until a violation shows it.
func (c *chase) hunt(ctx context.Context, pg *server, m mistake) (told string, err error) {
	plans := m.plans(c.first)
	for i, p := range plans {
		folder := filepath.Join(c.folder, m.name)
		v, err := play(ctx, pg, c.program, p, folder)
		_ = os.RemoveAll(folder)
		if err != nil {
			return "", fmt.Errorf("%s, schedule %d: %w", m.name, i+1, err)
		}
		v.violations = slices.DeleteFunc(v.violations, func(what string) bool { return !strings.HasPrefix(what, "I") })
		if len(v.violations) > 0 {
			c.note(&c.caught, m.name)
			return fmt.Sprintf("%-10s (%s): caught by schedule %d: %s\n%-10s expected of %s; seen: %s", m.name, m.does, i+1, v.violations[0],
				"", m.expects, strings.Join(invariantsOf(v.violations), " ")), nil
		}
	}
	c.note(&c.missed, m.name)
	return fmt.Sprintf("%-10s (%s): not caught in %d schedules", m.name, m.does, len(plans)), nil
}

// plans are the schedules that a mistake is tried with.
func (m mistake) plans(first int) (all []plan) {
	if p, ok := directed[m.name]; ok {
		all = slices.Repeat([]plan{p}, mostTries)
	} else {
		for seed := first; seed < first+mostSeeds; seed++ {
			all = append(all, draw(uint64(seed))) //nolint:gosec // not negative: checked when it was read
		}
	}
	for i := range all {
		all[i].env = append(slices.Clone(all[i].env), "TORTURE_BAD="+m.name)
	}
	return all
}

func (c *chase) note(list *[]string, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*list = append(*list, name)
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

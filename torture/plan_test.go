package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASeedAlwaysMeansTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		a, b := draw(seed), draw(seed)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d has two plans", seed)
		}
		if len(a.work) < 10 || len(a.faults) < 5 || a.work[len(a.work)-1].at >= stormTime {
			t.Errorf("seed %d: %d works, %d faults", seed, len(a.work), len(a.faults))
		}
	}
}

// TestEveryFaultIsDrawn makes sure that no row of the tables is dead.
func TestEveryFaultIsDrawn(t *testing.T) {
	t.Parallel()
	drawn, skewed, told := map[string]bool{}, map[time.Duration]bool{}, map[news]bool{}
	for seed := range uint64(300) {
		skewed[draw(seed).skew], told[draw(seed).news] = true, true
		for _, s := range slices.Concat(draw(seed).work, draw(seed).faults) {
			drawn[s.what] = true
		}
	}
	for _, f := range append(slices.Clone(faults), release) {
		if !drawn[f.name] {
			t.Errorf("no seed draws %q", f.name)
		}
		delete(drawn, f.name)
	}
	if len(skewed) != len(skews) {
		t.Errorf("the clock of Postgres is ahead by %v alone", skewed)
	}
	if !told[byBoth] || !told[byNotices] {
		t.Errorf("notices come in no schedule, or never alone: %v", told)
	}
	for _, w := range works {
		if !drawn[w.name] {
			t.Errorf("no seed draws %q", w.name)
		}
	}
}

// TestEveryPlaceIsTried compares the list of places with those in the code.
func TestEveryPlaceIsTried(t *testing.T) {
	t.Parallel()
	hit := regexp.MustCompile(`failpoint\.Hit\("([^"]+)"\)`)
	var found []string
	for _, folder := range []string{"../extractor", "../hostapi", "../handlers"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range hit.FindAllStringSubmatch(string(text), -1) {
				found = append(found, m[1])
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found) // a place may be come by on two ways
	listed := slices.Sorted(slices.Values(places))
	if !slices.Equal(found, listed) {
		t.Errorf("in the code:\n%s\nin the list:\n%s", strings.Join(found, "\n"), strings.Join(listed, "\n"))
	}
}

// TestOrder shows what the checker takes for a violation.
func TestOrder(t *testing.T) {
	t.Parallel()
	one, two, three, nothing := amounts{1}, amounts{2}, amounts{3}, amounts{}
	versions := []amounts{one, two, three, nothing}
	for name, c := range map[string]struct {
		effects []amounts
		bad     string
	}{
		"each once":                         {[]amounts{one, two, three, nothing}, ""},
		"some never arrive":                 {[]amounts{one, three}, ""},
		"the same twice has no effect":      {[]amounts{one, one, two, two}, ""},
		"an old one over a new one":         {[]amounts{one, two, one}, "I3"},
		"what the host never said":          {[]amounts{one, {7}}, "I2"},
		"something after it was taken back": {[]amounts{two, nothing, two}, "I3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := newChecker(&stage{})
			var effects []applied
			for i, a := range c.effects {
				effects = append(effects, applied{at: time.Unix(int64(i), 0), amounts: a})
			}
			checker.order(&life{names: []span{{name: "x"}}}, key{id: "1"}, versions, effects)
			if got := strings.Join(invariantsOf(checker.violations), " "); got != c.bad {
				t.Errorf("%q, want %q: %v", got, c.bad, checker.violations)
			}
		})
	}
}

// TestARefreshIsJudgedByTheLifeThatWasTold: an OAuth answer tells whole seconds.
func TestARefreshIsJudgedByTheLifeThatWasTold(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{
		1500 * time.Millisecond: time.Second, 2 * time.Second: time.Second, 2001 * time.Millisecond: 2 * time.Second, time.Hour: time.Hour - time.Second,
	} {
		if got := toldLife(life); got != want {
			t.Errorf("%s is told as %s, not %s", life, want, got)
		}
	}
}

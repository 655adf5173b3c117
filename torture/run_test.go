package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table is a document as docs/reliability.md is, with one run in it.
const table = "# Runs\n\n" + tallyHead + "\n|---|---|---|---|---|\n| 2026-01-01 | 1 | 2 | 10 | 0 |\n\n" + tallySum + "?\n\nThe end.\n"

// TestATalliedRunResumes ends a run in its middle, and begins it anew.
func TestATalliedRunResumes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reliability.md")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(tallyVariable, "1")
	t.Setenv("SEEDS", "8")
	ctx, stop := context.WithCancel(t.Context())
	first := playAll(ctx, t, file, func(seed int) (verdict, error) {
		if seed == 5 {
			stop()
			return verdict{}, context.Canceled
		}
		return verdict{faults: seed}, nil
	})
	second := playAll(t.Context(), t, file, func(seed int) (verdict, error) { return verdict{faults: seed}, nil })
	if first[0] != 3 || second[0] != 5 || second[len(second)-1] != 8 {
		t.Errorf("played %v, then %v", first, second)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 1 | 2 | 10 | 0 |\n", "| 3 | 2 | 7 | 0 |\n", "| 5 | 4 | 26 | 0 |\n", tallySum + "8 schedules, 43 faults, 0 violations; ", "\nThe end.\n"} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if _, err := wanted(file); err == nil {
		t.Error("a complete run begins anew")
	}
}

// playAll plays the wanted seeds one after the other, and says which they were.
func playAll(ctx context.Context, t *testing.T, file string, one func(int) (verdict, error)) (played []int) {
	t.Helper()
	s, err := wanted(file)
	if err != nil {
		t.Fatal(err)
	}
	err = s.play(ctx, 1, func(seed int) (verdict, error) {
		played = append(played, seed)
		return one(seed)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return played
}

// TestATallyHasNoGaps: of schedules side by side a later seed may be done first.
func TestATallyHasNoGaps(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "reliability.md")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	tally := &tally{file: file, first: 3, waiting: map[int]verdict{}}
	for _, c := range []struct{ seed, last int }{{4, 2}, {3, 4}, {6, 4}, {5, 6}} {
		if err := tally.add(c.seed, verdict{violations: []string{"I1: x"}}); err != nil {
			t.Fatal(err)
		}
		if last, err := played(file); err != nil || last != c.last {
			t.Errorf("after seed %d the table ends with %d, want %d (%v)", c.seed, last, c.last, err)
		}
	}
}

// TestARunPlaysEachSeedOnce, also side by side, and ends when one cannot be played.
func TestARunPlaysEachSeedOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var played []int
	s := &seeds{next: 1, end: 30}
	err := s.play(t.Context(), 3, func(seed int) (verdict, error) {
		mu.Lock()
		defer mu.Unlock()
		played = append(played, seed)
		return verdict{violations: make([]string, seed%2)}, nil
	})
	slices.Sort(played)
	if err != nil || len(played) != 29 || len(slices.Compact(played)) != 29 || s.total.violations != 15 || s.total.end() == nil {
		t.Errorf("%v, %d violations, %v", played, s.total.violations, err)
	}
	broken := errors.New("no Postgres")
	s = &seeds{next: 1, end: 30}
	if err := s.play(t.Context(), 3, func(int) (verdict, error) { return verdict{}, broken }); !errors.Is(err, broken) || s.next > 5 {
		t.Errorf("%v; went on until %d", err, s.next)
	}
}

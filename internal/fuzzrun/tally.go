package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is how long a target ran, over all runs, and how many inputs it tried.
type entry struct {
	time  time.Duration
	tried int64
}

// tallyHead is where the part of the document begins that is written here.
const tallyHead = "## Tally\n"

var tallyRow = regexp.MustCompile(`(?m)^\| ([\w/]+\.\w+) \| ([\d,]+) \| ([\d,]+) \|$`)

// note adds what was tried to what the document at path tells. Targets that are
// gone stay in it: what they tried was tried.
func note(path string, tried map[string]entry) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, table, found := strings.Cut(string(text), tallyHead)
	if !found {
		return fmt.Errorf("%s has no line %q", path, strings.TrimSpace(tallyHead))
	}
	all, err := readTally(table)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for name, e := range tried {
		all[name] = entry{all[name].time + e.time, all[name].tried + e.tried}
	}
	return os.WriteFile(path, []byte(before+tallyHead+writeTally(all)), 0o600)
}

func readTally(table string) (map[string]entry, error) {
	all := map[string]entry{}
	for _, m := range tallyRow.FindAllStringSubmatch(table, -1) {
		seconds, err := parseFigure(m[2])
		if err != nil {
			return nil, err
		}
		tried, err := parseFigure(m[3])
		if err != nil {
			return nil, err
		}
		all[m[1]] = entry{time.Duration(seconds) * time.Second, tried}
	}
	return all, nil
}

func writeTally(all map[string]entry) string {
	var b strings.Builder
	b.WriteString("\nWritten by `TALLY=1 make fuzz`: all runs together.\n\n| fuzz target | seconds | inputs |\n|---|---|---|\n")
	var sum entry
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := all[name]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, figure(int64(e.time.Seconds())), figure(e.tried))
		sum.time += e.time
		sum.tried += e.tried
	}
	fmt.Fprintf(&b, "\nTogether: %s inputs in %s seconds, by %d targets.\n", figure(sum.tried), figure(int64(sum.time.Seconds())), len(all))
	return b.String()
}

// figure is a number with commas between its thousands.
func figure(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func parseFigure(s string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	// tallyFile is where long runs are written down, tallyVariable what asks for
	// it, and tallyHead the head of the table.
	tallyFile     = "docs/reliability.md"
	tallyVariable = "TALLY"
	tallyHead     = "| date (UTC) | first seed | schedules | faults | violations |"
	tallySum      = "All together: "
)

// tally is what a run adds to the table in the document: one row, which grows.
type tally struct {
	file    string
	first   int // seed of the run
	sum     total
	waiting map[int]verdict // done before one of a lower seed was
}

// add notes a schedule, once all of lower seeds are noted: a run that is ended
// goes on behind the last seed of the table.
func (t *tally) add(seed int, v verdict) error {
	t.waiting[seed] = v
	for next, ok := t.waiting[t.first+t.sum.seeds]; ok; next, ok = t.waiting[t.first+t.sum.seeds] {
		delete(t.waiting, t.first+t.sum.seeds)
		t.sum.add(next)
	}
	if t.sum.seeds == 0 {
		return nil
	}
	return t.note()
}

// note writes the run's row into the document, and sums all of them up.
func (t *tally) note() error {
	text, err := os.ReadFile(t.file)
	if err != nil {
		return err
	}
	row := fmt.Sprintf("| %s | %d | %d | %d | %d |", time.Now().UTC().Format(time.DateOnly), t.first, t.sum.seeds, t.sum.faults, t.sum.violations)
	var out strings.Builder
	var all total
	inside, done := false, false
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		inside = inside || line == tallyHead
		r, isRow := readRow(line)
		switch {
		case inside && isRow && r.first == t.first:
			continue // how it was before
		case inside && !done && !strings.HasPrefix(line, "|"):
			out.WriteString(row + "\n")
			all.sum(t.sum)
			done = true
		case inside && isRow:
			all.sum(r.total)
		}
		if strings.HasPrefix(line, tallySum) {
			line = all.proof()
		}
		out.WriteString(line + "\n")
	}
	if !done {
		return fmt.Errorf("%s has no table of runs", t.file)
	}
	return os.WriteFile(t.file, []byte(out.String()), 0o600)
}

// played is the last seed of the table.
func played(file string) (last int, err error) {
	text, err := os.ReadFile(file)
	for _, line := range strings.Split(string(text), "\n") {
		if r, ok := readRow(line); ok {
			last = max(last, r.first+r.seeds-1)
		}
	}
	return last, err
}

// row is one of the table.
type row struct {
	first int
	total
}

// readRow reads a row of the table; its head and its rule hold no numbers.
func readRow(line string) (r row, ok bool) {
	cells := strings.Split(line, "|")
	if len(cells) != 7 {
		return r, false
	}
	for i, n := range []*int{&r.first, &r.seeds, &r.faults, &r.violations} {
		if _, err := fmt.Sscan(cells[i+2], n); err != nil {
			return r, false
		}
	}
	return r, true
}

// sum adds what came of other schedules.
func (t *total) sum(more total) {
	t.seeds += more.seeds
	t.faults += more.faults
	t.violations += more.violations
}

// proof says what the table proves. With no violation among n schedules of this
// kind, fewer than 3/n of them have one, at 95 % confidence.
func (t *total) proof() string {
	s := fmt.Sprintf("%s%d schedules, %d faults, %d violations", tallySum, t.seeds, t.faults, t.violations)
	if t.violations > 0 || t.seeds == 0 {
		return s + "."
	}
	return s + fmt.Sprintf("; with 95 %% confidence fewer than %.2g %% of schedules of this kind would show one (3/n).", 300/float64(t.seeds))
}

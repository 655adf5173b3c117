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

// note adds a run to the table in the document, and sums all of them up.
func (t *total) note(first int) error {
	text, err := os.ReadFile(tallyFile)
	if err != nil {
		return err
	}
	row := fmt.Sprintf("| %s | %d | %d | %d | %d |", time.Now().UTC().Format(time.DateOnly), first, t.seeds, t.faults, t.violations)
	var out strings.Builder
	var schedules, faults, violations int
	inside, done := false, false
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		inside = inside || line == tallyHead
		switch {
		case inside && !strings.HasPrefix(line, "|") && !done:
			out.WriteString(row + "\n")
			add(row, &schedules, &faults, &violations)
			done = true
		case strings.HasPrefix(line, tallySum):
			line = sum(schedules, faults, violations)
		case inside:
			add(line, &schedules, &faults, &violations)
		}
		out.WriteString(line + "\n")
	}
	if !done {
		return fmt.Errorf("%s has no table of runs", tallyFile)
	}
	return os.WriteFile(tallyFile, []byte(out.String()), 0o600)
}

// add reads a row of the table; its head and its rule hold no numbers.
func add(row string, schedules, faults, violations *int) {
	cells := strings.Split(row, "|")
	var n [3]int
	if len(cells) != 7 {
		return
	}
	for i := range n {
		if _, err := fmt.Sscan(cells[i+3], &n[i]); err != nil {
			return
		}
	}
	*schedules += n[0]
	*faults += n[1]
	*violations += n[2]
}

// sum says what the table proves. With no violation among n schedules of this
// kind, fewer than 3/n of them have one, at 95 % confidence.
func sum(schedules, faults, violations int) string {
	s := fmt.Sprintf("%s%d schedules, %d faults, %d violations", tallySum, schedules, faults, violations)
	if violations > 0 || schedules == 0 {
		return s + "."
	}
	return s + fmt.Sprintf("; with 95 %% confidence fewer than %.2g %% of schedules of this kind would show one (3/n).", 300/float64(schedules))
}

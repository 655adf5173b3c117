// Testrun runs go test with the arguments given, prints what go test prints for
// people, and adds what it hides unless -v: how many tests were skipped, and why.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// longestLine bounds one event of go test: a failing test may print a whole page.
const longestLine = 16 << 20

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// report is what is known so far.
type report struct {
	out     io.Writer
	lines   map[string][]string // output by package and test
	reasons map[string]int      // why tests were skipped
	passed  int
	failed  []string
}

func main() {
	r := &report{out: os.Stdout, lines: map[string][]string{}, reasons: map[string]int{}}
	os.Exit(r.run(append([]string{"test", "-json"}, os.Args[1:]...)))
}

// run returns the exit status of go test.
func (r *report) run(args []string) int {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		err = errors.Join(r.read(out), cmd.Wait())
	}
	r.close()
	if err == nil {
		return 0
	}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 0 {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

// read follows the events.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil { // what the compiler says is not JSON
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *report) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output(key, e)
	case "skip":
		if e.Test != "" {
			r.reasons[reason(r.lines[key])]++
		}
		delete(r.lines, key)
	case "pass":
		if e.Test != "" {
			r.passed++
		}
		delete(r.lines, key)
	case "fail":
		r.fail(key, e)
	}
}

// output keeps what a test says until it is known how it ended. What a package
// says, its closing line included, is shown at once.
func (r *report) output(key string, e event) {
	if e.Test != "" {
		r.lines[key] = append(r.lines[key], e.Output)
	} else if e.Output != "PASS\n" {
		fmt.Fprint(r.out, e.Output)
	}
}

func (r *report) fail(key string, e event) {
	if e.Test != "" {
		r.failed = append(r.failed, key)
		fmt.Fprint(r.out, strings.Join(r.lines[key], ""))
	}
	delete(r.lines, key)
}

// reason is what a skipped test said: the text after "file_test.go:12: ".
func reason(lines []string) string {
	for _, line := range lines {
		if _, text, ok := strings.Cut(strings.TrimSpace(line), ".go:"); ok {
			if _, text, ok = strings.Cut(text, ": "); ok {
				return text
			}
		}
	}
	return "no reason given"
}

// close adds up. What a panic or a time-out left unfinished is shown, too.
func (r *report) close() {
	for key, lines := range r.lines {
		fmt.Fprintf(r.out, "unfinished: %s\n%s", key, strings.Join(lines, ""))
	}
	skipped := 0
	for _, why := range slices.Sorted(maps.Keys(r.reasons)) {
		skipped += r.reasons[why]
		fmt.Fprintf(r.out, "skipped %d: %s\n", r.reasons[why], why)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), skipped)
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "FAIL: %s\n", name)
	}
}

// Fuzzrun runs every fuzz target of the module for the time given, some at
// once, and counts what was tried. It fails when one of them does. It can note
// in a document what was tried, on top of what is noted there.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	each := flag.Duration("time", 10*time.Second, "how long each target runs")
	only := flag.String("only", "", "a regular expression for package.Target; empty: all")
	jobs := flag.Int("jobs", 1, "how many run at once, with one process of tries each when several do")
	tally := flag.String("tally", "", "the document that notes time and tries of each target; empty: none")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err == nil {
		err = runAll(os.Stdout, runner{each: *each, jobs: max(1, *jobs)}, wanted, *tally)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// target is one fuzz function.
type target struct{ folder, name string }

func (t target) String() string { return strings.TrimPrefix(t.folder, "./") + "." + t.name }

// runner says how targets are run.
type runner struct {
	each time.Duration
	jobs int
}

// outcome is what became of a target.
type outcome struct {
	target
	tried int
	took  time.Duration // less than it was given when it failed
	said  string        // by go test, when it failed
	err   error
}

func runAll(out io.Writer, r runner, wanted *regexp.Regexp, tally string) error {
	all, err := find(".")
	if err != nil {
		return err
	}
	targets := slices.DeleteFunc(all, func(t target) bool { return !wanted.MatchString(t.String()) })
	total, tried, failed := 0, map[string]entry{}, []error{}
	for o := range r.run(targets) {
		fmt.Fprintf(out, "%s%12d  %s\n", o.said, o.tried, o.target)
		total += o.tried
		tried[o.String()] = entry{min(r.each, o.took), int64(o.tried)}
		if o.err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.target, o.err))
		}
	}
	fmt.Fprintf(out, "%12d  tried by %d targets in %s each, %d failed\n", total, len(targets), r.each, len(failed))
	if tally != "" {
		failed = append(failed, note(tally, tried))
	}
	return errors.Join(failed...)
}

// run runs targets, so many at once, and tells each as it ends.
func (r runner) run(targets []target) <-chan outcome {
	waiting, done := make(chan target, len(targets)), make(chan outcome)
	for _, t := range targets {
		waiting <- t
	}
	close(waiting)
	var working sync.WaitGroup
	for range r.jobs {
		working.Go(func() {
			for t := range waiting {
				done <- r.fuzz(t)
			}
		})
	}
	go func() {
		working.Wait()
		close(done)
	}()
	return done
}

var (
	function = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)
	// What an earlier run found is tried first, and may be all that there is time for.
	progress = regexp.MustCompile(`elapsed: (\w+), (?:execs|gathering baseline coverage): (\d+)`)
)

// find reads the tests below a folder for fuzz functions.
func find(root string) ([]target, error) {
	var all []target
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range function.FindAllSubmatch(text, -1) {
			all = append(all, target{"./" + filepath.ToSlash(filepath.Dir(path)), string(match[1])})
		}
		return err
	})
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return all, err
}

// smaller is how often go test tries to make an input smaller that reached
// something new: its own limit is a minute each, which is all the time there is.
const smaller = "20x"

// fuzz runs one target.
func (r runner) fuzz(t target) outcome {
	args := []string{"test", t.folder, "-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", r.each.String(), "-fuzzminimizetime", smaller}
	if r.jobs > 1 {
		args = append(args, "-parallel", "1") // the jobs share the cores already
	}
	cmd := exec.CommandContext(context.Background(), "go", args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	o := outcome{target: t, err: cmd.Run()}
	o.tried, o.took = count(bytes.NewReader(said.Bytes()))
	if onlyTimeUp(said.String()) {
		o.err = nil
	}
	if o.err == nil && o.tried == 0 {
		o.err = errors.New("it tried nothing")
	}
	if o.err != nil {
		o.said = said.String()
	}
	return o
}

// onlyTimeUp reports whether go test failed for nothing but the end of its time:
// on a busy machine it says so of a worker that was under way.
func onlyTimeUp(said string) bool {
	return strings.Contains(said, "\n    context deadline exceeded\n") && !strings.Contains(said, "Failing input")
}

// count is the last number of executions that go test told, and when.
func count(said io.Reader) (n int, at time.Duration) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if match := progress.FindStringSubmatch(lines.Text()); match != nil {
			at, _ = time.ParseDuration(match[1]) // go test writes it
			n, _ = strconv.Atoi(match[2])        // digits, as matched
		}
	}
	return n, at
}

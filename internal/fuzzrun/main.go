// Fuzzrun runs every fuzz target of the module, one after the other, for the
// time given, and counts what was tried. It fails when one of them does.
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
)

func main() {
	each := flag.String("time", "10s", "how long each target runs")
	only := flag.String("only", "", "a regular expression for package.Target; empty: all")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err == nil {
		err = runAll(os.Stdout, *each, wanted)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// target is one fuzz function.
type target struct{ folder, name string }

func (t target) String() string { return strings.TrimPrefix(t.folder, "./") + "." + t.name }

func runAll(out io.Writer, each string, wanted *regexp.Regexp) error {
	targets, err := find(".")
	if err != nil {
		return err
	}
	total, ran, failed := 0, 0, []error{}
	for _, t := range targets {
		if !wanted.MatchString(t.String()) {
			continue
		}
		ran++
		n, err := t.run(out, each)
		fmt.Fprintf(out, "%12d  %s\n", n, t)
		total += n
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", t, err))
		}
	}
	fmt.Fprintf(out, "%12d  tried by %d targets in %s each, %d failed\n", total, ran, each, len(failed))
	return errors.Join(failed...)
}

var (
	function = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)
	progress = regexp.MustCompile(`execs: (\d+)`)
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

// run fuzzes and says how many inputs were tried. What go test says is shown
// when it failed.
func (t target) run(out io.Writer, each string) (tried int, err error) {
	cmd := exec.CommandContext(context.Background(), "go", "test", t.folder, "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each, "-fuzzminimizetime", smaller)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	tried = count(bytes.NewReader(said.Bytes()))
	if onlyTimeUp(said.String()) {
		err = nil
	}
	if err == nil && tried == 0 {
		err = errors.New("it tried nothing")
	}
	if err != nil {
		_, _ = io.Copy(out, &said)
	}
	return tried, err
}

// onlyTimeUp reports whether go test failed for nothing but the end of its time:
// on a busy machine it says so of a worker that was under way.
func onlyTimeUp(said string) bool {
	return strings.Contains(said, "\n    context deadline exceeded\n") && !strings.Contains(said, "Failing input")
}

// count is the last number of executions that go test told.
func count(said io.Reader) (n int) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if match := progress.FindStringSubmatch(lines.Text()); match != nil {
			n, _ = strconv.Atoi(match[1]) // digits, as matched
		}
	}
	return n
}

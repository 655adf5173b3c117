package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// chosenTests are the commands in our texts that run some tests of a package:
// the package's folder, and what the names of the tests hold.
var chosenTests = []*regexp.Regexp{
	regexp.MustCompile(`PACKAGES=\./(\S+) ARGS='-run (\w+)'`),
	regexp.MustCompile(`go test \./(\S+) -run '\^\$' -bench (\w+)`),
}

// TestCommandsThatAreToldRunATest: go test is content with a name that no test has.
func TestCommandsThatAreToldRunATest(t *testing.T) {
	t.Parallel()
	texts, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, text := range append(texts, "README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile") {
		b, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range chosenTests {
			for _, m := range command.FindAllSubmatch(b, -1) {
				told++
				if !holdsTest(t, string(m[1]), string(m[2])) {
					t.Errorf("%s tells %q, which runs nothing", text, m[0])
				}
			}
		}
	}
	if told == 0 {
		t.Error("no text tells a command that runs some tests: is it written otherwise now?")
	}
}

// holdsTest reports whether a test of the folder has the word in its name.
func holdsTest(t *testing.T, folder, word string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	test := regexp.MustCompile(`(?m)^func (Test|Fuzz|Benchmark)\w*` + word)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if test.Match(b) {
			return true
		}
	}
	return false
}

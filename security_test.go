package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	namedTest    = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9_]*)`")
	writtenTest  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(\w+ \*testing\.[TF]\)`)
	securityItem = regexp.MustCompile(`(?m)^\| (\d+(?:\.\d+)*) \| (.*) \|$`)
)

// TestSecurityDocument: every test that SECURITY.md names exists, and every
// threat and item that it has to answer has its line.
func TestSecurityDocument(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	text, written := string(b), testsOfTheTree(t)
	for _, name := range namedTest.FindAllStringSubmatch(text, -1) {
		if !written[name[1]] {
			t.Errorf("SECURITY.md names %s, which does not exist", name[1])
		}
	}
	lines := map[string]string{}
	for _, line := range securityItem.FindAllStringSubmatch(text, -1) {
		if lines[line[1]] != "" {
			t.Errorf("%s has two lines", line[1])
		}
		lines[line[1]] = line[2]
	}
	for _, item := range append(threats(), asvsItems()...) {
		line := lines[item]
		if line == "" {
			t.Errorf("SECURITY.md has no line for %s", item)
		} else if !namedTest.MatchString(line) && !strings.HasSuffix(line, ".") && !strings.Contains(line, "does not apply") {
			t.Errorf("%s has neither a test nor a reason: %s", item, line)
		}
	}
}

// testsOfTheTree are the tests and fuzz targets of all packages.
func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, name := range writtenTest.FindAllStringSubmatch(string(b), -1) {
			all[name[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// threats are the rows of the threat model that concern this service.
func threats() (all []string) {
	for _, span := range [][2]int{{1, 10}, {12, 16}, {18, 21}, {24, 29}, {32, 32}} {
		for n := span[0]; n <= span[1]; n++ {
			all = append(all, strconv.Itoa(n))
		}
	}
	return all
}

// asvsItems are those that concern a service of this kind: section, first and
// last item of the standard's version 5.
func asvsItems() []string {
	all := []string{"10.5"}
	for _, s := range []struct {
		section     string
		first, last int
	}{
		{"1.2", 2, 2}, {"1.2", 10, 10}, {"1.3", 6, 6}, {"2.3", 1, 4}, {"2.4", 1, 1}, {"3.3", 1, 4}, {"3.4", 1, 8}, {"3.5", 3, 3}, {"3.5", 5, 5}, {"3.7", 2, 2},
		{"4.1", 1, 4}, {"5.2", 1, 5}, {"5.3", 2, 2}, {"5.4", 2, 2}, {"10.1", 1, 2}, {"10.2", 1, 3}, {"11.1", 1, 1}, {"11.2", 2, 2}, {"11.2", 4, 4}, {"11.3", 2, 4},
		{"11.5", 1, 1}, {"12.1", 1, 5}, {"12.2", 1, 2}, {"12.3", 1, 5}, {"13.1", 2, 4}, {"13.2", 4, 6}, {"13.3", 1, 4}, {"14.1", 1, 2}, {"14.2", 1, 8},
		{"15.1", 1, 3}, {"15.2", 2, 2}, {"15.3", 2, 4}, {"15.3", 7, 7}, {"15.4", 1, 4}, {"16.1", 1, 1}, {"16.2", 1, 5}, {"16.3", 1, 4}, {"16.4", 1, 3}, {"16.5", 1, 4},
	} {
		for n := s.first; n <= s.last; n++ {
			all = append(all, fmt.Sprintf("%s.%d", s.section, n))
		}
	}
	return all
}

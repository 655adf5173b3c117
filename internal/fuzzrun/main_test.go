package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCountTakesTheLastFigure(t *testing.T) {
	t.Parallel()
	said := "fuzz: elapsed: 3s, execs: 102 (34/sec), new interesting: 0 (total: 7)\nfuzz: elapsed: 6s, execs: 250 (49/sec), new interesting: 0 (total: 7)\nPASS\n"
	if n, at := count(strings.NewReader(said)); n != 250 || at != 6*time.Second {
		t.Errorf("%d at %s", n, at)
	}
	said = "fuzz: elapsed: 9s, gathering baseline coverage: 216/280 completed\nfuzz: elapsed: 1m10s, gathering baseline coverage: 239/280 completed\nPASS\n"
	if n, at := count(strings.NewReader(said)); n != 239 || at != 70*time.Second {
		t.Errorf("%d of those that are known, at %s", n, at)
	}
	if n, at := count(strings.NewReader("FAIL\n")); n != 0 || at != 0 {
		t.Errorf("%d at %s", n, at)
	}
}

func TestTheEndOfTimeIsNoFailure(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]bool{
		"--- FAIL: FuzzX (61.31s)\n    context deadline exceeded\nFAIL\n":                                                                              true,
		"--- FAIL: FuzzX (1.31s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:1: bad\n\n    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\n": false,
		"--- FAIL: FuzzX (1s)\n        x_test.go:1: bad\n\n    Failing input written to testdata/fuzz/FuzzX/1\n    context deadline exceeded\nFAIL\n":  false,
		"# extractor/x\nbuild failed\nFAIL\n": false,
	} {
		if onlyTimeUp(said) != want {
			t.Errorf("%q", said)
		}
	}
}

// TestFindMissesNone: those that a reader would look for are found, each once.
func TestFindMissesNone(t *testing.T) {
	t.Parallel()
	all, err := find("../..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range all {
		names = append(names, strings.TrimPrefix(one.String(), "../../"))
	}
	for _, want := range []string{"handlers.FuzzRedirect", "handlers.FuzzBearer", "handlers.FuzzDecode", "handlers.FuzzConnectionID", "models.FuzzOpen",
		"hostapi/square.FuzzTransform", "hostapi/square.FuzzSignature", "hostapi/sandbox.FuzzTransform", "internal/rest.FuzzRetryAfter", "targetapi/trustfile.FuzzParsePath"} {
		if i := slices.Index(names, want); i < 0 || slices.Index(names[i+1:], want) >= 0 {
			t.Errorf("%s is not found once among %q", want, names)
		}
	}
}

// TestEveryTargetIsDocumented: the table of what is parsed names all there are, and no others.
func TestEveryTargetIsDocumented(t *testing.T) {
	t.Parallel()
	all, err := find("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/fuzz.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), tallyHead)
	for _, one := range all {
		if !strings.Contains(table, "`"+one.name+"`") {
			t.Errorf("docs/fuzz.md does not say what %s tries", one)
		}
	}
	for _, named := range regexp.MustCompile("`(Fuzz\\w+)`").FindAllStringSubmatch(table, -1) {
		if !slices.ContainsFunc(all, func(one target) bool { return one.name == named[1] }) {
			t.Errorf("docs/fuzz.md names %s, which does not exist", named[1])
		}
	}
}

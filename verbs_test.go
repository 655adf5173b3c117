package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestVerbsThatAreNot: what is wrong with a command line is said, on the side
// where it is looked for, and arguments are not repeated.
func TestVerbsThatAreNot(t *testing.T) {
	for line, want := range map[string]struct {
		status   int
		out, err string // how each begins; empty: nothing is written
	}{
		"":               {2, "", "usage: extractor VERB\n  serve "},
		"help":           {0, "usage: extractor VERB\n  serve ", ""},
		"--help":         {0, "usage: extractor VERB\n  serve ", ""},
		"server":         {2, "", "extractor: there is no verb \"server\"\nusage: extractor VERB\n  serve "},
		"serve now":      {2, "", "extractor: too many arguments for serve\nusage: extractor VERB\n  serve "},
		"adopt":          {2, "", "extractor: too few arguments for adopt\nusage: extractor VERB\n  adopt    NUMBER "},
		"adopt 7 secret": {2, "", "extractor: too many arguments for adopt\nusage: extractor VERB\n  adopt    NUMBER "},
	} {
		var out, log bytes.Buffer
		m := &Main{Out: &out, Err: &log}
		if status := m.Run(t.Context(), strings.Fields(line)); status != want.status {
			t.Errorf("%q: status %d, want %d", line, status, want.status)
		}
		if !begins(out.String(), want.out) || !begins(log.String(), want.err) {
			t.Errorf("%q: prints %q and complains %q", line, &out, &log)
		}
	}
}

// begins reports whether text begins so, and is nothing where nothing is wanted.
func begins(text, so string) bool {
	return strings.HasPrefix(text, so) && (text == "") == (so == "") && !strings.Contains(text, "secret")
}

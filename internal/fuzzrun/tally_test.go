package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTallyAddsUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fuzz.md")
	if err := os.WriteFile(path, []byte("# Fuzzing\n\nBefore | it.\n\n## Tally\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := note(path, map[string]entry{"a/b.FuzzX": {10 * time.Second, 999}, "c.FuzzY": {10 * time.Second, 1_234_567}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := note(path, map[string]entry{"a/b.FuzzX": {time.Hour, 2}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Before | it.\n\n## Tally\n", "\n| a/b.FuzzX | 3,620 | 2,000 |\n| c.FuzzY | 20 | 2,469,134 |\n", "Together: 2,471,134 inputs in 3,640 seconds, by 2 targets.\n"} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("%q is not in it once:\n%s", want, text)
		}
	}
	if err := note(filepath.Join(t.TempDir(), "none.md"), nil); err == nil {
		t.Error("a document that is not there was written")
	}
}

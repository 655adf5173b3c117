package hostapitest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// AddsUp holds each golden result that matches one of the patterns against the
// invariant of all hosts: the four amounts are what was charged, or the item says
// for review that they are not.
func AddsUp(t *testing.T, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no golden results at %s: %v", pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var golden result
			if err := json.Unmarshal(b, &golden); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, it := range golden.Items {
				if !it.addsUp() {
					t.Errorf("%s: %s %s is not what was charged, and nobody is told", name, it.Kind, it.Key)
				}
			}
		}
	}
}

// addsUp is the invariant. What is not sent need not hold to it.
func (it *itemOf) addsUp() bool {
	switch {
	case it.Skip+it.Refused != "":
		return true
	case it.Sale == nil:
		return false
	}
	return it.Charged != nil && *it.Charged == it.Sale.Total() || it.Sale.ReviewMessage != ""
}

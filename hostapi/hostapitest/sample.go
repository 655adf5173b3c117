package hostapitest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples are what vendors published and what was recorded of them, beside the
// repository. They are not part of the project.
const samples = "../../../shared/data/hosts"

// Sample reads one by its path there. Where it is absent, the test says so and skips.
func Sample(t testing.TB, path ...string) []byte {
	t.Helper()
	name := filepath.Join(append([]string{samples}, path...)...)
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		t.Skipf("the vendors' samples lie outside the repository, and this one is not there: %s", filepath.Join(path...))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Samples are the paths of all that match a pattern there. Where there are none,
// the test says so and skips.
func Samples(t testing.TB, pattern ...string) (paths []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(append([]string{samples}, pattern...)...))
	if err != nil || len(names) == 0 {
		t.Skipf("the vendors' samples lie outside the repository, and these are not there: %s", filepath.Join(pattern...))
	}
	for _, name := range names {
		paths = append(paths, strings.TrimPrefix(name, samples+"/"))
	}
	return paths
}

// SampleJSON is Sample, decoded into out.
func SampleJSON(t testing.TB, out any, path ...string) []byte {
	t.Helper()
	b := Sample(t, path...)
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return b
}

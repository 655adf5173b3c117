package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddingAHostTouchesItsFolderAndOneLine takes each host away, its folder
// and its line in adapters.go with the import, and builds what is left: nothing
// else knows of it.
func TestAddingAHostTouchesItsFolderAndOneLine(t *testing.T) {
	t.Parallel()
	for name := range hostConfigs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", without(t, name), "-o", os.DevNull, ".")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("the rest does not build without %s: %v\n%s", name, err, out)
			}
		})
	}
}

// without makes an overlay in which a host was never added.
func without(t *testing.T, name string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{filepath.Join(here, "adapters.go"): adaptersWithout(t, name)}
	files, err := filepath.Glob(filepath.Join(here, "hostapi", name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("hostapi/%s holds no code: %v", name, err)
	}
	for _, file := range files {
		replace[file] = "" // not there
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	return put(t, "overlay.json", string(text))
}

// adaptersWithout is adapters.go without a host's import and its one line.
func adaptersWithout(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("adapters.go")
	if err != nil {
		t.Fatal(err)
	}
	var rest []string
	all := strings.Split(string(text), "\n")
	for _, line := range all {
		words := strings.TrimSpace(line)
		if words != `"extractor/hostapi/`+name+`"` && !strings.HasPrefix(words, `"`+name+`":`) {
			rest = append(rest, line)
		}
	}
	if gone := len(all) - len(rest); gone != 2 {
		t.Fatalf("%s has %d lines in adapters.go, want its import and one line", name, gone)
	}
	return put(t, "adapters.go", strings.Join(rest, "\n"))
}

// put writes a file of the test's own.
func put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

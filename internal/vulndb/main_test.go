package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDatabaseIsIndexedByModule(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"GO-2024-0002.json": `{"id":"GO-2024-0002","modified":"2024-05-02T00:00:00Z","affected":[{"package":{"name":"b.example/x"}},{"package":{"name":"stdlib"}},{"package":{"name":"stdlib"}}]}`,
		"GO-2024-0001.json": `{"id":"GO-2024-0001","modified":"2024-06-02T00:00:00Z","aliases":["CVE-1"],"affected":[{"package":{"name":"stdlib"}}]}`,
		"readme.json":       `no entry`,
	} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := build(from, to); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for name, want := range map[string]string{
		"index/db.json": `{"modified":"2024-06-02T00:00:00Z"}`,
		"index/modules.json": `[{"path":"b.example/x","vulns":[{"id":"GO-2024-0002","modified":"2024-05-02T00:00:00Z"}]},` +
			`{"path":"stdlib","vulns":[{"id":"GO-2024-0001","modified":"2024-06-02T00:00:00Z"},{"id":"GO-2024-0002","modified":"2024-05-02T00:00:00Z"}]}]`,
		"index/vulns.json": `[{"id":"GO-2024-0001","modified":"2024-06-02T00:00:00Z","aliases":["CVE-1"]},{"id":"GO-2024-0002","modified":"2024-05-02T00:00:00Z"}]`,
	} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s, %v", name, got, want, err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "ID", "GO-2024-0001.json")); err != nil {
		t.Error(err)
	}
	if _, err := build(t.TempDir(), to); err == nil {
		t.Error("an empty source makes a database that knows nothing")
	}
}

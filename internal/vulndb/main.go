// Vulndb makes the Go vulnerability database from its source, which is a Go
// module, in the layout that govulncheck reads from a folder. It is for
// machines that reach a module proxy and not the public database; the newest
// entries may be some days older than there.
//
//	go run ./internal/vulndb -out .tools/vulndb
//	govulncheck -db file://$PWD/.tools/vulndb ./...
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is where the entries are written by hand, and released from.
const source = "golang.org/x/vulndb@latest"

func main() {
	out := flag.String("out", ".tools/vulndb", "the folder to make")
	flag.Parse()
	n, version, err := run(*out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulndb: "+err.Error())
		os.Exit(1)
	}
	fmt.Printf("%d known vulnerabilities, of %s\n", n, version)
}

func run(out string) (entries int, version string, err error) {
	module, err := download(context.Background())
	if err != nil {
		return 0, "", err
	}
	entries, err = build(filepath.Join(module.Dir, "data", "osv"), out)
	return entries, module.Version, err
}

// module is what the go command says of a module that it has.
type module struct{ Dir, Version, Error string }

// download fetches the source, outside our own module so that go.mod stays as it is.
func download(ctx context.Context) (m module, err error) {
	dir, err := os.MkdirTemp("", "vulndb")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module none\n"), 0o600); err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", source)
	cmd.Dir = dir
	said, failed := cmd.Output() // the reason is in what it says
	if err := json.Unmarshal(said, &m); err != nil {
		return m, errors.Join(failed, err)
	}
	if m.Error != "" {
		return m, errors.New(m.Error)
	}
	return m, failed
}

// entry is what the indexes need of a vulnerability.
type entry struct {
	ID       string   `json:"id"`
	Modified string   `json:"modified"`
	Aliases  []string `json:"aliases,omitempty"`
	Affected []struct {
		Package struct{ Name string }
	} `json:"affected,omitempty"`
}

// listed is a vulnerability in the index of a module.
type listed struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
}

// build writes the database: https://go.dev/doc/security/vuln/database#api
func build(from, out string) (int, error) {
	entries, err := copyEntries(from, filepath.Join(out, "ID"))
	if err != nil {
		return 0, err
	}
	modified, modules := "", map[string][]listed{}
	for _, e := range entries {
		modified = max(modified, e.Modified)
		for _, path := range e.modules() {
			modules[path] = append(modules[path], listed{e.ID, e.Modified})
		}
	}
	type indexed struct {
		Path  string   `json:"path"`
		Vulns []listed `json:"vulns"`
	}
	byPath := []indexed{}
	for path, vulns := range modules {
		byPath = append(byPath, indexed{path, vulns})
	}
	slices.SortFunc(byPath, func(a, b indexed) int { return strings.Compare(a.Path, b.Path) })
	for i := range entries {
		entries[i].Affected = nil
	}
	index := filepath.Join(out, "index")
	return len(entries), errors.Join(os.MkdirAll(index, 0o750), write(index, "db.json", map[string]string{"modified": modified}),
		write(index, "modules.json", byPath), write(index, "vulns.json", entries))
}

// modules are those that are affected, each once.
func (e *entry) modules() (paths []string) {
	for _, a := range e.Affected {
		if !slices.Contains(paths, a.Package.Name) {
			paths = append(paths, a.Package.Name)
		}
	}
	return paths
}

// copyEntries copies the entries and reads them, in the order of their names.
func copyEntries(from, to string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(from, "GO-*.json"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("there is no entry in %s", from))
	}
	if err := errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o750)); err != nil {
		return nil, err
	}
	entries := make([]entry, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = errors.Join(json.Unmarshal(text, &entries[i]), os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o600))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return entries, nil
}

func write(dir, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o600)
}

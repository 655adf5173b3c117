package main

import (
	"path/filepath"
	"testing"
)

// ownServer is a Postgres that no other test has.
func ownServer(t *testing.T) *server {
	t.Helper()
	t.Setenv(folderVariable, filepath.Join(t.TempDir(), "postgres"))
	pg, err := startServer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.close(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

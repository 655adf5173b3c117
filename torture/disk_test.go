package main

import (
	"testing"
	"time"
)

// TestAFullDiskStopsPostgresUntilThereIsRoom: of what grows a table first, then
// of everything.
func TestAFullDiskStopsPostgresUntilThereIsRoom(t *testing.T) {
	pg := ownServer(t)
	if pg.disk.folder == "" {
		t.Skip("no file system can be mounted here, which takes root")
	}
	s := &stage{pg: pg, store: pg.admin}
	const grow = `INSERT INTO grown SELECT repeat(md5(n::text), 20) FROM generate_series(1, 50000) n`
	if err := pg.exec(t.Context(), `CREATE TABLE IF NOT EXISTS grown (t text)`); err != nil {
		t.Fatal(err)
	}
	makeRoom := diskFull(false)(t.Context(), s, step{}, nil)
	if _, err := pg.admin.Exec(t.Context(), grow); err == nil {
		t.Error("a table grows on a full disk")
	}
	makeRoom()
	makeRoom = diskFull(true)(t.Context(), s, step{}, nil)
	time.Sleep(500 * time.Millisecond)
	if err := pg.admin.Ping(t.Context()); err == nil {
		t.Error("Postgres lives without its WAL")
	}
	makeRoom()
	if _, err := pg.admin.Exec(t.Context(), grow); err != nil || len(s.problems) > 0 {
		t.Errorf("with room again: %v; %v", err, s.problems)
	}
}

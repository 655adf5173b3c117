package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/localpg"
)

// server is the Postgres that both contestants write to.
type server struct {
	address string
	admin   *pgx.Conn
	root    int // its main process
	stop    func() error
}

// privateFolder is where the server keeps its files, unless DATABASE_URL names one.
const privateFolder = ".postgres/bench"

func startServer(ctx context.Context) (s *server, err error) {
	s = &server{}
	s.address, s.stop, err = localpg.Start(ctx, localpg.Options{URL: os.Getenv("DATABASE_URL"), Dir: privateFolder, Log: os.Stderr})
	if err != nil {
		return nil, err
	}
	if s.admin, err = pgx.Connect(ctx, s.address); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if s.root, err = s.findRoot(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *server) close() error {
	return errors.Join(s.admin.Close(context.Background()), s.stop())
}

// findRoot finds the server's main process: the parent of the one that serves us.
func (s *server) findRoot(ctx context.Context) (int, error) {
	var pid int
	if err := s.admin.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return 0, err
	}
	backend, err := statOf(pid)
	if err != nil {
		return 0, fmt.Errorf("the Postgres has to run on this machine, and this on Linux: %w", err)
	}
	return backend.parent, nil
}

// cpu is what the server has used so far.
func (s *server) cpu() (time.Duration, error) { return treeCPU(s.root) }

// settings are those that decide how fast a Postgres writes.
func (s *server) settings(ctx context.Context) (map[string]string, error) {
	rows, err := s.admin.Query(ctx, `SELECT name, setting || coalesce(' × ' || unit, '') FROM pg_settings
		WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size') ORDER BY name`)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		all[name] = value
		return nil
	})
	return all, err
}

// scratch makes an empty database; drop removes it. Before it is used, what
// earlier turns left to be written is written.
func (s *server) scratch(ctx context.Context, name string) (address string, drop func() error, err error) {
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name, "CHECKPOINT"} {
		if _, err := s.admin.Exec(ctx, sql); err != nil {
			return "", nil, err
		}
	}
	u, err := url.Parse(s.address)
	if err != nil {
		return "", nil, errors.New("DATABASE_URL is not an address")
	}
	u.Path = "/" + name
	return u.String(), func() error {
		_, err := s.admin.Exec(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
		return err
	}, nil
}

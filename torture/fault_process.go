package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// freezeFault is the zombie: a process that stands still for longer than its
// leases, while others take its work over, and then goes on as if nothing were.
const freezeFault = "freeze beyond the lease"

// freezeTime is how long: the lease is 5 s at the pace of the torture build.
const freezeTime = 5500 * time.Millisecond

var processFaults = []trouble{
	{"kill -9", sideProcess, "1", 9, func(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
		if !s.dynos[r.IntN(len(s.dynos))].kill() {
			return nil
		}
		return nothing // the platform starts the next one
	}},
	{"SIGTERM", sideProcess, "2", 5, func(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
		if err := s.dynos[r.IntN(len(s.dynos))].term(false); err != nil {
			s.problem("%v", err)
		}
		return nothing
	}},
	{freezeFault, sideProcess, "3", 5, freeze(freezeTime)},
	{"nobody reads the log", sideLog, "44", 4, stallLogs},
	{"freeze for a moment", sideProcess, "3", 4, freeze(0)},
}

func freeze(least time.Duration) func(context.Context, *stage, step, *rand.Rand) func() {
	return func(ctx context.Context, s *stage, _ step, r *rand.Rand) func() {
		d := s.dynos[r.IntN(len(s.dynos))]
		if !d.signal(syscall.SIGSTOP) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(least):
		}
		return func() { d.signal(syscall.SIGCONT) }
	}
}

var postgresFaults = []trouble{
	{"Postgres: immediate restart", sidePostgres, "5", 4, crash(syscall.SIGQUIT)},
	{"Postgres: kill -9", sidePostgres, "5", 2, crash(syscall.SIGKILL)},
	{"Postgres: sessions cut", sidePostgres, "5", 3, func(ctx context.Context, s *stage, _ step, r *rand.Rand) func() {
		if s.cutSessions(ctx, r.IntN(3)) != nil {
			return nil
		}
		return nothing
	}},
	{"Postgres: no connection left", sidePostgres, "6", 3, takeConnections},
	{"Postgres: locks held", sidePostgres, "8", 2, holdLocks},
	{"Postgres: clock put back, and forth again", sidePostgres, "12", 4, jumpBack},
	{"Postgres: disk full", sidePostgres, "9", 3, diskFull(false)},
	{"Postgres: disk full, for its WAL too", sidePostgres, "9", 3, diskFull(true)},
}

// cutSessions ends a third of the processes' sessions.
func (s *stage) cutSessions(ctx context.Context, third int) error {
	_, err := s.store.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = $1 AND pid <> pg_backend_pid() AND application_name LIKE 'extractor%' AND pid % 3 = $2`, s.db, third)
	return err
}

const (
	// mostConnections is above what Postgres has, and connectTime bounds one try.
	mostConnections = 300
	connectTime     = 2 * time.Second
)

// takeConnections takes all connections that Postgres has left for a while, some
// of the processes' own among them.
func takeConnections(ctx context.Context, s *stage, _ step, r *rand.Rand) func() {
	if s.cutSessions(ctx, r.IntN(3)) != nil {
		return nil
	}
	var taken []*pgx.Conn
	for len(taken) < mostConnections {
		try, cancel := context.WithTimeout(ctx, connectTime)
		conn, err := pgx.Connect(try, s.pg.database(s.db, ""))
		cancel()
		if err != nil {
			break // none is left, or Postgres has another fault just now
		}
		taken = append(taken, conn)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerPatience)
		defer cancel()
		for _, conn := range taken {
			_ = conn.Close(ctx)
		}
	}
}

// crash restarts Postgres; one crash at a time.
func crash(signal syscall.Signal) func(context.Context, *stage, step, *rand.Rand) func() {
	return func(ctx context.Context, s *stage, _ step, _ *rand.Rand) func() {
		if !s.crashing.TryLock() {
			return nil
		}
		defer s.crashing.Unlock()
		if err := s.pg.crash(context.WithoutCancel(ctx), signal); err != nil {
			s.problem("restarting Postgres: %v", err)
		}
		return nothing
	}
}

// holdLocks keeps rows of lanes from everyone for a while.
func holdLocks(ctx context.Context, s *stage, at step, r *rand.Rand) func() {
	ctx, cancel := context.WithTimeout(ctx, at.long+time.Second)
	tx, err := s.store.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, `SELECT 1 FROM lanes WHERE id % 2 = $1 FOR UPDATE`, r.IntN(2))
	}
	if err != nil {
		cancel()
		return nil
	}
	return func() {
		defer cancel()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerPatience)
		defer cancel()
		_ = tx.Rollback(ctx)
	}
}

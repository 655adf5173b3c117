package main

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestAShiftedClockHoldsThroughSignals: sessions that wait for one row ask for
// the time in handlers of signals, which made them hang or crash with libfaketime.
func TestAShiftedClockHoldsThroughSignals(t *testing.T) {
	pg := ownServer(t)
	if pg.clock.library == "" {
		t.Skip("no gcc is installed: the clock of Postgres cannot be shifted")
	}
	if _, err := pg.shift(t.Context(), -jump); err != nil {
		t.Fatal(err)
	}
	if err := pg.exec(t.Context(), `CREATE TABLE IF NOT EXISTS one (n int)`, `INSERT INTO one VALUES (0)`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := jostle(t.Context(), pg, 4*time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// jostle changes a row that others want too, and asks for the time.
func jostle(ctx context.Context, pg *server, long time.Duration) error {
	conn, err := pg.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SET statement_timeout = '15s'; SET deadlock_timeout = '5ms'`); err != nil {
		return err
	}
	for until := time.Now().Add(long); time.Now().Before(until); {
		if _, err := conn.Exec(ctx, `UPDATE one SET n = n + 1`); err != nil {
			return err
		}
		for range 4 {
			var at time.Time
			if err := conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
				return err
			}
		}
	}
	return nil
}

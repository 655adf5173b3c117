package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// All due times and leases go by the database's clock, and all times are in
// tables: time passes when all of them are moved back.

// pass lets time pass: what was written lies that much further back. Nothing is
// under way meanwhile; what comes due is worked on before it returns.
func (s *stage) pass(d time.Duration) {
	s.t.Helper()
	s.rest()
	d += rand.N(time.Second) // #nosec G404 -- keeps whole minutes of before and after apart, where they are keys
	s.eventually(30*time.Second, func() string {
		if err := pgx.BeginFunc(s.t.Context(), s.store.Pool, func(tx pgx.Tx) error { return s.moveBack(tx, d) }); err != nil {
			return err.Error() // a deadlock with the sweep
		}
		return ""
	})
	s.passed += d
	s.rest()
}

// now is the time since the stage was opened, on the clock that is moved.
func (s *stage) now() time.Duration { return s.passed + time.Since(s.opened) }

// moveBack moves every time in our tables, and in River's of jobs.
func (s *stage) moveBack(tx pgx.Tx, d time.Duration) error {
	rows, err := tx.Query(s.t.Context(), `SELECT format('UPDATE %I SET %s', table_name, string_agg(format('%1$I = %1$I - $1::interval', column_name), ', '))
		FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone'
			AND (table_name NOT LIKE 'river%' OR table_name = 'river_job') AND table_name NOT LIKE 'goose%'
		GROUP BY table_name ORDER BY table_name`)
	if err != nil {
		return err
	}
	updates, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, sql := range updates {
		if _, err := tx.Exec(s.t.Context(), sql, d); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// rest waits until nothing is due and nothing is under way.
func (s *stage) rest() {
	s.t.Helper()
	s.eventually(60*time.Second, func() string {
		return s.dump(`SELECT 'a lane is worked on: ' || kind FROM lanes WHERE leased_until > now()
			UNION ALL SELECT 'a lane is due: ' || l.kind FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.active, service v
				WHERE l.due_at <= now() AND v.enabled AND v.pause = ''
			UNION ALL SELECT 'a job waits: ' || kind FROM river_job WHERE state IN ('available', 'running')
			UNION ALL SELECT 'the housekeeping is due' FROM service WHERE care_at <= now()
			UNION ALL SELECT 'no worker lives' WHERE NOT EXISTS (SELECT 1 FROM workers WHERE seen_at > now() - interval '10 seconds')`)
	})
}

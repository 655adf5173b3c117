package extractor

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"extractor/internal/pgtest"
)

func TestWorkersSayThatTheyLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.Timing.Beat = 10 * time.Millisecond
	w.exec(`INSERT INTO workers VALUES (gen_random_uuid(), now(), now() - interval '25 hours')`)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	w.until("it lives", `SELECT count(*) = 1 AND bool_and(seen_at > started_at) FROM workers`) // and the old one is forgotten
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	crew, err := w.Store.Crew(t.Context())
	if err != nil || crew.Alive != 1 || crew.Missing() != "" {
		t.Errorf("%+v, %v: a worker that is started anew alarms nobody", crew, err)
	}
	w.exec(`UPDATE workers SET seen_at = now() - interval '36 seconds'`)
	if crew, err = w.Store.Crew(t.Context()); err != nil || crew.Alive != 0 || crew.Missing() == "" {
		t.Errorf("%+v, %v", crew, err)
	}
}

func TestMissingWorkersAreToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	told := `SELECT count(*) FROM failures WHERE type = 'SYSTEM' AND message LIKE 'No worker has ever run%'`
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	watch(ctx, w.Store, 10*time.Millisecond, time.Hour)
	expect(t, "told while processes start", w.one(told), "0")
	w.exec(`UPDATE service SET enabled = false`)
	if err := w.Store.TellMissing(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "told while switched off", w.one(told), "0")
	w.exec(`UPDATE service SET enabled = true`)
	look := func() {
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer stop()
		watch(ctx, w.Store, 10*time.Millisecond, 0)
	}
	looking, end := context.WithCancel(t.Context())
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		watch(looking, w.Store, 10*time.Millisecond, 0)
	}()
	w.until("told", `SELECT count(*) > 0 FROM failures`)
	time.Sleep(100 * time.Millisecond) // for more looks
	end()
	<-looked
	w.until("the last look, which was cut off, has ended", `SELECT count(*) = 0 FROM pg_stat_activity
		WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`)
	expect(t, "told", w.one(told), "1")
	w.exec(`DELETE FROM failures`)
	if err := w.Store.Beat(t.Context(), uuid.New()); err != nil {
		t.Fatal(err)
	}
	look()
	expect(t, "told while one lives", w.one(`SELECT count(*) FROM failures`), "0")
}

// TestDatabaseThatCouldNotBeUsedIsToldOnceItCan, and however many processes saw it.
func TestDatabaseThatCouldNotBeUsedIsToldOnceItCan(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	w := &world{Engine: &Engine{Options: Options{Store: store}}, t: t}
	w.exec(`ALTER TABLE workers RENAME TO away`)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 3 {
		go watch(ctx, store, 10*time.Millisecond, 0)
	}
	time.Sleep(100 * time.Millisecond)
	expect(t, "told too early", w.one(`SELECT count(*) FROM failures`), "0")
	w.exec(`ALTER TABLE away RENAME TO workers`)
	w.until("told", `SELECT count(*) > 0 FROM failures WHERE message LIKE 'Our own database could not be used%'`)
}

// until waits for the database to say yes.
func (w *world) until(what, sql string) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); w.one(sql) != "true"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not %s: %s", what, sql)
		}
	}
}

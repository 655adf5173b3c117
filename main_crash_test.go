package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"extractor/internal/pgtest"
	"extractor/sandbox"
)

// asWorker makes this test program a worker process; see TestMain.
const asWorker = "EXTRACTOR_TEST_WORKER"

// workAsProcess is a worker with the tests' timers, until SIGTERM or worse.
func workAsProcess() int {
	var c Config
	if err := load(&c.Database, &c.Keys, &c.Engine); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	timing := swift
	timing.Lease = 3 * time.Second // what a kill costs here
	ctx := untilSignal()
	s, err := open(ctx, &c, timing)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.close()
	if err := s.engine.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// workerProcess is a worker process of its own.
type workerProcess struct {
	cmd *exec.Cmd
	log bytes.Buffer
}

func (s *stage) worker() *workerProcess {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &workerProcess{cmd: exec.CommandContext(context.WithoutCancel(s.t.Context()), program)}
	p.cmd.Env = append(os.Environ(), asWorker+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill() // a failed test leaves nothing behind
			_ = p.cmd.Wait()
		}
	})
	return p
}

// end sends a signal, waits, and says how long it took.
func (p *workerProcess) end(sig syscall.Signal) (time.Duration, error) {
	begin := time.Now()
	if err := p.cmd.Process.Signal(sig); err != nil {
		return 0, err
	}
	err := p.cmd.Wait()
	return time.Since(begin), err
}

// TestKilledWorkersLoseAndRepeatNothing sends ten thousand orders through two
// worker processes that are killed in the middle of their work, while merchants
// refund, cancel and edit.
func TestKilledWorkersLoseAndRepeatNothing(t *testing.T) {
	const orders, kills = 10_000, 3
	s := &stage{t: t, db: pgtest.URL(t)}
	s.raise(sandbox.Config{})
	t.Setenv("WORKERS", "0")
	s.open()
	s.host("/control/orders", map[string]any{"account": "shop-1", "count": orders, "from": days(5), "seed": 11,
		"mix": map[string]int{"refunded": 3, "partly": 5, "cancelled": 3, "test": 1, "pending": 1}})
	s.connect("c", "shop-1", days(40))
	workers := []*workerProcess{s.worker(), s.worker()}
	truth := s.world.Host.Truth("shop-1")
	for kill := range kills {
		s.delivered((kill + 1) * orders / 8)
		if _, err := workers[kill%2].end(syscall.SIGKILL); err == nil {
			t.Fatal("a killed process ended well")
		}
		workers[kill%2] = s.worker()
		s.disturb(truth[kill*1000 : kill*1000+300])
	}
	s.eventually(90*time.Second, func() string { return s.settled("shop-1", "c") })
	// A batch whose answer died with its worker is sent again, which changes
	// nothing; nothing else may be.
	if n := s.repeats("c"); n > kills*1000 {
		t.Errorf("%d items were sent again without need", n)
	}
	for _, w := range workers {
		took, err := w.end(syscall.SIGTERM)
		if err != nil || took > drainLimit {
			t.Errorf("SIGTERM: %v after %s\n%s", err, took, w.log.String())
		}
	}
	if stats := s.world.TrustFile.Stats()["c"]; stats.MaxInFlight > 1 {
		t.Errorf("%d requests at once", stats.MaxInFlight)
	}
}

// delivered waits until TrustFile was given so many items.
func (s *stage) delivered(n int) {
	s.t.Helper()
	s.eventually(60*time.Second, func() string {
		if have := s.world.TrustFile.Stats()["c"].Items; have < n {
			return fmt.Sprint(have, " items are there")
		}
		return ""
	})
}

// disturb refunds, cancels and edits orders.
func (s *stage) disturb(orders []sandbox.Truth) {
	s.t.Helper()
	i := 0
	for _, o := range orders {
		if o.Status != "paid" || len(o.Expected) != 1 {
			continue
		}
		switch i++; i % 4 {
		case 0:
			s.host("/control/orders/"+o.ID+"/refund", map[string]any{})
		case 1:
			s.host("/control/orders/"+o.ID+"/cancel", map[string]any{})
		case 2:
			s.host("/control/orders/"+o.ID+"/edit", map[string]any{})
		}
	}
}

// TestTermedWorkerEndsInTimeAndLosesNothing is what the platform does daily.
func TestTermedWorkerEndsInTimeAndLosesNothing(t *testing.T) {
	s := &stage{t: t, db: pgtest.URL(t)}
	s.raise(sandbox.Config{})
	t.Setenv("WORKERS", "0")
	s.open()
	s.orders("shop-1", 3000)
	s.trustFile("/control/faults", map[string]any{"kind": "slow", "delayMs": 500})
	s.connect("c", "shop-1", days(40))
	for range 3 {
		w := s.worker()
		s.eventually(30*time.Second, func() string {
			if s.dump(`SELECT 1::text FROM lanes WHERE leased_until > now()`) == "" {
				return "the worker does not begin"
			}
			return ""
		})
		took, err := w.end(syscall.SIGTERM)
		if err != nil || took > drainLimit {
			t.Errorf("%v after %s\n%s", err, took, w.log.String())
		}
		var running int
		if err := s.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state = 'running'`).Scan(&running); err != nil || running > 0 {
			t.Errorf("%d jobs left running, %v", running, err)
		}
	}
	s.trustFile("/control/faults", map[string]any{})
	s.worker()
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
	if n := s.repeats("c"); n > 0 {
		t.Errorf("%d items were sent again without need", n)
	}
}

// TestNothingSecretOrPersonalLeaks plants nothing: it takes the secrets and the
// customers' data that really passed, and looks for them where they must not be.
func TestNothingSecretOrPersonalLeaks(t *testing.T) {
	log := captureLog(t)
	s := newStage(t, sandbox.Config{TokenLife: 2 * time.Second})
	const id = "capability-5b1c9f"
	s.orders("shop-1", 300)
	bad := s.world.Host.Truth("shop-1")[7].ID
	s.trustFile("/control/faults", map[string]any{"kind": "400", "items": []string{bad}, "count": 1})
	s.trustFile("/control/faults", map[string]any{"kind": "timeout", "count": 1, "delayMs": 20})
	s.connect(id, "shop-1", days(40))
	for _, kind := range []string{"500", "torn", "429", "html", "cut"} {
		s.host("/control/faults", map[string]any{"kind": kind, "count": 1})
	}
	secrets := append(s.tokens(id), sandboxToken, s.world.Token(), s.world.ClientSecret(), pgtest.Keys, "theirs")
	s.eventually(30*time.Second, func() string {
		if len(s.world.TrustFile.Items(id)) < 299 {
			return "not delivered yet"
		}
		return ""
	})
	before := s.tokens(id)
	s.eventually(30*time.Second, func() string {
		if slices.Equal(s.tokens(id), before) {
			return "the token was not refreshed"
		}
		return ""
	})
	secrets = append(secrets, s.tokens(id)...)
	s.host("/control/faults", map[string]any{"kind": "revoked", "account": "shop-1"})
	s.eventually(30*time.Second, func() string {
		if !strings.Contains(s.failures("connection"), "no longer lets us in") {
			return "not noticed"
		}
		return ""
	})
	personal := s.customers()
	s.absent("the log", log.String(), append(append(secrets, personal...), id))
	s.absent("jobs, failures, activities and status", s.dump(`SELECT j.args::text || coalesce(array_to_string(j.errors, ' '), '') FROM river_job j
		UNION ALL SELECT message FROM failures UNION ALL SELECT action FROM activities UNION ALL SELECT message || friendly_message FROM bad_items
		UNION ALL SELECT status_message FROM connections`), append(secrets, personal...))
	s.absent("the arguments of jobs", s.dump(`SELECT args::text FROM river_job`), []string{id})
	s.absent("the database", s.dumpAll(), secrets)
	for _, path := range []string{"/errors", "/connections/" + id + "/activities", "/health", "/connector", "/connections/" + id} {
		s.absent(path, s.body(path), append(secrets, personal...))
	}
	if len(personal) < 100 || len(secrets) < 8 || len(log.String()) < 1000 {
		t.Errorf("too little to look for or in: %d, %d, %d", len(personal), len(secrets), len(log.String()))
	}
}

// absent fails for each canary that text holds; it does not print it.
func (s *stage) absent(where, text string, canaries []string) {
	s.t.Helper()
	found := 0
	for i, c := range canaries {
		if c != "" && strings.Contains(text, c) {
			if found++; found <= 3 {
				at := strings.Index(text, c)
				s.t.Errorf("%s holds canary %d of %d, after %q", where, i, len(canaries), text[max(0, at-120):at])
			}
		}
	}
}

// tokens are the merchant's tokens as they are now.
func (s *stage) tokens(id string) []string {
	s.t.Helper()
	c, err := s.store.FindConnection(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := s.store.Token(s.t.Context(), c.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{token.Access, token.Refresh, token.Previous}
}

func (s *stage) dump(sql string) string {
	s.t.Helper()
	rows, err := s.store.Pool.Query(s.t.Context(), sql)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var text *string
		if err := rows.Scan(&text); err != nil {
			s.t.Fatal(err)
		}
		if text != nil {
			all.WriteString(*text + "\n")
		}
	}
	return all.String()
}

// dumpAll is every row of every table, with bytes as text where they are text.
func (s *stage) dumpAll() string {
	s.t.Helper()
	var all strings.Builder
	for name := range strings.Lines(s.dump(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)) {
		all.WriteString(s.dump(`SELECT t::text FROM ` + strings.TrimSpace(name) + ` t`))
	}
	all.WriteString(s.dump(`SELECT encode(access, 'escape') || encode(refresh, 'escape') FROM tokens`))
	return all.String()
}

func (s *stage) body(path string) string {
	s.t.Helper()
	var v any
	s.must(http.MethodGet, path, nil, &v)
	return fmt.Sprint(v)
}

// customers are e-mail addresses, telephone numbers and street lines of the
// shop's customers, as its API gives them.
func (s *stage) customers() (all []string) {
	s.t.Helper()
	granted, err := s.world.Host.Grant("shop-1")
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet,
		s.world.HostURL()+"/api/orders?limit=250&updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+granted.AccessToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Orders []struct {
			Customer        struct{ Email, Phone string }
			ShippingAddress struct{ Line1, Phone string }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		s.t.Fatal(err)
	}
	for _, o := range page.Orders {
		all = append(all, o.Customer.Email, o.Customer.Phone, o.ShippingAddress.Line1, o.ShippingAddress.Phone)
	}
	return all
}

// captureLog collects what is logged, at every level.
func captureLog(t *testing.T) *syncBuffer {
	t.Helper()
	before, log := slog.Default(), &syncBuffer{}
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"extractor/extractor"
	"extractor/internal/pgtest"
	"extractor/sandbox"
)

const (
	// shownWithin is how long a fault may go unseen from the first call that
	// meets it: a minute, less the 15 s for which answers are remembered.
	shownWithin = 45 * time.Second
	// clearWithin is how long the last trace of a fault may stay after its end:
	// the longest wait between two tries, and some.
	clearWithin = 20 * time.Minute
)

// lifelike is a stage with the timers of life, whose clock a test moves. Both
// neighbours are reached by wires that can be cut.
type lifelike struct {
	*stage
	toHost, toTarget *relay
}

func newLifelike(t *testing.T) *lifelike {
	t.Helper()
	s := &lifelike{stage: &stage{t: t, db: pgtest.URL(t)}}
	s.timing = extractor.Timing{Sweep: 20 * time.Millisecond, Beat: 20 * time.Millisecond}
	s.raise(sandbox.Config{})
	s.toHost = newRelay(t, strings.TrimPrefix(s.world.HostURL(), "http://"))
	s.toTarget = newRelay(t, strings.TrimPrefix(s.world.TrustFileURL(), "http://"))
	t.Setenv("SANDBOX_URL", s.toHost.through(s.world.HostURL()))
	t.Setenv("TRUSTFILE_ITEMS_URL", s.toTarget.through(s.world.ItemsURL()))
	t.Setenv("TRUSTFILE_APP_URL", s.toTarget.through(s.world.AppURL()))
	t.Setenv("SYNC_INTERVAL", "15m")
	s.open()
	s.orders("shop-1", 5)
	s.connect("c", "shop-1", days(40))
	s.rest()
	s.well("at the beginning")
	return s
}

// sight is all that the service says of its state.
type sight struct {
	health     map[string]string // status and description, by type
	errors     string
	connection string // its status message
	connector  string // its status message
	metrics    string
}

// look asks all of it. A service that was started this moment remembers no older answer.
func (s *lifelike) look() sight {
	s.t.Helper()
	handler, err := s.service.handler()
	if err != nil {
		s.t.Fatal(err)
	}
	get := func(path string) string {
		req := httptest.NewRequest(http.MethodGet, s.url+path, nil)
		req.Header.Set("Authorization", "Bearer "+sandboxToken)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code != http.StatusOK {
			s.t.Fatalf("%s: status %d: %s", path, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	seen := sight{health: map[string]string{}, errors: get("/errors"), connection: get("/connections/c"), connector: get("/connector"), metrics: get("/metrics")}
	for _, m := range regexp.MustCompile(`"type":"(\w+)","status":"(\w+)","description":"([^"]*)"`).FindAllStringSubmatch(get("/health"), -1) {
		seen.health[m[1]] = m[2] + " " + m[3]
	}
	if len(seen.health) != 3 {
		s.t.Fatalf("health: %v", seen.health)
	}
	return seen
}

// ill says what a sight lacks of a fault; "" = all is told.
func (f *fault) ill(seen sight) string {
	for kind, status := range f.health {
		if !strings.HasPrefix(seen.health[kind], status+" ") {
			return fmt.Sprint("health: ", seen.health)
		}
	}
	for name, at := range map[string]struct{ text, want string }{
		"errors": {seen.errors, f.errors}, "connection": {seen.connection, f.connection}, "connector": {seen.connector, f.connector},
	} {
		if !strings.Contains(at.text, at.want) {
			return fmt.Sprintf("%s lacks %q: %s", name, at.want, at.text)
		}
	}
	if !regexp.MustCompile(`(?m)^extractor_` + f.metric).MatchString(seen.metrics) {
		return fmt.Sprintf("metrics lack %s:\n%s", f.metric, seen.metrics)
	}
	return ""
}

// unwell says which trace of a fault a sight still has; "" = none. Errors are
// history and stay.
func unwell(seen sight) string {
	for kind, said := range seen.health {
		if said != "OK NOMINAL" {
			return fmt.Sprint(kind, ": ", said)
		}
	}
	if !strings.Contains(seen.connection, "are sent from Sandbox") || !strings.Contains(seen.connector, "The connector works.") {
		return seen.connection + seen.connector
	}
	for _, line := range []string{
		`connections{state="troubled"} 0`, `connections{state="throttled"} 0`, `connections{state="failing"} 0`,
		`connections{state="paused at host"} 0`, `connections{state="paused at target"} 0`, `service_stopped{reason="token refused"} 0`,
		`service_stopped{reason="target silent"} 0`, "target_failing_seconds 0", "items_bad 0", "items_pending 0", "workers_alive 1", "database_up 1",
	} {
		if !strings.Contains(seen.metrics, "\nextractor_"+line+"\n") {
			return fmt.Sprintf("metrics lack %s:\n%s", line, seen.metrics)
		}
	}
	return ""
}

// well waits, while time passes, until no trace of a fault is left, nothing is
// missing and nothing is unclear.
func (s *lifelike) well(when string) {
	s.t.Helper()
	begin := s.now()
	for {
		wrong := unwell(s.look())
		if wrong == "" {
			wrong = s.settled("shop-1", "c") + s.dump(`SELECT 'to be read back: ' || key FROM entries WHERE verify_after IS NOT NULL`)
		}
		if wrong == "" {
			s.t.Logf("%-28s clear after %s", when, (s.now() - begin).Round(time.Second))
			return
		}
		if s.now()-begin > clearWithin {
			s.t.Fatalf("%s, after %s: %s", when, clearWithin, wrong)
		}
		s.pass(30 * time.Second)
	}
}

// fault is what one neighbour can do to us, and how it shows.
type fault struct {
	name       string
	begin, end func(s *lifelike)
	health     map[string]string // by type
	errors     string            // part of
	connection string            // part of its status message
	connector  string            // part of its status message
	metric     string            // a pattern
}

const (
	hostSays   = "Sandbox does not answer as it should"
	targetSays = "TrustFile does not answer as it should"
	troubled   = `connections\{state="troubled"\} 1$`
	goesOn     = "The connector works."
)

// atHost is a fault of the sandbox host, and how a failing host shows.
func atHost(kind, door string, more ...any) fault {
	f := map[string]any{"kind": kind, "door": door}
	for i := 0; i < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return fault{
		name:   strings.TrimSpace("host " + kind + " " + door),
		begin:  func(s *lifelike) { s.host("/control/faults", f) },
		end:    func(s *lifelike) { s.host("/control/faults", map[string]any{}) },
		health: map[string]string{"hostSystem": "FAIL"}, errors: "Connection c: ", connection: hostSays, connector: goesOn, metric: troubled,
	}
}

// atTarget is a fault of the sandbox TrustFile, and how a failing target shows.
func atTarget(kind string, more ...any) fault {
	f := map[string]any{"kind": kind}
	for i := 0; i < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return fault{
		name:   "target " + kind,
		begin:  func(s *lifelike) { s.trustFile("/control/faults", f) },
		end:    func(s *lifelike) { s.trustFile("/control/faults", map[string]any{}) },
		health: map[string]string{"trustfile": "DEGRADED"}, errors: "Connection c: ", connection: targetSays, connector: targetSays, metric: `target_failing_seconds [1-9]`,
	}
}

// but is the fault with another appearance.
func (f fault) but(change func(*fault)) fault {
	change(&f)
	return f
}

// madeToWait is how a host shows that asks us to slow down.
func madeToWait(f *fault) {
	f.health, f.errors = map[string]string{"hostSystem": "DEGRADED"}, "Sandbox asks us to slow down"
	f.connection, f.metric = "Sandbox makes us wait", `connections\{state="throttled"\} 1$`
	began := f.begin
	f.begin = func(s *lifelike) { // a spell is told once
		s.change(`UPDATE connections SET throttled_until = NULL`)
		began(s)
	}
}

// tokenIsOld has the token endpoint asked, whose fault it is.
func tokenIsOld(f *fault) {
	began := f.begin
	f.begin = func(s *lifelike) { s.host("/control/faults", map[string]any{"kind": "expired"}); began(s) }
}

func faults() []fault {
	return []fault{
		atHost("down", "").but(func(f *fault) {
			f.begin, f.end = func(s *lifelike) { s.toHost.cut() }, func(s *lifelike) { s.toHost.mend() }
		}),
		atHost("500", ""), atHost("html", ""), atHost("torn", ""), atHost("cut", ""),
		atHost("429", "", "retryAfter", "40").but(madeToWait),
		atHost("429", "token", "retryAfter", "40").but(madeToWait).but(tokenIsOld),
		atHost("500", "token").but(tokenIsOld),
		atHost("revoked", "").but(func(f *fault) {
			f.end = func(s *lifelike) { s.authorise("c", "shop-1") } // by the merchant
			f.errors, f.connection, f.metric = "Sandbox no longer lets us in", "Sandbox no longer lets us in", `connections\{state="paused at host"\} 1$`
		}),
		atTarget("down").but(func(f *fault) {
			f.begin, f.end = func(s *lifelike) { s.toTarget.cut() }, func(s *lifelike) { s.toTarget.mend() }
		}),
		atTarget("500"), atTarget("html"),
		atTarget("429", "retryAfter", "40").but(func(f *fault) { // it is well, and says when we may come back
			f.health, f.errors, f.connection, f.connector = nil, "TrustFile asks us to slow down", "are sent from Sandbox", goesOn
			f.metric = `deliveries_total\{answer="throttled"\} [1-9]`
		}),
		atTarget("401").but(func(f *fault) {
			f.health = map[string]string{"trustfile": "FAIL", "connector": "FAIL"}
			f.errors, f.connection, f.connector = "TrustFile refuses our own token", "The whole connector is stopped", "Set the right EXTRACTOR_TO_AVALARA_TOKEN"
			f.metric = `service_stopped\{reason="token refused"\} 1$`
		}),
		atTarget("404").but(func(f *fault) {
			f.errors, f.connection, f.connector = "TrustFile does not know this connection", "TrustFile does not know this connection", goesOn
			f.metric = `connections\{state="paused at target"\} 1$`
		}),
		atTarget("413", "limit", 2).but(func(f *fault) { // mended at once, by smaller batches
			f.health, f.errors, f.connection, f.connector = nil, "", "are sent from Sandbox", goesOn
			f.metric = `deliveries_total\{answer="too large"\} [1-9]`
		}),
		atTarget("400", "dataPath", ".items").but(func(f *fault) { // it takes nothing, so all items are set aside, one by one
			f.end = func(s *lifelike) {
				s.trustFile("/control/faults", map[string]any{})
				s.must(http.MethodPost, "/connections/c/baditems/retry", nil, nil) // by a person
			}
			f.health, f.errors, f.connection, f.connector, f.metric = nil, "", "Some of them could not be sent as they are", goesOn, `items_bad [1-9]`
		}),
		{
			name:   "a fault of ours",
			begin:  func(s *lifelike) { s.change(`UPDATE connections SET settings = '[]'`) }, // which no code of ours writes
			end:    func(s *lifelike) { s.change(`UPDATE connections SET settings = '{}'`) },
			health: map[string]string{"connector": "DEGRADED"}, errors: "Connection c: Synchronising stopped at a fault of ours",
			connection: "a fault of ours", connector: "again and again", metric: `connections\{state="failing"\} 1$`,
		},
	}
}

// change writes into the database behind the service's back.
func (s *stage) change(sql string) {
	s.t.Helper()
	if _, err := s.store.Pool.Exec(s.t.Context(), sql); err != nil {
		s.t.Fatal(err)
	}
}

// TestEveryFaultOfANeighbourShowsAndClears plays faults one after the other.
// From the first call that meets one it shows within a minute wherever people
// look, and when it ends nothing is lost and no trace is left.
func TestEveryFaultOfANeighbourShowsAndClears(t *testing.T) {
	s := newLifelike(t)
	for i, f := range faults() {
		s.change(`DELETE FROM failures`) // what is told of this one counts
		f.begin(s)
		s.orders("shop-1", 6+i)
		s.change(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
		begin := s.now()
		for {
			s.pass(5 * time.Second)
			wrong := f.ill(s.look())
			if wrong == "" {
				break
			}
			if s.now()-begin > shownWithin {
				t.Fatalf("%s, after %s: %s", f.name, s.now()-begin, wrong)
			}
		}
		t.Logf("%-28s shown after %s", f.name, (s.now() - begin).Round(time.Second))
		f.end(s)
		s.well(f.name)
	}
}

// outage keeps a neighbour away for a week, while the merchant goes on selling.
func (s *lifelike) outage(wire *relay, daily func(day int, seen sight)) {
	s.t.Helper()
	wire.cut()
	for day := range 7 {
		s.orders("shop-1", 20+day)
		for range 4 {
			s.pass(6 * time.Hour)
		}
		daily(day, s.look())
	}
	wire.mend()
}

// mostWait is the longest wait between two tries of a lane that fails.
const mostWait = 15 * time.Minute

// patience fails when a lane that has work waits longer than it may: that many
// tries, four an hour for each lane, are all that an outage costs.
func (s *stage) patience() {
	s.t.Helper()
	late := s.dump(fmt.Sprintf(`SELECT kind || ' waits until ' || due_at FROM lanes WHERE failures > 0 AND due_at > now() + interval '%d seconds'`, int(mostWait.Seconds())))
	if late != "" {
		s.t.Error(late)
	}
}

func TestAWeekWithoutTheHost(t *testing.T) {
	s := newLifelike(t)
	s.outage(s.toHost, func(day int, seen sight) {
		s.patience()
		if !strings.HasPrefix(seen.health["hostSystem"], "FAIL ") || !strings.Contains(seen.connection, hostSays) {
			t.Errorf("day %d: %v, %s", day, seen.health, seen.connection)
		}
	})
	s.well("after a week")
	if n := s.repeats("c"); n > 0 {
		t.Errorf("%d items were sent again without need", n)
	}
}

// TestAWeekWithoutTheTarget: after an hour the service pauses itself, as the
// contract says; a harmless question every five minutes ends the pause.
func TestAWeekWithoutTheTarget(t *testing.T) {
	s := newLifelike(t)
	s.outage(s.toTarget, func(day int, seen sight) {
		if day > 0 && (!strings.HasPrefix(seen.health["connector"], "FAIL ") || !strings.Contains(seen.connector, "has not answered for an hour") ||
			!strings.Contains(seen.connection, "The whole connector is stopped")) {
			t.Errorf("day %d: %v, %s, %s", day, seen.health, seen.connector, seen.connection)
		}
		if late := s.dump(`SELECT 'the next probe is at ' || probe_at FROM service WHERE probe_at > now() + interval '5 minutes'`); late != "" {
			t.Error(late)
		}
	})
	s.well("after a week")
	if n := s.repeats("c"); n > 0 {
		t.Errorf("%d items were sent again without need", n)
	}
}

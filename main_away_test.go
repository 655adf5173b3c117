package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"extractor/internal/pgtest"
)

// toldWithin is how long people may wait to see that something is wrong, and
// that it is over.
const toldWithin = time.Minute

// processes are a web and a worker process as a platform runs them, with the
// timers of life, that reach their database by a wire that can be cut.
type processes struct {
	t           *testing.T
	environment []string
	url         string
	wire        *relay
	web, worker *running
}

func newProcesses(t *testing.T) *processes {
	t.Helper()
	port := freePort(t)
	p := &processes{t: t, url: "http://127.0.0.1:" + port}
	database, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	p.wire = newRelay(t, database.Host)
	p.environment = append(os.Environ(), "PATH="+buildProgram(t)+":"+os.Getenv("PATH"))
	for name, value := range wellFormed {
		p.environment = append(p.environment, name+"="+value)
	}
	p.environment = append(p.environment, "PORT="+port, "PUBLIC_URL=http://localhost", "WORKERS=0",
		"DATABASE_URL="+p.wire.through(database.String()), "AVALARA_TO_EXTRACTOR_TOKEN="+sandboxToken)
	p.web = shell(t, "extractor serve", p.environment)
	p.web.await(t, `"msg":"listening"`)
	return p
}

// work starts the worker process.
func (p *processes) work() {
	p.t.Helper()
	p.worker = shell(p.t, "extractor worker", p.environment)
	p.worker.await(p.t, `"msg":"working"`)
}

// get is the status and the body of an answer.
func (p *processes) get(path string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sandboxToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// shows waits until all the addresses show a text, each within a minute.
func (p *processes) shows(when string, texts map[string]string) {
	p.t.Helper()
	begin := time.Now()
	for {
		missing := ""
		for path, want := range texts {
			if status, body := p.get(path); !strings.Contains(fmt.Sprint(status, " ", body), want) {
				missing = fmt.Sprintf("%s lacks %q: %d %s", path, want, status, body)
			}
		}
		if missing == "" {
			p.t.Logf("%s: told after %s", when, time.Since(begin).Round(time.Second))
			return
		}
		if time.Since(begin) > toldWithin {
			p.t.Fatalf("%s, after %s: %s\n%s", when, toldWithin, missing, &p.web.log)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// connectorWell is what /health says of the connector itself when all is well.
const connectorWell = `{"type":"connector","status":"OK","description":"NOMINAL"}`

func (p *processes) isWell(when string) {
	p.t.Helper()
	p.shows(when, map[string]string{
		"/health": connectorWell, "/connector": "The connector works.", "/metrics": "extractor_workers_alive 1\n",
	})
}

// TestDeadAndMissingWorkersAreTold by a process that does not work itself.
func TestDeadAndMissingWorkersAreTold(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	p.shows("before the first worker", map[string]string{
		"/health": "No worker has ever run", "/connector": "Start one: the process extractor worker",
		"/metrics": "extractor_workers_alive 0\n",
	})
	p.work()
	p.isWell("with a worker")
	if err := p.worker.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.worker.cmd.Wait() // it was killed
	p.shows("after its death", map[string]string{
		"/health": `"status":"FAIL","description":"No worker has been heard of since`, "/connector": "Start one: the process extractor worker",
		"/errors": "No worker has been heard of since", "/metrics": "extractor_workers_alive 0\n",
	})
	p.work()
	p.isWell("with another worker")
}

// TestDatabaseThatWasAwayIsTold: while it is away nothing can be written, so it
// is told by what fails; afterwards there is a line of it.
func TestDatabaseThatWasAwayIsTold(t *testing.T) {
	t.Parallel()
	p := newProcesses(t)
	p.work()
	p.isWell("at the beginning")
	p.wire.cut()
	p.shows("without a database", map[string]string{
		"/health": "500 " + `{"message":"Unable to get statuses"}`, "/connector": "500 " + `{"message":"Unable to get status."}`,
		"/errors": "500 ", "/metrics": "extractor_database_up 0\n",
	})
	p.worker.await(t, "our database cannot be used")
	p.wire.mend()
	p.isWell("with its database")
	p.shows("afterwards", map[string]string{"/errors": "Our own database could not be used for a while", "/metrics": "extractor_database_up 1\n"})
	var all struct {
		Errors struct{ System []struct{ Message string } }
	}
	if _, body := p.get("/errors"); json.Unmarshal([]byte(body), &all) != nil || len(all.Errors.System) == 0 {
		t.Errorf("it is not a failure of the system: %s", body)
	}
	for name, process := range map[string]*running{"web": p.web, "worker": p.worker} {
		if err := process.stop(t); err != nil {
			t.Errorf("%s: %v\n%s", name, err, &process.log)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/pgtest"
	"extractor/models"
)

const (
	startLimit = 20 * time.Second // with the race detector's build beside it; the platform gives 60 s
	drainLimit = 25 * time.Second // the platform kills after 30 s
)

// TestProcfile does what the platform does: runs the release, then each process
// in a shell with a port of its own, then asks all of them to stop.
func TestProcfile(t *testing.T) {
	t.Parallel()
	commands := procfile(t)
	environment := append(os.Environ(), "PATH="+buildProgram(t)+":"+os.Getenv("PATH"), "PORT="+freePort(t))
	for name, value := range wellFormed {
		environment = append(environment, name+"="+value)
	}
	environment = append(environment, "PUBLIC_URL=http://localhost", "DATABASE_URL="+emptyDatabase(t), "WORKERS=0")

	release := shell(t, commands["release"], environment)
	if err := release.cmd.Wait(); err != nil {
		t.Fatalf("release: %v\n%s", err, &release.log)
	}
	web, worker := shell(t, commands["web"], environment), shell(t, commands["worker"], environment)
	awaitHealth(t, web, variable(environment, "PORT"))
	worker.await(t, `"msg":"working"`)
	for name, p := range map[string]*running{"web": web, "worker": worker} {
		if err := p.stop(t); err != nil {
			t.Errorf("%s: %v\n%s", name, err, &p.log)
		}
	}
}

// TestMigrateNeedsTheDatabaseAlone: the release phase must not depend on anything else.
func TestMigrateNeedsTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	p := shell(t, "extractor migrate", []string{"PATH=" + buildProgram(t) + ":" + os.Getenv("PATH"), "DATABASE_URL=" + emptyDatabase(t)})
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &p.log)
	}
}

// TestAnOldSchemaIsRefused: serve says what to do instead of failing later.
func TestAnOldSchemaIsRefused(t *testing.T) {
	setAll(t)
	t.Setenv("DATABASE_URL", emptyDatabase(t))
	var log bytes.Buffer
	m := &Main{Out: &log, Err: &log}
	if status := m.Run(t.Context(), []string{"worker"}); status != 1 || !strings.Contains(log.String(), "Run: extractor migrate") {
		t.Errorf("status %d: %s", status, &log)
	}
}

// TestAMissingKeyStopsTheStart: a key that something is still sealed with must
// not be missed only when a token is needed.
func TestAMissingKeyStopsTheStart(t *testing.T) {
	setAll(t)
	address := pgtest.URL(t)
	t.Setenv("DATABASE_URL", address)
	sealWith(t, address, pgtest.Keys)
	id, _, _ := strings.Cut(pgtest.Keys, ":")
	t.Setenv("ENCRYPTION_KEYS", "another:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	for _, verb := range []string{"serve", "worker"} {
		t.Setenv("PORT", freePort(t))
		var log bytes.Buffer
		m := &Main{Out: &log, Err: &log}
		if status := m.Run(t.Context(), []string{verb}); status != 1 {
			t.Errorf("%s: status %d", verb, status)
		}
		if lines := regexp.MustCompile(`(?m)^extractor: .*`).FindAllString(log.String(), -1); len(lines) != 1 ||
			!strings.Contains(lines[0], " "+id+".") || !strings.Contains(lines[0], "ENCRYPTION_KEYS") {
			t.Errorf("%s says %q", verb, lines)
		}
	}
}

// sealWith keeps a token that is sealed with a key.
func sealWith(t *testing.T, address, keys string) {
	t.Helper()
	sealer, err := models.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := models.OpenPool(t.Context(), address, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := models.NewStore(pool, sealer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.CreateConnection(t.Context(), models.NewConnection{ExternalID: "c", Host: "sandbox", StartDate: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutToken(t.Context(), c.ID, models.Token{Access: "a", Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
}

func procfile(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("Procfile")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, command, _ := strings.Cut(line, ": ")
		commands[name] = strings.TrimSpace(command)
	}
	for _, name := range []string{"release", "web", "worker"} {
		if commands[name] == "" {
			t.Fatalf("the Procfile has no %s", name)
		}
	}
	return commands
}

// buildProgram is a folder with the program in it.
func buildProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "extractor"), ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// emptyDatabase is a database without our tables.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	return url
}

func variable(environment []string, name string) string {
	value := ""
	for _, v := range environment {
		if n, text, _ := strings.Cut(v, "="); n == name {
			value = text
		}
	}
	return value
}

// running is a process of the Procfile.
type running struct {
	cmd *exec.Cmd
	log syncBuffer
}

// shell starts a command as the platform does.
func shell(t *testing.T, command string, environment []string) *running {
	t.Helper()
	p := &running{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", "exec "+command)}
	p.cmd.Env = environment
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill() // a failed test leaves nothing behind
			_ = p.cmd.Wait()
		}
	})
	return p
}

// stop asks the process to end, and complains when it takes too long or ends badly.
func (p *running) stop(t *testing.T) error {
	t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.AfterFunc(drainLimit, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	err := p.cmd.Wait()
	t.Logf("ended after %v", time.Since(begin).Round(time.Millisecond))
	return err
}

// await waits for a line of the log.
func (p *running) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(startLimit); !strings.Contains(p.log.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come:\n%s", text, &p.log)
		}
	}
}

func awaitHealth(t *testing.T, p *running, port string) {
	t.Helper()
	p.await(t, `"msg":"listening"`)
	if _, err := strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get("http://127.0.0.1:" + port + "/health")
	if err != nil {
		t.Fatalf("%v\n%s", err, &p.log)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("health: %s", res.Status)
	}
}

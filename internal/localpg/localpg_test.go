package localpg

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, dir string){
		"starts, answers and stops":                 startsAndStops,
		"is shared, and stopped by the last one":    shared,
		"keeps its data and its port":               keeps,
		"forgets its data when scratch":             forgets,
		"starts again after a kill":                 survivesKill,
		"finds a server whose user was killed":      finds,
		"ignores a number that is another's by now": ignoresForeignNumber,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needPostgres(t)
			test(t, filepath.Join(open755(t), `a folder with "spaces" and $HOME`, "pg"))
		})
	}
}

// TestAsAnOrdinaryUser runs TestStart in a process of another user.
func TestAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: the other tests ran as an ordinary user already")
	}
	t.Parallel()
	needPostgres(t)
	nobody := &owner{uid: 65534, gid: 65534, switched: true}
	program := filepath.Join(open755(t), "test")
	copyFile(t, os.Args[0], program)
	cmd := nobody.command(t.Context(), program, "-test.run=^TestStart$", "-test.v")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestStart/keeps_its_data")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestStartUsesTheServerItIsToldOf(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url, _ := start(t, Options{Dir: filepath.Join(open755(t), "pg"), Scratch: true})
	got, stop, err := Start(t.Context(), Options{URL: url})
	if err != nil || got != url {
		t.Fatalf("%q, %v", got, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	query(t, url, `SELECT 1`)
}

func TestAServerThatDoesNotAnswerIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:s3cr3t@127.0.0.1:1/x", "post gres://u:s3cr3t@h:nan/x"} {
		_, _, err := Start(t.Context(), Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "Postgres") {
			t.Errorf("%v", err)
		}
	}
}

// TestAClosedParent is a clone below /root, whose mode is 700.
func TestAClosedParent(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: nobody else could make a folder that we cannot enter")
	}
	needPostgres(t)
	t.Setenv("TMPDIR", open755(t))
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	url, _ := start(t, Options{Dir: filepath.Join(closed, "pg"), Scratch: true, Log: &told})
	query(t, url, `SELECT 1`)
	if !strings.Contains(told.String(), "keeps its files in") {
		t.Errorf("nothing was said about the other place: %q", told.String())
	}
}

func TestClaimRefusesALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	who := &owner{uid: os.Geteuid(), gid: os.Getegid()}
	if err := who.claim(t.Context(), link); err == nil {
		t.Error("a link was taken for a folder of ours")
	}
}

func startsAndStops(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir})
	query(t, url, `SELECT 1`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("it still answers")
	}
}

func shared(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir, Scratch: true})
	other, stopOther := start(t, Options{Dir: dir, Scratch: true})
	if url != other {
		t.Fatalf("two servers: %s, %s", url, other)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	query(t, url, `SELECT 1`)
	if err := stopOther(); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("it still answers")
	}
}

func keeps(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir})
	query(t, url, `CREATE TABLE kept ()`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, Options{Dir: dir})
	if again != url {
		t.Errorf("the address changed from %s to %s", url, again)
	}
	query(t, again, `SELECT * FROM kept`)
}

func forgets(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir, Scratch: true})
	query(t, url, `CREATE TABLE kept ()`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, Options{Dir: dir, Scratch: true})
	query(t, again, `CREATE TABLE kept ()`)
}

func survivesKill(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir})
	query(t, url, `CREATE TABLE kept ()`)
	c := &cluster{place: dir}
	pid, err := strconv.Atoi(c.pidFile()[0])
	if err != nil || !c.ours(t.Context()) {
		t.Fatalf("the server's note: %v, ours %v", err, c.ours(t.Context()))
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("nothing was left to stop, and yet: %v", err)
	}
	again, _ := start(t, Options{Dir: dir})
	query(t, again, `SELECT * FROM kept`)
}

func finds(t *testing.T, dir string) {
	o := Options{Dir: dir, Log: io.Discard}
	c, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.use(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.users.Close(); err != nil { // as the kernel does when the process is killed
		t.Fatal(err)
	}
	url, _ := start(t, o)
	if url != c.url() {
		t.Errorf("another server: %s, %s", url, c.url())
	}
}

func ignoresForeignNumber(t *testing.T, dir string) {
	url, stop := start(t, Options{Dir: dir})
	note, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(note), "\n")
	foreign := strconv.Itoa(os.Getpid()) + "\n" + rest
	c, err := open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.who.give(filepath.Join(dir, "data", "postmaster.pid"), foreign); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, Options{Dir: dir})
	query(t, again, `SELECT 1`)
	if url != again {
		t.Errorf("the address changed from %s to %s", url, again)
	}
}

func needPostgres(t *testing.T) {
	t.Helper()
	dir, err := Installed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Skip("no Postgres is installed: the private cluster cannot be tried")
	}
}

// start starts a Postgres, and stops it at the end of the test at the latest.
func start(t *testing.T, o Options) (string, func() error) {
	t.Helper()
	url, stop, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	once := func() error {
		if stopped {
			return nil
		}
		stopped = true
		return stop()
	}
	t.Cleanup(func() {
		if err := once(); err != nil {
			t.Error(err)
		}
	})
	return url, once
}

func query(t *testing.T, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// open755 is a folder that every user may enter, unlike t.TempDir.
func open755(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "localpg") //nolint:usetesting // the folder of t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}

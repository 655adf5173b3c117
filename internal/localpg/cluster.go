package localpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// startAttempts and startPause cover what passes by itself: a port taken
	// between choosing and binding it, and processes of a killed server that
	// still hold its memory.
	startAttempts = 5
	startPause    = time.Second
	// startSeconds is how long pg_ctl waits for a server, which may have to
	// read its log after a kill.
	startSeconds = "60"
	// stopTimeout bounds the stop, which runs when everyone wants to go home.
	stopTimeout = 30 * time.Second
	// maxConnections is enough for tests of several packages side by side.
	maxConnections = 200
	role           = "extractor"
)

// cluster is a private Postgres in a folder of ours.
type cluster struct {
	place   string // holds data, log, password, port and the locks
	bin     string // programs of Postgres
	who     *owner
	scratch bool
	env     []string // more variables of the server
	users   *lock    // shared by everyone who uses the server
	port    int
	wanted  int // port that it is to have; 0: any
	secret  string
}

func (c *cluster) path(name string) string { return filepath.Join(c.place, name) }

func (c *cluster) url() string {
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/postgres",
		User: url.UserPassword(role, c.secret), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// use makes sure that the server runs, and counts us among its users.
func (c *cluster) use(ctx context.Context) error {
	gate, err := openLock(c.path("gate.lock")) // one starts or stops at a time
	if err != nil {
		return err
	}
	defer gate.Close()
	if err := gate.wait(ctx); err != nil {
		return err
	}
	if c.users, err = openLock(c.path("users.lock")); err != nil {
		return err
	}
	if err := c.ensure(ctx, c.users.try()); err != nil {
		return errors.Join(err, c.users.Close())
	}
	return c.users.share()
}

// ensure starts the server unless it runs. first: nobody else uses it.
func (c *cluster) ensure(ctx context.Context, first bool) error {
	if c.scratch && first {
		if err := c.wipe(ctx); err != nil {
			return err
		}
	}
	if err := c.make(ctx); err != nil {
		return err
	}
	if c.running(ctx) {
		return nil
	}
	return c.start(ctx)
}

// leave ends our use; the last one to leave stops the server.
func (c *cluster) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	gate, err := openLock(c.path("gate.lock"))
	if err != nil {
		return err
	}
	defer gate.Close()
	if err := gate.wait(ctx); err != nil {
		return err
	}
	defer c.users.Close()
	if !c.users.try() {
		return nil
	}
	return c.halt(ctx, "fast")
}

// wipe stops what a killed user left behind and forgets the data.
func (c *cluster) wipe(ctx context.Context) error {
	if err := c.halt(ctx, "immediate"); err != nil {
		return err
	}
	return os.RemoveAll(c.path("data"))
}

// halt stops the server, unless it does not run: someone may have killed it,
// also while pg_ctl was at it.
func (c *cluster) halt(ctx context.Context, mode string) error {
	if !c.ours(ctx) {
		return nil
	}
	if err := c.pgctl(ctx, "stop", "-m", mode); err != nil && c.ours(ctx) {
		return err
	}
	return nil
}

// make creates the cluster unless it is there. It is made under another name
// first, so that a kill in the middle leaves no half cluster.
func (c *cluster) make(ctx context.Context) error {
	secret, err := os.ReadFile(c.path("password"))
	if _, missing := os.Stat(c.path("data")); missing == nil && err == nil {
		c.secret = string(secret)
		return nil
	}
	c.secret = rand.Text()
	if err := c.who.give(c.path("password"), c.secret); err != nil {
		return err
	}
	if err := os.RemoveAll(c.path("draft")); err != nil {
		return err
	}
	// The password goes over the loopback as it is: hashing it for each of the
	// thousands of connections that tests open would cost more than it guards.
	err = c.run(ctx, "initdb", "--pgdata=draft", "--username="+role, "--pwfile=password", "--auth=password",
		"--encoding=UTF8", "--locale="+locale(), "--no-sync")
	if err != nil {
		return err
	}
	return os.Rename(c.path("draft"), c.path("data"))
}

// locale orders text bytewise, so that tests see one order everywhere.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "C" // C.UTF-8 is known to new versions of macOS alone
	}
	return "C.UTF-8"
}

// running reports whether our server answers, and remembers its port.
func (c *cluster) running(ctx context.Context) bool {
	lines := c.pidFile()
	if len(lines) < 4 {
		return false
	}
	c.port, _ = strconv.Atoi(lines[3])
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url()) // the password tells our server from another on this port
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// pidFile is the server's own note: process, folder, start, port, …
func (c *cluster) pidFile() []string {
	b, err := os.ReadFile(c.path("data/postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// start starts the server on the port it had last, or on another free one.
func (c *cluster) start(ctx context.Context) error {
	var err error
	for attempt := range startAttempts {
		if attempt > 0 {
			time.Sleep(startPause)
		}
		if err = c.tryStart(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (c *cluster) tryStart(ctx context.Context) error {
	if !c.ours(ctx) { // after a kill its number may belong to another process by now, and Postgres would not start
		if err := os.Remove(c.path("data/postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := c.choosePort(ctx); err != nil {
		return err
	}
	if err := c.who.give(c.path("data/postgresql.auto.conf"), c.settings()); err != nil {
		return err
	}
	err := c.pgctl(ctx, "start", "-w", "-t", startSeconds, "-l", "log")
	if err != nil {
		return fmt.Errorf("%w; its log says: %s", err, c.lastLog())
	}
	return nil
}

// settings are written to a file, not given as arguments, which pg_ctl would
// hand to a shell. Without a Unix socket there is no path of one to be too long.
func (c *cluster) settings() string {
	s := fmt.Sprintf("port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"+
		"max_connections = %d\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n", c.port, maxConnections)
	if c.scratch {
		s += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
	}
	return s
}

// choosePort prefers the port of last time, so that an address in someone's
// notes stays good.
func (c *cluster) choosePort(ctx context.Context) error {
	if c.wanted > 0 && isFree(ctx, c.wanted) {
		c.port = c.wanted
		return nil
	}
	b, err := os.ReadFile(c.path("port"))
	if err == nil {
		c.port, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		if c.port > 0 && isFree(ctx, c.port) {
			return nil
		}
	}
	if c.port, err = freePort(ctx); err != nil {
		return err
	}
	return c.who.give(c.path("port"), strconv.Itoa(c.port)+"\n")
}

func isFree(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (c *cluster) pgctl(ctx context.Context, args ...string) error {
	return c.run(ctx, "pg_ctl", append(args, "-s", "-D", "data")...)
}

// run runs a program of Postgres in our folder. Paths are given relative to it:
// pg_ctl builds a shell command of them.
func (c *cluster) run(ctx context.Context, name string, args ...string) error {
	cmd := c.who.command(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.place
	cmd.Env = append(cmd.Env, c.env...)
	// A file, not a pipe: the server that pg_ctl leaves behind keeps it open.
	out, err := os.CreateTemp("", "extractor-postgres-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s %s in %s: %w: %s", name, args[0], c.place, err, bytes.TrimSpace(said))
	}
	return nil
}

// lastLog is the end of the server's log.
func (c *cluster) lastLog() string {
	b, err := os.ReadFile(c.path("log"))
	if err != nil {
		return "nothing"
	}
	const most = 1000
	return string(bytes.TrimSpace(b[max(0, len(b)-most):]))
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"extractor/internal/localpg"
)

const (
	// privateFolder is where the cluster of the harness lives, unless it has a disk
	// of its own. It waits for its disk as a real one does: what a commit promises
	// is part of what is tested.
	privateFolder = ".postgres/torture"
	// folderVariable names another one, for two runs side by side.
	folderVariable = "TORTURE_DIR"
	template       = "torture_template"
	// restartPatience bounds how long Postgres may take to come back.
	restartPatience = 30 * time.Second
	migrateTries    = 5
	// answerPatience bounds how long one statement may take: a server that takes it
	// and is silent is as bad as none, and must not stop the harness.
	answerPatience = 10 * time.Second
)

// server is a Postgres of our own, which we may kill.
type server struct {
	options localpg.Options
	address string
	admin   *pgxpool.Pool
	data    string
	stops   []func() error
	lock    *os.File
	clock   clock
	disk    disk
}

// startServer starts one. Several of a run have names of their own.
func startServer(ctx context.Context, name string) (*server, error) {
	place := cmp.Or(os.Getenv(folderVariable), privateFolder) + name
	lock, err := alone(place)
	if err != nil {
		return nil, err
	}
	clock, err := newClock(ctx, place)
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	disk := newDisk(ctx, place)
	s := &server{options: localpg.Options{Dir: disk.place(place), Port: wanted, Log: os.Stderr, Env: clock.env()}, lock: lock, clock: clock, disk: disk}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, disk.close())
	}
	s.options.Log = io.Discard // it would say the same again at each restart
	if s.admin, err = pgxpool.New(ctx, s.address); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err = s.admin.QueryRow(ctx, `SHOW data_directory`).Scan(&s.data); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// alone makes sure that no other harness uses the cluster, which we shall kill.
// The lock ends with the process.
func alone(place string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(place+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errors.New("another torture runs in this folder"), f.Close())
	}
	return f, nil
}

func (s *server) start(ctx context.Context) error {
	address, stop, err := localpg.Start(ctx, s.options)
	if err != nil {
		return err
	}
	if s.address != "" && address != s.address {
		return errors.Join(errors.New("the Postgres came back on another port"), stop())
	}
	s.address, s.stops = address, append(s.stops, stop)
	return nil
}

func (s *server) close() error {
	if s.admin != nil {
		s.admin.Close()
	}
	var all error
	for _, stop := range s.stops {
		all = errors.Join(all, stop())
	}
	return errors.Join(all, s.disk.close(), s.clock.close())
}

// crash ends the server without a word to anyone: SIGQUIT is Postgres's own
// immediate shutdown, SIGKILL not even that. Then it is started again.
func (s *server) crash(ctx context.Context, signal syscall.Signal) error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return err
	}
	for until := time.Now().Add(restartPatience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return s.start(ctx)
		}
	}
	return errors.New("the Postgres does not end")
}

// pid is the server's main process, by its own note.
func (s *server) pid() (int, error) {
	note, err := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(strings.SplitN(string(note), "\n", 2)[0]))
}

// shared is where a file of a cluster lies that the user who Postgres runs as
// must reach, also where the cluster's place is below /root.
func shared(place, kind string) (string, error) {
	place, err := filepath.Abs(place)
	if err != nil {
		return "", err
	}
	name := fnv.New64a()
	_, _ = name.Write([]byte(place))
	return filepath.Join(os.TempDir(), fmt.Sprintf("torture-%x.%s", name.Sum64(), kind)), nil
}

// exec runs statements that may be repeated, through restarts of the server.
func (s *server) exec(ctx context.Context, statements ...string) (err error) {
	for _, sql := range statements {
		for until := time.Now().Add(restartPatience); ; time.Sleep(100 * time.Millisecond) {
			if err = s.do(ctx, sql); err == nil || time.Now().After(until) || ctx.Err() != nil {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// do runs one statement.
func (s *server) do(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	_, err := s.admin.Exec(ctx, sql)
	return err
}

// ask reads one value.
func (s *server) ask(ctx context.Context, value any, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	return s.admin.QueryRow(ctx, sql).Scan(value)
}

// prepare makes the database that those of the schedules are copies of.
// The timers of our builds are short also for migrations, so on a busy machine
// one may be cut off; then it begins anew.
func (s *server) prepare(ctx context.Context, program string) (err error) {
	for range migrateTries {
		if err = s.migrate(ctx, program); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (s *server) migrate(ctx context.Context, program string) error {
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+template+" WITH (FORCE)", "CREATE DATABASE "+template); err != nil {
		return err
	}
	return run(ctx, program, []string{"migrate"}, "DATABASE_URL="+s.database(template, ""))
}

// scratch makes an empty database of the current schema.
func (s *server) scratch(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template))
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// database is the address of a database, by way of a proxy if there is one.
func (s *server) database(name, by string) string {
	u, err := url.Parse(s.address)
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	if by != "" {
		u.Host = by
	}
	return u.String()
}

// host is where the server listens.
func (s *server) host() string {
	u, err := url.Parse(s.address)
	if err != nil {
		return ""
	}
	return u.Host
}

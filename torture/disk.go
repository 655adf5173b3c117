package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// diskRoom is how large the disk of a Postgres is. It lies in memory, which is
	// taken only as it is used: some 200 MB.
	diskRoom = 1 << 30
	// fillTries bounds how often a disk is filled anew that grew meanwhile.
	fillTries = 50
	// leavePatience bounds how long the processes of a Postgres that ended in haste
	// may keep its disk.
	leavePatience = 10 * time.Second
	// mostSegments bounds how many files of WAL are used up until the next one must
	// be made: Postgres keeps some ready.
	mostSegments = 100
)

// disk is a file system for one Postgres alone, so that it can be full.
type disk struct {
	folder string // "": none could be mounted, and Postgres keeps its files where others do
}

// newDisk mounts one for the cluster in a place, which takes root. One that a
// killed run left is used again.
func newDisk(ctx context.Context, place string) disk {
	folder, err := shared(place, "disk")
	if err != nil || os.Geteuid() != 0 || os.MkdirAll(folder, 0o755) != nil { //nolint:gosec // the user that Postgres runs as goes through it
		return disk{}
	}
	d := disk{folder}
	if d.mounted() {
		err = d.resize(ctx, diskRoom)
	} else {
		err = mount(ctx, "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=0755", diskRoom), "torture", folder)
	}
	if err != nil {
		return disk{}
	}
	return d
}

// mounted reports whether the folder is a file system of its own.
func (d disk) mounted() bool {
	var here, above syscall.Stat_t
	return syscall.Stat(d.folder, &here) == nil && syscall.Stat(filepath.Dir(d.folder), &above) == nil && here.Dev != above.Dev
}

// place is where the cluster lives that would else be in a place.
func (d disk) place(otherwise string) string {
	if d.folder == "" {
		return otherwise
	}
	return filepath.Join(d.folder, "cluster")
}

func (d disk) resize(ctx context.Context, bytes uint64) error {
	return mount(ctx, "-o", fmt.Sprintf("remount,size=%d", bytes), d.folder)
}

// fill leaves no room, by making the disk as small as what is on it.
func (d disk) fill(ctx context.Context) (err error) {
	for range fillTries {
		var now syscall.Statfs_t
		if err = syscall.Statfs(d.folder, &now); err != nil {
			return err
		}
		if err = d.resize(ctx, (now.Blocks-now.Bfree)*uint64(os.Getpagesize())); err == nil { //nolint:gosec // not negative
			return nil
		}
	}
	return err
}

// close takes the disk away.
func (d disk) close() error {
	if d.folder == "" {
		return nil
	}
	var err error
	for until := time.Now().Add(leavePatience); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if err = tool(context.Background(), "umount", d.folder); err == nil {
			return os.Remove(d.folder)
		}
	}
	return err
}

func mount(ctx context.Context, args ...string) error { return tool(ctx, "mount", args...) }

func tool(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// diskFull leaves Postgres no room for a while: tables do not grow. With its WAL
// it has to end, and cannot start before there is room again.
func diskFull(wal bool) func(context.Context, *stage, step, *rand.Rand) func() {
	return func(ctx context.Context, s *stage, _ step, _ *rand.Rand) func() {
		if s.pg.disk.folder == "" || !s.crashing.TryLock() {
			return nil
		}
		if err := s.pg.disk.fill(ctx); err != nil {
			s.problem("filling the disk: %v", err)
		}
		if wal {
			s.useUpSegments(ctx)
		}
		return func() {
			defer s.crashing.Unlock()
			ctx := context.WithoutCancel(ctx)
			if err := errors.Join(s.pg.disk.resize(ctx, diskRoom), s.pg.awake(ctx)); err != nil {
				s.problem("making room on the disk: %v", err)
			}
		}
	}
}

// useUpSegments writes WAL into the files that are ready, until one is to be
// made: that fails, and Postgres with it.
func (s *stage) useUpSegments(ctx context.Context) {
	for range mostSegments {
		if _, err := s.store.Exec(ctx, `SELECT pg_logical_emit_message(true, 'torture', ''), pg_switch_wal()`); err != nil {
			return
		}
	}
}

// awake waits until the server answers, and starts it if it has ended.
func (s *server) awake(ctx context.Context) (err error) {
	for until := time.Now().Add(restartPatience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		pid, missing := s.pid()
		if missing != nil || syscall.Kill(pid, 0) != nil {
			return s.start(ctx)
		}
		if err = s.do(ctx, `SELECT`); err == nil {
			return nil
		}
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

const (
	// atOnceVariable is how many schedules are played side by side, each with a
	// Postgres of its own. They mostly wait: two fit on two cores.
	atOnceVariable = "AT_ONCE"
	atOnce         = 2
)

// torture runs schedules and tells what came of them.
func (b *bench) torture(ctx context.Context) error {
	seeds, err := wanted(tallyFile)
	if err != nil {
		return err
	}
	program, err := build(ctx, b.folder)
	if err != nil {
		return err
	}
	if b.pg.clock.library == "" {
		fmt.Println("There is no gcc here, or no Linux: the clock of Postgres agrees with that of the processes in all schedules.")
	}
	if b.pg.disk.folder == "" {
		fmt.Println("No file system can be mounted here, which takes root: the disk of Postgres is never full.")
	}
	servers, err := b.servers(ctx, program)
	if err == nil {
		err = seeds.play(ctx, cap(servers), func(seed int) (verdict, error) {
			pg := <-servers
			defer func() { servers <- pg }()
			v, err := play(ctx, pg, program, draw(uint64(seed)), b.logs(seed)) //nolint:gosec // not negative: checked when it was read
			if err == nil {
				v.print(b.folder)
			}
			return v, err
		})
	}
	return errors.Join(err, b.dismiss(servers), seeds.total.end())
}

// logs is where the processes of a schedule write.
func (b *bench) logs(seed int) string { return filepath.Join(b.folder, strconv.Itoa(seed)) }

// servers are as many Postgres as schedules are played side by side.
func (b *bench) servers(ctx context.Context, program string) (chan *server, error) {
	n, err := setting(atOnceVariable, atOnce)
	if err != nil {
		n = 0
	}
	all := make(chan *server, max(1, n))
	all <- b.pg
	if err == nil {
		err = b.pg.prepare(ctx, program)
	}
	for i := 2; i <= n && err == nil; i++ {
		var pg *server
		if pg, err = startServer(ctx, "-"+strconv.Itoa(i)); err == nil {
			all <- pg
			err = pg.prepare(ctx, program)
		}
	}
	return all, err
}

// dismiss ends the servers, but for the one that is closed by who opened it.
func (b *bench) dismiss(servers chan *server) (err error) {
	close(servers)
	for pg := range servers {
		if pg != b.pg {
			err = errors.Join(err, pg.close())
		}
	}
	return err
}

// seeds are those of a run, and what came of them so far.
type seeds struct {
	next, end int // the next to be played, and the one after the last

	mu    sync.Mutex
	err   error
	total total
	tally *tally // nil: none is kept
}

// wanted are the seeds that the variables ask for. A run that is tallied begins
// after the last seed of the table, so that a long one may be ended and resumed.
func wanted(file string) (*seeds, error) {
	first, err := setting("SEED", 1)
	if err != nil {
		return nil, err
	}
	count, err := setting("SEEDS", 20)
	s := &seeds{next: first, end: first + count}
	if err != nil || os.Getenv(tallyVariable) == "" {
		return s, err
	}
	done, err := played(file)
	if err != nil {
		return nil, err
	}
	if s.next = max(s.next, done+1); s.next >= s.end {
		return nil, fmt.Errorf("%s has all seeds up to %d already", file, done)
	}
	s.tally = &tally{file: file, first: s.next, waiting: map[int]verdict{}}
	return s, nil
}

// play plays them, some side by side, until one cannot be played or ctx is done.
func (s *seeds) play(ctx context.Context, sideBySide int, one func(seed int) (verdict, error)) error {
	var all sync.WaitGroup
	for range sideBySide {
		all.Go(func() {
			for seed, ok := s.take(ctx); ok; seed, ok = s.take(ctx) {
				v, err := one(seed)
				s.done(seed, v, err)
			}
		})
	}
	all.Wait()
	return errors.Join(s.err, ctx.Err())
}

// take is the next seed, if one is to be played yet.
func (s *seeds) take(ctx context.Context) (seed int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || ctx.Err() != nil || s.next >= s.end {
		return 0, false
	}
	s.next++
	return s.next - 1, true
}

// done notes what came of a seed.
func (s *seeds) done(seed int, v verdict, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.err = errors.Join(s.err, fmt.Errorf("schedule %d: %w", seed, err))
		return
	}
	s.total.add(v)
	if s.tally != nil {
		s.err = errors.Join(s.err, s.tally.add(seed, v))
	}
}

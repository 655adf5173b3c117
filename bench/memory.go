package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// mostMemory is what the smallest dyno has, in MB: a process that takes more is
	// slowed down first, and then killed.
	mostMemory = 512
	// bombers are merchants whose host answers with bombs: more than two processes
	// ask for at once. The host answers honest ones as always.
	bombers, honest = 100, 100
	// bombTime is how long each bomb is thrown, again as soon as it was taken.
	bombTime = 4 * time.Second
	// bombPatience is how long it may take until somebody asks for the first: who
	// waits for an answer gives it up after 25 s.
	bombPatience = 30 * time.Second
	// bombEvery is how often those that failed are made due again.
	bombEvery = 300 * time.Millisecond
	// memoryPast are the orders of the backfill at the end.
	memoryPast = 1_000_000
	// mostRepeats are how many orders TrustFile may get once more: where a bomb was
	// the answer, the engine looks later what TrustFile has, and one that only counts
	// does not know. A batch of the past that came twice is more.
	mostRepeats = 2 * honest
	// memoryPatience is how long they may take to arrive.
	memoryPatience = 4 * time.Minute
	// bombToken is the access token by which the host knows a merchant to be bombed.
	bombToken = "bomb"
)

// measureMemory throws bombs at the service as it runs on the smallest dynos: from
// hosts, from TrustFile and at the API. All that honest merchants sold has to
// arrive all the same.
func measureMemory(ctx context.Context, d *driver) (rows []row, err error) {
	err = d.stocked(ctx, stock{Sizes: []int{memoryPast}, Small: honest}, func() error {
		database, drop, err := d.server.scratch(ctx, "bench_memory")
		if err != nil {
			return err
		}
		at, stop, err := d.startRange(ctx)
		if err != nil {
			return errors.Join(err, drop())
		}
		defer stop()
		rows, err = d.bombed(ctx, database, at)
		return errors.Join(err, drop())
	})
	return rows, err
}

// bombed runs both processes, and throws everything at them.
func (d *driver) bombed(ctx context.Context, database string, at *firingRange) (rows []row, err error) {
	pool, err := emptyTables(ctx, database)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	c := crowd{size: bombers + honest, from: time.Now(), since: d.world.From, token: d.memoryToken}
	if err := c.make(ctx, pool); err != nil {
		return nil, err
	}
	dynos, err := d.startDynos(ctx, database)
	if err != nil {
		return nil, err
	}
	rows, err = d.throwAll(dynos.alive, pool, at, dynos)
	if err = errors.Join(err, dynos.stop()); err != nil {
		return nil, err
	}
	return rows, d.allOnce(ctx, honest+memoryPast)
}

// memoryToken is the access token of the nth merchant.
func (d *driver) memoryToken(n int) string {
	if n <= bombers {
		return bombToken
	}
	return d.world.smallToken(n - bombers)
}

// allOnce makes sure that TrustFile has each order, and nearly all came once.
func (d *driver) allOnce(ctx context.Context, orders int) error {
	got, err := d.world.taken(ctx)
	if err == nil && (got.Items != orders || got.Received > orders+mostRepeats) {
		err = fmt.Errorf("TrustFile has %d items after %d were sent, of %d orders", got.Items, got.Received, orders)
	}
	return err
}

// throwAll throws one bomb after the other, then brings a large merchant's past.
func (d *driver) throwAll(ctx context.Context, pool *pgxpool.Pool, at *firingRange, dynos *dynos) (rows []row, err error) {
	worst := 0.0
	phase := func(name string, do func() error) error {
		if err := dynos.resetPeaks(); err != nil {
			return err
		}
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", name, errors.Join(context.Cause(ctx), err))
		}
		peak, err := dynos.peak()
		worst = max(worst, peak)
		rows = append(rows, figure(name+": peak, MB", peak, 0))
		fmt.Printf("%-60s %4.0f MB\n", name, peak)
		return err
	}
	for _, b := range neighbourBombs() {
		if err := phase(b.name, func() error { return d.throw(ctx, pool, at, b) }); err != nil {
			return nil, err
		}
	}
	for _, b := range callerBombs() {
		if err := phase(b.name, func() error { return b.throw(ctx, dynos.web.address) }); err != nil {
			return nil, err
		}
	}
	past := fmt.Sprintf("past of %d orders", memoryPast)
	if err := phase(past, func() error { return d.bringPast(ctx, pool) }); err != nil {
		return nil, err
	}
	goal := atMost("serve or worker, the larger, under the worst bomb, MB "+dynos.how, worst, mostMemory, 0)
	return append([]row{goal}, rows...), nil
}

// throw lets a neighbour answer with the bomb for a while, as often as it is asked.
func (d *driver) throw(ctx context.Context, pool *pgxpool.Pool, at *firingRange, b bomb) error {
	at.load(&b)
	defer at.load(nil)
	before, begun := at.thrown.Load(), time.Now()
	for at.thrown.Load() == before && time.Since(begun) < bombPatience || time.Since(begun) < bombTime {
		if err := rouse(ctx, pool); err != nil {
			return err
		}
		if err := sleepUntil(ctx, time.Now().Add(bombEvery)); err != nil {
			return err
		}
	}
	n := at.thrown.Load() - before
	fmt.Printf("%d ×  ", n)
	if n == 0 {
		return errors.New("nobody asked for it")
	}
	return nil
}

// rouseSQL makes due at once what waits after a failure; forgetSQL forgets how
// often a batch was sent in vain, or it would soon rest for a quarter of an hour.
const (
	rouseSQL = `UPDATE lanes SET due_at = now() WHERE due_at > now() AND kind IN ('incremental', 'delivery')
		AND connection_id IN (SELECT id FROM connections WHERE external_id LIKE 'crowd-%')`
	forgetSQL = `UPDATE batches SET attempts = 1 WHERE attempts > 1`
	// honestSQL makes due at once what waits after a failure, but for those that rest.
	honestSQL = `UPDATE lanes l SET due_at = now() FROM connections c WHERE c.id = l.connection_id AND l.due_at > now()
		AND (l.kind = 'delivery' OR l.kind = 'incremental' AND l.failures > 0 AND NOT ` + bomberSQL + `)`
	// restSQL lets those rest whose host answers with nothing else.
	restSQL   = `UPDATE lanes l SET due_at = now() + interval '1 day' FROM connections c WHERE c.id = l.connection_id AND l.kind = 'incremental' AND ` + bomberSQL
	bomberSQL = `CASE WHEN c.external_id LIKE 'crowd-%' THEN substr(c.external_id, 7)::int <= $1 ELSE false END`
)

func rouse(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, rouseSQL)
	if err == nil {
		_, err = pool.Exec(ctx, forgetSQL)
	}
	return err
}

// bringPast waits until all orders of all honest merchants are at TrustFile, also
// of those whose last answer was a bomb.
func (d *driver) bringPast(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, restSQL, bombers); err != nil {
		return err
	}
	if err := d.connect(ctx, pool, memoryPast); err != nil {
		return err
	}
	for until := time.Now().Add(memoryPatience); ; {
		got, err := d.world.taken(ctx)
		if err != nil || got.Items >= honest+memoryPast {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d of %d orders arrived", got.Items, honest+memoryPast)
		}
		if _, err := pool.Exec(ctx, honestSQL, bombers); err != nil {
			return err
		}
		if err := sleepUntil(ctx, time.Now().Add(crowdLookEvery)); err != nil {
			return err
		}
	}
}

// dynos are the processes of the Procfile, each with the memory of the smallest dyno.
type dynos struct {
	web   *apiServer
	pids  []int
	how   string          // the memory is limited
	alive context.Context // is done when the worker ends
	stop  func() error
}

func (d *driver) startDynos(ctx context.Context, database string) (*dynos, error) {
	web, err := d.startServe(ctx, database, "DYNO=web.1")
	if err != nil {
		return nil, err
	}
	log := d.workerLog()
	cmd, err := d.worker(database, log)
	if err == nil {
		cmd.Env = append(cmd.Env, "DYNO=worker.1")
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, web.stop())
	}
	alive, ended := watch(ctx, cmd)
	s := &dynos{web: web, pids: []int{web.pid(), cmd.Process.Pid}, alive: alive}
	free := s.confine()
	s.stop = func() error {
		return errors.Join(said(drain(cmd, ended), log), web.stop(), free())
	}
	return s, nil
}

// confine puts each process into a memory group of its own where the machine
// lets us: there the kernel kills what takes more.
func (s *dynos) confine() (free func() error) {
	var made []string
	free = func() (err error) {
		for _, folder := range made {
			err = errors.Join(err, os.Remove(folder))
		}
		return err
	}
	for _, pid := range s.pids {
		folder, err := newMemoryGroup(pid)
		if folder != "" {
			made = append(made, folder)
		}
		if err != nil {
			s.how = "resident, without a limit by the kernel"
			fmt.Println("no memory group:", err)
			return free
		}
	}
	s.how = "resident, each in a memory group of 512 MB"
	return free
}

// newMemoryGroup limits a process by cgroup 1, else by cgroup 2.
func newMemoryGroup(pid int) (folder string, err error) {
	for _, kind := range []struct{ root, limit string }{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		folder = filepath.Join(kind.root, fmt.Sprintf("extractor-bench-%d", pid))
		if _, err = os.Stat(filepath.Join(kind.root, "cgroup.procs")); err != nil {
			continue
		}
		if err = os.Mkdir(folder, 0o750); err != nil {
			continue
		}
		err = errors.Join(writeFile(filepath.Join(folder, kind.limit), fmt.Sprint(mostMemory<<20)), writeFile(filepath.Join(folder, "cgroup.procs"), fmt.Sprint(pid)))
		return folder, err
	}
	return "", err
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }

// resetPeaks lets the kernel begin anew with what it calls a peak.
func (s *dynos) resetPeaks() error {
	const peakOnly = "5"
	var failed error
	for _, pid := range s.pids {
		failed = errors.Join(failed, writeFile(fmt.Sprintf("/proc/%d/clear_refs", pid), peakOnly))
	}
	return failed
}

// peak is the most that either process had resident since then, in MB.
func (s *dynos) peak() (most float64, err error) {
	for _, pid := range s.pids {
		kilobytes, err := residentPeak(pid)
		if err != nil {
			return 0, fmt.Errorf("a process died: %w", err)
		}
		most = max(most, float64(kilobytes)/1024)
	}
	return most, nil
}

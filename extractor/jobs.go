package extractor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"extractor/internal/failpoint"
	"extractor/models"
)

// share is how a kind of lane uses a worker process.
type share struct {
	jobs  int // at once, in one process
	chunk int // lanes that one job claims at a time
	width int // lanes that one job works on side by side
}

// shares are chosen for a dyno of two cores and 512 MB: pulling waits for
// hosts, so several at once; each delivery holds a batch of 1000. Recounts ask a
// host eight times for each merchant, and nearly all within three hours. Of the
// past as many work as is of use, see past.
var shares = map[models.LaneKind]share{
	models.LaneIncremental: {jobs: 4, chunk: 128, width: 10},
	models.LaneBackfill:    {jobs: 8, chunk: 1, width: 1},
	models.LaneDelivery:    {jobs: 4, chunk: 8, width: 2},
	models.LaneReconcile:   {jobs: 8, chunk: 1, width: 1},
}

// laneJob is a nudge to work on due lanes of a kind; which ones is in the tables.
type laneJob struct {
	Lane models.LaneKind `json:"lane"`
}

// Kind names the job for River.
func (laneJob) Kind() string { return "lanes" }

// careJob is a nudge to do the housekeeping.
type careJob struct{}

// Kind names the job for River.
func (careJob) Kind() string { return "care" }

const (
	careQueue = "care"
	// fetchPause is the least time between two looks for jobs, and fetchEvery the
	// longest when no notice of one arrives: a notice may be missed at the start.
	fetchPause = 10 * time.Millisecond
	fetchEvery = 500 * time.Millisecond
	// carePause is the least time between two rounds of housekeeping.
	carePause = 2 * time.Second / models.Pace
	// keptJobs is how long finished jobs stay for people to look at.
	keptJobs = time.Hour
)

type laneWorker struct {
	river.WorkerDefaults[laneJob]
	engine *Engine
}

// Work implements river.Worker.
func (w *laneWorker) Work(ctx context.Context, job *river.Job[laneJob]) error {
	return w.engine.workLanes(ctx, job.Args.Lane)
}

type careWorker struct {
	river.WorkerDefaults[careJob]
	engine *Engine
}

// Work implements river.Worker.
func (w *careWorker) Work(ctx context.Context, _ *river.Job[careJob]) error {
	return w.engine.care(ctx)
}

func newRiver(e *Engine) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &laneWorker{engine: e})
	river.AddWorker(workers, &careWorker{engine: e})
	queues := map[string]river.QueueConfig{careQueue: {MaxWorkers: 1}}
	for kind, s := range shares {
		queues[string(kind)] = river.QueueConfig{MaxWorkers: s.jobs}
	}
	return river.NewClient(riverpgxv5.New(e.Store.Pool), &river.Config{
		Queues: queues, Workers: workers, Logger: slog.New(warnings{slog.Default().Handler()}),
		FetchCooldown: fetchPause, FetchPollInterval: fetchEvery,
		JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueTime, SoftStopTimeout: softStop,
		CompletedJobRetentionPeriod: keptJobs,
	})
}

// workLanes claims chunks of due lanes until none is due or the slice is over.
func (e *Engine) workLanes(ctx context.Context, kind models.LaneKind) error {
	until := time.Now().Add(sliceTime)
	if kind == models.LaneIncremental {
		return e.workPulls(ctx, until)
	}
	if kind == models.LaneBackfill {
		return e.workPast(ctx, until)
	}
	for !e.over(ctx, until) {
		if worked, err := e.workSome(ctx, kind, until); err != nil || !worked {
			return err
		}
	}
	return nil
}

// workSome claims a chunk of due lanes and works on it, if there are any.
func (e *Engine) workSome(ctx context.Context, kind models.LaneKind, until time.Time) (bool, error) {
	lanes, err := e.claim(ctx, kind, shares[kind].chunk)
	if err != nil || len(lanes) == 0 {
		return false, err
	}
	e.workChunk(ctx, lanes, until)
	return true, nil
}

// workChunk works on the lanes of a chunk, some side by side. Those that the
// slice's time does not reach are given back untouched.
func (e *Engine) workChunk(ctx context.Context, lanes []*lane, until time.Time) {
	queue := make(chan *lane, len(lanes))
	for _, l := range lanes {
		queue <- l
	}
	close(queue)
	var wg sync.WaitGroup
	for range min(shares[lanes[0].Kind].width, len(lanes)) {
		wg.Go(func() {
			for l := range queue {
				e.workLane(ctx, l, until)
			}
		})
	}
	wg.Wait()
}

func (e *Engine) workLane(ctx context.Context, l *lane, until time.Time) {
	if e.over(ctx, until) {
		e.giveBack(ctx, l)
		return
	}
	if err := failpoint.Hit("after claim"); err != nil {
		return // the lease expires by itself
	}
	if l.Kind == models.LaneDelivery {
		e.finish(ctx, l, targetSide, e.newDelivery(l, until).deliver(ctx))
		return
	}
	s, err := e.newSlice(l, until)
	switch {
	case err != nil:
	case l.Kind == models.LaneReconcile:
		err = s.reconcile(ctx)
	default:
		err = s.extract(ctx)
	}
	e.finish(ctx, l, hostSide, err)
}

// finish gives the lease back after good work, or reacts to what went wrong.
func (e *Engine) finish(ctx context.Context, l *lane, from side, err error) {
	if err != nil {
		e.react(ctx, l, from, err)
		return
	}
	if failpoint.Hit("before release") != nil {
		return // the lease expires by itself
	}
	e.giveBack(ctx, l)
	if l.Kind == models.LaneIncremental && l.Unsettled {
		e.restate(ctx, l.Connection)
	}
}

// restate writes the status sentence after trouble ended, or the first pull.
func (e *Engine) restate(ctx context.Context, connection int64) {
	if err := e.Store.Restate(context.WithoutCancel(ctx), connection); err != nil {
		slog.Error("status not written", "connection", connection, "error", err)
	}
}

// giveBack ends leases; when the lanes are due is on their rows already.
func (e *Engine) giveBack(ctx context.Context, lanes ...*lane) {
	if len(lanes) == 0 {
		return
	}
	ids, epochs := make([]int64, len(lanes)), make([]int64, len(lanes))
	for i, l := range lanes {
		ids[i], epochs[i] = l.ID, l.Epoch
	}
	_, err := e.Store.Pool.Exec(context.WithoutCancel(ctx), `UPDATE lanes l SET leased_until = NULL
		FROM unnest($1::bigint[], $2::bigint[]) x(id, epoch) WHERE l.id = x.id AND l.epoch = x.epoch`, ids, epochs)
	if err != nil {
		slog.Error("leases not given back; they expire by themselves", "lanes", len(lanes), "lane", lanes[0].Kind, "error", err)
	}
}

// sweepUntil looks for due work until ctx is done: on a short period, and at
// once when nudged. What is due is read from the tables, so nothing depends on
// this process having been alive.
func (e *Engine) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(e.Timing.Sweep)
	defer tick.Stop()
	for {
		for _, err := range []error{e.wake(ctx), e.sweep(ctx)} {
			if err != nil && ctx.Err() == nil {
				slog.Error("sweep failed; it is tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.nudge:
			time.Sleep(nudgePause)
		}
	}
}

const (
	// nudgePause gathers nudges that come in quick succession.
	nudgePause = 20 * time.Millisecond
	// sweepLock lets one process at a time count and insert.
	sweepLock = 7_301_994
)

// dueSQL counts, for each kind, lanes that wait for a worker, and jobs that will
// come for them. The past of hosts that are silent ($2: the others) waits for none.
const dueSQL = `SELECT kind, (SELECT count(*) FROM (SELECT 1 FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.active
		WHERE l.kind = k.kind AND l.due_at <= now() AND (l.leased_until IS NULL OR l.leased_until <= now())
			AND (l.kind IN ('incremental', 'delivery') OR c.host = ANY($2::text[])) LIMIT 1000) d),
	(SELECT count(*) FROM river_job j WHERE j.state = 'available' AND j.queue = k.kind)
	FROM unnest($1::text[]) k(kind) WHERE EXISTS (SELECT 1 FROM service WHERE enabled AND pause = '')`

// sweep inserts as many jobs as the due work asks for.
func (e *Engine) sweep(ctx context.Context) error {
	return e.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, sweepLock).Scan(&mine); err != nil || !mine {
			return err
		}
		jobs, err := e.wantedJobs(ctx, tx)
		if err != nil || len(jobs) == 0 {
			return err
		}
		if _, err = e.river.InsertManyTx(ctx, tx, jobs); err == nil {
			err = dueNow(ctx, tx)
		}
		return errors.Join(err, failpoint.Hit("before the sweep's commit"))
	})
}

// dueNow makes the jobs due by the database's clock, by which they are fetched.
// River dates them by ours, which may be ahead.
func dueNow(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE river_job SET scheduled_at = now() WHERE state = 'available' AND scheduled_at > now()`)
	return err
}

func (e *Engine) wantedJobs(ctx context.Context, tx pgx.Tx) ([]river.InsertManyParams, error) {
	jobs, err := e.careJobs(ctx, tx)
	if err != nil {
		return nil, err
	}
	kinds := []string{string(models.LaneIncremental), string(models.LaneBackfill), string(models.LaneDelivery), string(models.LaneReconcile)}
	answering, _ := e.byVoice()
	rows, err := tx.Query(ctx, dueSQL, kinds, answering)
	if err != nil {
		return nil, err
	}
	var kind models.LaneKind
	var due, waiting int
	_, err = pgx.ForEachRow(rows, []any{&kind, &due, &waiting}, func() error {
		s := shares[kind]
		for range min((due+s.chunk-1)/s.chunk, s.jobs) - waiting {
			jobs = append(jobs, river.InsertManyParams{Args: laneJob{Lane: kind}, InsertOpts: &river.InsertOpts{Queue: string(kind), MaxAttempts: 1}})
		}
		return nil
	})
	return jobs, err
}

// careJobs claims the housekeeping when it is due, at once where a person waits
// for it: a company to sign up or to name. A job that is lost costs one period.
func (e *Engine) careJobs(ctx context.Context, tx pgx.Tx) ([]river.InsertManyParams, error) {
	tag, err := tx.Exec(ctx, `UPDATE service SET care_at = now() + $1::interval
		WHERE NOT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = $3) -- one that waits is enough
		AND (care_at <= now() OR (care_at <= now() + $1::interval - $2::interval AND (EXISTS (SELECT 1 FROM signups WHERE due_at <= now())
			OR EXISTS (SELECT 1 FROM connections WHERE company_asked_at IS NULL AND external_id IS NOT NULL AND deleted_at IS NULL AND wish <> 'off'))))`,
		e.Timing.Care, carePause, careQueue)
	if err != nil || tag.RowsAffected() == 0 {
		return nil, err
	}
	return []river.InsertManyParams{{Args: careJob{}, InsertOpts: &river.InsertOpts{Queue: careQueue, MaxAttempts: 1}}}, nil
}

package extractor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"extractor/models"
)

const (
	// beatEvery is the time between two signs of life of a worker. See models.WorkerSilence.
	beatEvery = 10 * time.Second / models.Pace
	// watchEvery is the time between two looks of the API for workers: with
	// models.WorkerSilence and one look, dead ones are told within a minute.
	watchEvery = 15 * time.Second / models.Pace
	// beatTime ends a sign of life, or a look, that hangs: a database that takes
	// longer counts as away.
	beatTime = 5 * time.Second
)

// beatUntil says that this worker lives, until ctx is done.
func (e *Engine) beatUntil(ctx context.Context) {
	id, away := uuid.New(), outage{store: e.Store}
	everyUntil(ctx, e.Timing.Beat, func(ctx context.Context) {
		away.note(ctx, e.Store.Beat(ctx, id))
	})
}

// Watch is the API's look for workers until ctx is done: when none is heard of,
// it tells so as a failure, which dead workers cannot do themselves. The first
// looks are patient, since processes start side by side.
func Watch(ctx context.Context, store *models.Store) {
	watch(ctx, store, watchEvery, models.WorkerSilence)
}

func watch(ctx context.Context, store *models.Store, every, patience time.Duration) {
	begun, away := time.Now(), outage{store: store}
	everyUntil(ctx, every, func(ctx context.Context) {
		if time.Since(begun) >= patience {
			away.note(ctx, store.TellMissing(ctx))
		}
	})
}

// everyUntil does something at once and then periodically, each time within beatTime.
func everyUntil(ctx context.Context, every time.Duration, do func(context.Context)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, beatTime)
		do(limited)
		cancel()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// outage remembers that our database could not be used, to tell it once it can:
// while it is away there is no place to write to but the log.
type outage struct {
	store *models.Store
	since time.Time // zero: it can be used
}

// note takes the outcome of one use of the database.
func (o *outage) note(ctx context.Context, err error) {
	switch {
	case errors.Is(err, context.Canceled): // we are about to end
	case err != nil && o.since.IsZero():
		o.since = time.Now()
		slog.Error("our database cannot be used; it is tried again", "error", err)
	case err == nil && !o.since.IsZero():
		o.over(ctx)
	}
}

// over tells that the database is back. All processes say the same words, so
// that together they leave one line.
func (o *outage) over(ctx context.Context) {
	err := o.store.RecordFailure(ctx, models.FailureSystem, nil,
		"Our own database could not be used for a while. Work has gone on by itself since, and nothing is lost; if this happens again, look at the database.")
	if err != nil {
		return // it went again; the next time tells both
	}
	slog.Warn("our database can be used again", "away_seconds", int(time.Since(o.since).Seconds()))
	o.since = time.Time{}
}

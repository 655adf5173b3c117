package extractor

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
	"extractor/targetapi"
)

// Options is what an Engine is made of.
type Options struct {
	Store  *models.Store
	Hosts  map[string]hostapi.Host // by folder name
	Target targetapi.Target
	Policy models.Policy
	// SyncInterval is the time between two incremental pulls of a connection.
	SyncInterval time.Duration
	// PeriodCloseDay is the day of the following month on which a merchant's
	// month is closed: 10 closes March on 10 April.
	PeriodCloseDay int
	Transport      http.RoundTripper // to the hosts; nil = rest.NewTransport()
	// Webhooks is the address at which a host reaches us with its notices, for
	// hosts that are told of it; nil = accounts are not looked after.
	Webhooks func(host string) string
	Timing   Timing // zero fields take their defaults
}

// Engine brings records from hosts to the target.
type Engine struct {
	Options
	river *river.Client[pgx.Tx]
	nudge chan struct{} // wakes the sweep before its period is up
	meter *meter
	past  *past
	// draining: the process is asked to end, so nothing new is begun.
	draining atomic.Bool

	previews previews
	silence  silence
	rota     rota
}

// New makes an engine that does not run yet.
func New(o Options) (*Engine, error) {
	if o.Transport == nil {
		o.Transport = rest.NewTransport()
	}
	o.Timing = o.Timing.orDefaults()
	if models.Bad("quiet") {
		o.Timing.Quiet = time.Millisecond
	}
	if models.Bad("lease") {
		o.Timing.Lease = time.Hour
	}
	e := &Engine{Options: o, nudge: make(chan struct{}, 1), meter: newMeter(), past: newPast(shares[models.LaneBackfill].jobs)}
	client, err := newRiver(e)
	if err != nil {
		return nil, err
	}
	e.river = client
	return e, nil
}

// Run works until ctx is done, then drains: jobs under way get softStop to reach
// their next checkpoint, and claim nothing new.
func (e *Engine) Run(ctx context.Context) error {
	e.draining.Store(false)
	defer context.AfterFunc(ctx, func() { e.draining.Store(true) })()
	if err := e.river.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	beats, silent := context.WithCancel(context.WithoutCancel(ctx)) // it lives until it is drained
	var beating sync.WaitGroup
	defer beating.Wait()
	defer silent()
	beating.Go(func() { e.beatUntil(beats) })
	e.sweepUntil(ctx)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), softStop)
	defer cancel()
	if err := e.river.Stop(stop); err == nil {
		return nil
	}
	slog.Warn("jobs did not reach a checkpoint in time and are cut off")
	hard, cancelHard := context.WithTimeout(context.WithoutCancel(ctx), hardStop)
	defer cancelHard()
	return e.river.StopAndCancel(hard)
}

// over reports whether a slice that was to last until then ends now.
func (e *Engine) over(ctx context.Context, until time.Time) bool {
	return ctx.Err() != nil || e.draining.Load() || !time.Now().Before(until)
}

// Nudge makes the sweep look for due work now. It never blocks.
func (e *Engine) Nudge() {
	select {
	case e.nudge <- struct{}{}:
	default:
	}
}

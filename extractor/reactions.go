package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// side is where an error came from.
type side int

const (
	hostSide side = iota
	targetSide
)

// react is the one table from kind of error to what we do. Due times and pauses
// are written on the rows; the job itself succeeds. What happened under an old
// lease or generation is dropped.
func (e *Engine) react(ctx context.Context, l *lane, from side, failure error) {
	cut := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx) // a shutdown must not lose what we learned
	if errors.Is(failure, errFenced) || cut && endOfOurs(failure) {
		if err := e.release(ctx, l, 0, l.Failures, false); err != nil {
			slog.Error("lease not given back; it expires by itself", "connection", l.Connection, "lane", l.Kind, "error", err)
		}
		return
	}
	if err := failpoint.Hit("before reaction"); err != nil {
		return // the lease expires by itself
	}
	if err := e.reaction(ctx, l, from, failure); err != nil {
		slog.Error("reaction not written", "connection", l.Connection, "lane", l.Kind, "error", err)
	}
}

// endOfOurs reports whether work was cut off by the end of its job or of the
// process, which says nothing about the neighbour.
func endOfOurs(failure error) bool {
	return errors.Is(failure, context.Canceled) || errors.Is(failure, context.DeadlineExceeded)
}

func (e *Engine) reaction(ctx context.Context, l *lane, from side, failure error) error {
	kind := models.KindOf(failure)
	slog.Warn("lane stopped", "connection", l.Connection, "host", l.Host, "lane", l.Kind, "kind", kind, "error", failure)
	e.meter.failure(l.Kind, kind)
	wait, anew := e.backoff(l, failure), deadCursor(l, failure)
	if anew {
		wait = max(wait, e.Timing.Anew)
	}
	failures := l.Failures + 1
	if errors.Is(failure, hostapi.ErrOwnQuota) {
		failures = l.Failures // nobody failed
	}
	if err := e.release(ctx, l, wait, failures, anew); err != nil {
		return err
	}
	if from == targetSide {
		return e.reactToTarget(ctx, l, kind, failure)
	}
	return e.reactToHost(ctx, l, kind, failure, wait)
}

func (e *Engine) reactToHost(ctx context.Context, l *lane, kind models.Kind, failure error, wait time.Duration) error {
	title := e.Hosts[l.Host].Info().Title
	switch kind {
	case models.Throttled:
		return e.throttled(ctx, l, failure, wait)
	case models.Unauthorised:
		return errors.Join(
			e.Store.Deauthorise(ctx, l.Connection, l.Generation),
			e.tell(ctx, models.FailureConnection, l, fmt.Sprintf("%s no longer lets us in. The connection was disabled; reauthorise the account to resume.", title)))
	case models.Internal: // not the host's trouble
		return errors.Join(
			e.tell(ctx, models.FailureSystem, l, "Synchronising stopped at a fault of ours. We try again by ourselves; the log tells our operators."))
	}
	return errors.Join(
		e.Store.Trouble(ctx, l.Connection),
		e.tell(ctx, models.FailureIntegration, l, models.Sentence(failure, title+" does not answer as it should. We try again by ourselves.")))
}

const (
	// cursorTries is how often a cursor is tried that the host does not take, and
	// outageTries one at which it merely fails, before its window begins anew:
	// cursors die, and some hosts answer a dead one with a fault of their own.
	cursorTries = 3
	outageTries = 10
)

// deadCursor reports whether the window under way is to begin anew, because its
// cursor leads nowhere. Reading it again costs time and changes nothing.
func deadCursor(l *lane, failure error) bool {
	if l.Cursor == "" || l.Kind == models.LaneDelivery {
		return false
	}
	switch models.KindOf(failure) {
	case models.Throttled, models.Unauthorised:
		return false
	case models.Unavailable, models.Unsure:
		return errors.Is(failure, errCircle) || l.Failures+1 >= outageTries
	}
	return l.Failures+1 >= cursorTries
}

func (e *Engine) reactToTarget(ctx context.Context, l *lane, kind models.Kind, failure error) error {
	title := e.Target.Info().Title
	switch kind {
	case models.Throttled:
		return e.tell(ctx, models.FailureIntegration, l, title+" asks us to slow down. We go on by ourselves.")
	case models.Unauthorised:
		return e.doubtToken(ctx, l, title)
	case models.NotFound:
		return errors.Join(
			e.Store.PauseUnknown(ctx, l.Connection, l.Generation, e.Timing.Probe),
			e.tell(ctx, models.FailureConnection, l, title+" does not know this connection. It was disabled; we ask again by ourselves."))
	case models.Unsure, models.Unavailable:
		return e.targetFails(ctx, l, title, failure)
	}
	return e.tell(ctx, models.FailureSystem, l, "Delivering stopped at a fault of ours. We try again by ourselves; the log tells our operators.")
}

// doubtToken pauses the service on a second refusal of our own token.
func (e *Engine) doubtToken(ctx context.Context, l *lane, title string) error {
	paused, err := e.Store.DoubtToken(ctx, e.Timing.Doubt, e.Timing.Probe)
	if err != nil {
		return err
	}
	if !paused {
		return e.tell(ctx, models.FailureSystem, l, title+" refused our own token. We ask once more before we stop.")
	}
	return e.Store.RecordFailure(ctx, models.FailureSystem, nil,
		title+" refuses our own token (EXTRACTOR_TO_AVALARA_TOKEN). The connector is paused; set the right token to resume. Nothing is lost.")
}

// targetFails pauses the service when no connection had an answer for an hour.
func (e *Engine) targetFails(ctx context.Context, l *lane, title string, failure error) error {
	paused, err := e.Store.TargetFails(ctx, e.Timing.Hour, e.Timing.Probe)
	if err != nil {
		return err
	}
	if paused {
		return e.Store.RecordFailure(ctx, models.FailureSystem, nil,
			title+" did not answer for an hour. The connector is paused and resumes by itself as soon as it answers. Nothing is lost.")
	}
	return e.tell(ctx, models.FailureIntegration, l, models.Sentence(failure, title+" does not answer as it should. We try again by ourselves."))
}

// throttled makes room for a host that asked for it. Where it is our own quota
// that ended, only this lane waits: what cannot wait may still have its part.
func (e *Engine) throttled(ctx context.Context, l *lane, failure error, wait time.Duration) error {
	title := e.Hosts[l.Host].Info().Title
	if errors.Is(failure, hostapi.ErrOwnQuota) {
		return e.Store.Throttled(ctx, l.Connection, wait,
			title+" lets us ask only so often; sales arrive later, nothing is lost",
			title+" lets us ask only so often, and that is used up for now. We go on by ourselves; sales arrive later, nothing is lost.")
	}
	return errors.Join(e.slowDown(ctx, l, wait), e.Store.Throttled(ctx, l.Connection, wait,
		title+" asked us to slow down; sales arrive later, nothing is lost",
		title+" asks us to slow down. We go on by ourselves; other services that use the same account can be stopped to make room."))
}

// slowDown keeps the connection's other pulling lanes away from a host that
// asked for it.
func (e *Engine) slowDown(ctx context.Context, l *lane, wait time.Duration) error {
	_, err := e.Store.Pool.Exec(ctx, `UPDATE lanes SET due_at = greatest(due_at, now() + $2::interval), wake_after = greatest(wake_after, now() + $2::interval)
		WHERE connection_id = $1 AND kind <> 'delivery' AND due_at IS NOT NULL`, l.Connection, wait)
	return err
}

func (e *Engine) tell(ctx context.Context, t models.FailureType, l *lane, message string) error {
	return e.Store.RecordFailure(ctx, t, &l.Connection, message)
}

// backoff is how long a lane waits after a failure: as the neighbour says, else
// doubling from First to backoffMost, half of it by chance so that lanes that
// failed together do not come back together.
func (e *Engine) backoff(l *lane, failure error) time.Duration {
	var known *models.Error
	if errors.As(failure, &known) && known.RetryAfter > 0 {
		return known.RetryAfter + rand.N(known.RetryAfter/10+time.Second/models.Pace) // #nosec G404 -- spreads retries, guards nothing
	}
	first := e.Timing.First
	switch {
	case models.KindOf(failure) == models.Unauthorised && l.Kind == models.LaneDelivery:
		first = e.Timing.Doubt            // the second answer only counts that much later
		return first + rand.N(first/10+1) // #nosec G404 -- as above
	case l.Kind == models.LaneDelivery:
		first = e.Timing.Resend
	}
	wait := min(first<<min(l.Failures, 20), backoffMost)
	return wait/2 + rand.N(wait/2+1) // #nosec G404 -- as above
}

package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// mostPages is how many pages of one window we believe: a host that has more in
// two weeks never ends.
const mostPages = 200_000

// leastOverlap is how far behind its high-water mark an incremental pull starts
// again whatever the host says of itself: no two clocks agree.
const leastOverlap = 2 * time.Minute / models.Pace

// errCircle is the cause of a host's pages that lead back to where we have been.
var errCircle = errors.New("the pages go in circles")

// slice is the work on one claimed lane until its time is up.
type slice struct {
	*Engine
	lane    *lane
	host    hostapi.Host
	account hostapi.Account
	until   time.Time
	seen    map[hostapi.Cursor]bool // of this slice, to notice a host that goes in circles
	sum     counts                  // of this slice, for the activity

	// together: a window that ends without news is not settled, but its end left
	// in top, to be settled with those of other lanes.
	together bool
	top      *time.Time
}

func (e *Engine) newSlice(l *lane, until time.Time) (*slice, error) {
	account, err := e.account(l)
	if err != nil {
		return nil, err
	}
	return &slice{Engine: e, lane: l, host: e.Hosts[l.Host], account: account, until: until, seen: map[hostapi.Cursor]bool{}}, nil
}

// extract reads page after page of the lane's window. It returns nil when the
// window is read or the slice's time is up; both are already in the tables.
func (s *slice) extract(ctx context.Context) error {
	ask := s.asker()
	if ask == nil {
		return s.finishWindow(ctx) // a host that speaks by itself has no past to ask for
	}
	if err := s.shareOut(ctx); err != nil {
		return err
	}
	window := s.window()
	if !window.From.Before(window.To) {
		return s.finishWindow(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	feed := s.read(ctx, ask, window)
	defer func() { // the reader ends with its slice: nothing asks the host once the lane is another's
		stop()
		for range feed { // what was read ahead is read again
		}
	}()
	for {
		got := gather(feed)
		if s.endsStill(&got) {
			s.meter.pages.WithLabelValues(s.lane.Host).Add(float64(len(got.pages)))
			return s.finishWindow(ctx)
		}
		if len(got.pages) > 0 {
			if err := s.accept(ctx, got, advance{window: window, next: got.next, last: !got.more, wait: got.wait}); err != nil {
				return err
			}
		}
		if got.err != nil || !got.more || got.wait > 0 || s.over(ctx, s.until) {
			return got.err
		}
	}
}

// asker is how the host is asked for pages of the lane's window; nil: not at all.
func (s *slice) asker() asker {
	if b, ok := s.host.(hostapi.Backfiller); ok && s.lane.Kind == models.LaneBackfill {
		return b.Backfill
	}
	if p, ok := s.host.(hostapi.Puller); ok {
		return p.Pull
	}
	return nil
}

// window is the span of the host's updated times that the lane reads now. An
// incremental lane starts again a lookback behind its high-water mark and stops
// short of what the host may not list yet.
func (s *slice) window() models.Window {
	info := s.host.Info()
	if s.lane.Kind != models.LaneIncremental {
		w := models.Window{From: *s.lane.From, To: *s.lane.To}
		if oldest := s.lane.Now.Add(-info.History); info.History > 0 && w.From.Before(oldest) {
			w.From = oldest // what lies before, the host does not tell
		}
		return w
	}
	w := models.Window{From: s.lane.From.Add(-max(info.Lookback, info.Lag, leastOverlap)), To: earlier(s.lane.Now, time.Now()).Add(-info.Lag)}
	if s.lane.To != nil { // under way since an earlier slice
		w.To = *s.lane.To
	}
	return w
}

// earlier is the earlier of two clocks. Of the database's and ours one may be
// ahead of the host's: what it was not asked for yet must not count as read.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// accept is the one door: what pages hold goes into the ledger, together with
// the lane's new position; then the pages are answered.
func (s *slice) accept(ctx context.Context, h haul, to advance) error {
	to.pages, to.durable = h.count, h.answered()
	result, err := s.commitPast(ctx, h.readings, to)
	if err != nil {
		return err
	}
	if err := failpoint.Hit("after the page's commit"); err != nil {
		return err
	}
	s.sum.add(result.counts)
	s.lane.Cursor, s.lane.Pages = to.next, to.pages
	s.meter.pages.WithLabelValues(s.lane.Host).Add(float64(len(h.pages)))
	s.meter.page(s.lane.Host, result.counts)
	slog.Info("pages", "connection", s.lane.Connection, "host", s.lane.Host, "lane", s.lane.Kind,
		"pages", len(h.pages), "records", len(h.readings), "new", result.New, "changed", result.Changed, "bad", result.Bad)
	if result.woke {
		s.Nudge()
	}
	return h.answer(ctx)
}

func rejects(readings []reading) []hostapi.Reject {
	var all []hostapi.Reject
	for _, r := range readings {
		if r.refusal != nil {
			all = append(all, hostapi.Reject{Record: r.record, Reason: r.refusal.Message})
		}
	}
	return all
}

// endsStill reports whether the window ends with this and the slice brought no
// news: there is nothing to write but the lane's position.
func (s *slice) endsStill(h *haul) bool {
	return s.together && h.err == nil && !h.more && len(h.readings) == 0 && !h.answered() && s.sum == counts{}
}

// finishWindow records that there is nothing (more) to read.
func (s *slice) finishWindow(ctx context.Context) error {
	if s.together {
		to := s.window().To
		s.top = &to
		return nil
	}
	_, err := s.commit(ctx, nil, advance{window: s.window(), last: true})
	return err
}

// counts says what readings brought.
type counts struct{ Fetched, New, Changed, Unchanged, Bad int }

func (c *counts) add(o counts) {
	c.Fetched += o.Fetched
	c.New += o.New
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
	c.Bad += o.Bad
}

// requestedWith is the merchant's line about a window that brought something.
func (s *slice) requestedWith(sum counts, w models.Window) string {
	return fmt.Sprintf("requested sales changed from %s to %s: %d new, %d changed, %d need attention",
		s.localDay(w.From), s.localDay(w.To), sum.New, sum.Changed, sum.Bad)
}

func (s *slice) localDay(t time.Time) string { return t.In(s.account.Zone).Format(time.DateOnly) }

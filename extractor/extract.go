package extractor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// mostPages is how many pages of one window we believe: a host that has more in
// two weeks never ends.
const mostPages = 200_000

// leastOverlap is how far behind its high-water mark an incremental pull starts
// again whatever the host says of itself: no two clocks agree.
const leastOverlap = 2 * time.Minute

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
	puller, ok := s.host.(hostapi.Puller)
	if !ok {
		return s.finishWindow(ctx) // a host that speaks by itself has no past to ask for
	}
	window := s.window()
	if !window.From.Before(window.To) {
		return s.finishWindow(ctx)
	}
	for {
		page, err := s.pull(ctx, puller, window)
		if err != nil {
			return err
		}
		if err := s.checkProgress(page); err != nil {
			return err
		}
		if err := s.accept(ctx, page, advance{window: window, next: page.Next, last: !page.More}); err != nil {
			return err
		}
		if !page.More || time.Now().After(s.until) {
			return nil
		}
	}
}

// pull asks for the next page. A page that takes longer than any should, until
// its job ends, is a failure of the host.
func (s *slice) pull(ctx context.Context, puller hostapi.Puller, window models.Window) (*hostapi.Page, error) {
	begun := time.Now()
	page, err := puller.Pull(ctx, s.account, window, s.lane.Cursor)
	if err != nil && ctx.Err() != nil && time.Since(begun) >= s.Timing.Page {
		return nil, models.Errorf(models.Unavailable, "%s takes too long to answer. We try again by ourselves.", s.host.Info().Title)
	}
	return page, err
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
	w := models.Window{From: s.lane.From.Add(-max(info.Lookback, info.Lag, leastOverlap)), To: s.lane.Now.Add(-info.Lag)}
	if s.lane.To != nil { // under way since an earlier slice
		w.To = *s.lane.To
	}
	return w
}

// checkProgress refuses a page that leads back to where we have been.
func (s *slice) checkProgress(page *hostapi.Page) error {
	if !page.More {
		return nil
	}
	s.lane.Pages++
	if s.seen[page.Next] || page.Next == s.lane.Cursor || s.lane.Pages > mostPages {
		return models.Errorf(models.Unavailable, "%s keeps sending the same page. We start this part again by ourselves.", s.host.Info().Title).Because(errCircle)
	}
	s.seen[page.Next] = true
	return nil
}

// accept is the one door: what a page holds goes into the ledger, together
// with the lane's new position; then the page is answered.
func (s *slice) accept(ctx context.Context, page *hostapi.Page, to advance) error {
	readings := s.transform(s.host, page.Records)
	result, err := s.commit(ctx, readings, to)
	if err != nil {
		return err
	}
	s.sum.add(result.counts)
	s.lane.Cursor = to.next
	s.meter.page(s.lane.Host, result.counts)
	slog.Info("page", "connection", s.lane.Connection, "host", s.lane.Host, "lane", s.lane.Kind,
		"records", len(page.Records), "new", result.New, "changed", result.Changed, "bad", result.Bad)
	if result.pending {
		s.Nudge()
	}
	if page.Done == nil {
		return nil
	}
	return page.Done(ctx, rejects(readings))
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

// finishWindow records that there is nothing (more) to read.
func (s *slice) finishWindow(ctx context.Context) error {
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

package extractor

import (
	"context"
	"errors"
	"slices"
	"time"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// haulRecords is how many records are committed at a time: small pages are
	// joined until then, since each commit costs the same whatever it holds.
	haulRecords = 1000
	// haulTime is how long we wait for one more page to join.
	haulTime = time.Second / models.Pace
	// waitLeast and waitMost bound how long a host may have us wait for a page that
	// it is still making: no busy loop, and nothing is found later than a minute
	// after it is there.
	waitLeast = time.Second
	waitMost  = time.Minute
)

// asker asks a host for one page of a window.
type asker func(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error)

// waitFor is how long to wait before the page after p is asked for.
func waitFor(p *hostapi.Page) time.Duration {
	if !p.More || p.Wait <= 0 {
		return 0
	}
	return min(max(p.Wait, waitLeast), waitMost)
}

// fetched is a page that was read and understood.
type fetched struct {
	page     *hostapi.Page
	readings []reading
	count    int64 // pages of the window so far
	err      error
}

// read reads the window page by page, one ahead of the commits, until its end,
// a page that the next one has to wait for, an error or the end of ctx.
func (s *slice) read(ctx context.Context, ask asker, w models.Window) <-chan fetched {
	feed := make(chan fetched, 1)
	at, count := s.lane.Cursor, s.lane.Pages
	go func() {
		defer close(feed)
		for more := true; more; {
			f := s.fetch(ctx, ask, w, at, count+1)
			if !offer(ctx, feed, f) {
				return
			}
			if f.err != nil {
				return
			}
			at, more, count = f.page.Next, f.page.More && waitFor(f.page) == 0, count+1
		}
	}()
	return feed
}

// offer hands a page over. Where there is room it does so even at the end of
// ctx: what was learned of the host is not dropped by chance.
func offer(ctx context.Context, feed chan<- fetched, f fetched) bool {
	select {
	case feed <- f:
		return true
	default:
	}
	select {
	case feed <- f:
		return true
	case <-ctx.Done():
		return false
	}
}

// fetch reads one page and transforms its records.
func (s *slice) fetch(ctx context.Context, ask asker, w models.Window, at hostapi.Cursor, count int64) fetched {
	err := failpoint.Hit("before fetch")
	var page *hostapi.Page
	if err == nil {
		page, err = s.pull(ctx, ask, w, at)
	}
	if err == nil {
		err = errors.Join(s.checkProgress(page, at, count), failpoint.Hit("after fetch"))
	}
	if err != nil {
		return fetched{err: err}
	}
	f := fetched{page: page, readings: s.transform(s.host, page.Records), count: count}
	page.Records = nil
	letGo(f.readings)
	return f
}

// pull asks for the next page. A page that takes longer than any should, until
// its job's time is up, is a failure of the host; the end of our process is not.
func (s *slice) pull(ctx context.Context, ask asker, window models.Window, at hostapi.Cursor) (*hostapi.Page, error) {
	begun := time.Now()
	page, err := ask(rest.Together(ctx), s.account, window, at)
	if ctx.Err() == nil || time.Since(begun) >= s.Timing.Page {
		s.silence.note(s.lane.Host, s.inVain(begun, err))
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(begun) >= s.Timing.Page {
		return nil, models.Errorf(models.Unavailable, "%s takes too long to answer. We try again by ourselves.", s.host.Info().Title)
	}
	return page, err
}

// checkProgress refuses a page that leads back to where we have been, unless the
// host asks us to come back.
func (s *slice) checkProgress(page *hostapi.Page, at hostapi.Cursor, count int64) error {
	if !page.More {
		return nil
	}
	back := waitFor(page) == 0 && (s.seen[page.Next] || page.Next == at)
	if back || count > mostPages {
		return models.Errorf(models.Unavailable, "%s keeps sending the same page. We start this part again by ourselves.", s.host.Info().Title).Because(errCircle)
	}
	s.seen[page.Next] = true
	return nil
}

// haul is what one commit brings into the ledger.
type haul struct {
	pages    []fetched
	readings []reading
	next     hostapi.Cursor
	more     bool
	count    int64
	wait     time.Duration // before the next page; 0 = none
	err      error         // what ended the reading, after these pages
}

// gather joins pages until they are worth a commit. It waits for the first one,
// and for others only a moment.
func gather(feed <-chan fetched) haul {
	h := haul{more: true}
	patience := time.NewTimer(haulTime)
	defer patience.Stop()
	for len(h.readings) < haulRecords && h.more && h.wait == 0 && h.err == nil {
		if len(h.pages) == 0 {
			h.add(<-feed)
			continue
		}
		select {
		case f, ok := <-feed:
			if !ok {
				return h
			}
			h.add(f)
		case <-patience.C:
			return h
		}
	}
	return h
}

func (h *haul) add(f fetched) {
	if f.page == nil {
		h.err = f.err
		if f.err == nil {
			h.err = context.Canceled // the reader was stopped
		}
		return
	}
	h.pages = append(h.pages, f)
	h.readings = append(h.readings, f.readings...)
	h.next, h.more, h.count, h.wait = f.page.Next, f.page.More, f.count, waitFor(f.page)
}

// answered reports whether the host waits to hear what became of its pages.
func (h *haul) answered() bool {
	return slices.ContainsFunc(h.pages, func(f fetched) bool { return f.page.Done != nil })
}

// answer tells the host what became of each page.
func (h *haul) answer(ctx context.Context) error {
	var failed error
	for _, f := range h.pages {
		if f.page.Done != nil {
			failed = errors.Join(failed, f.page.Done(ctx, rejects(f.readings)))
		}
	}
	return failed
}

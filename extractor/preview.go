package extractor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// previewPages is how many pages a preview reads: tens of thousands of sales,
	// and little of a host's quota.
	previewPages = 200
	// previewsAtOnce is how many previews one process works on: each keeps what it
	// read in memory, a few tens of megabytes at the most.
	previewsAtOnce = 2
)

// Preview reads the host as a sync from a start date on would, nil being the
// connection's own, and tells what would be sent. Nothing is written and nothing
// is sent: only the access token may be renewed on the way, which cannot wait,
// and what is asked of the host counts in its quota. The kinds of its error:
// Conflict = the connection is not ready, Throttled because of ErrPreviewBusy =
// one is under way; any other is the host's, met before anything was read.
func (e *Engine) Preview(ctx context.Context, c *models.Connection, start *time.Time) (*models.Preview, error) {
	if start == nil {
		start = c.StartDate
	}
	puller, err := e.previewable(c, start)
	if err != nil {
		return nil, err
	}
	leave, err := e.previews.enter(c.ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := e.newPreview(ctx, c, *start)
	if err != nil {
		return nil, err
	}
	if err := p.read(ctx, puller); err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "preview", "connection", c.ID, "host", c.Host, "records", p.fetched, "complete", p.result.Stopped == "")
	return p.tell(ctx)
}

// previewable says what a connection lacks to be previewed.
func (e *Engine) previewable(c *models.Connection, start *time.Time) (hostapi.Puller, error) {
	title := e.Store.Title(c.Host)
	puller, ok := e.Hosts[c.Host].(hostapi.Puller)
	switch {
	case !ok:
		return nil, models.Errorf(models.Conflict, "%s cannot be asked for its past, so there is nothing to preview.", title)
	case !c.Authorized:
		return nil, models.Errorf(models.Conflict, "%s does not let us in yet. Authenticate the account first; then it can be previewed.", title)
	case start == nil:
		return nil, models.Errorf(models.Conflict, `This connection has no start date yet. Send one along, such as {"startDate": "2026-01-01"}.`)
	}
	return puller, nil
}

// previews are those under way in this process. Other processes have their own:
// the limit guards the memory of each, and a host is guarded by its quota.
type previews struct {
	mu       sync.Mutex
	underWay map[int64]bool
}

// enter begins a preview of a connection, if there is room.
func (p *previews) enter(connection int64) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.underWay[connection]:
		return nil, models.Errorf(models.Throttled, "A preview of this connection is under way already. Wait for its answer.").Because(models.ErrPreviewBusy)
	case len(p.underWay) >= previewsAtOnce:
		return nil, models.Errorf(models.Throttled, "Other previews are under way. Please try again in some seconds.").Because(models.ErrPreviewBusy)
	case p.underWay == nil:
		p.underWay = map[int64]bool{}
	}
	p.underWay[connection] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.underWay, connection)
	}, nil
}

// preview is one under way: a slice of work without a lane.
type preview struct {
	*slice
	foreseen
	window  models.Window
	fetched int
	result  models.Preview
}

func (e *Engine) newPreview(ctx context.Context, c *models.Connection, start time.Time) (*preview, error) {
	now, err := e.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	from := models.ReadFrom(start)
	l := &lane{
		Connection: c.ID, Host: c.Host, HostAccount: c.HostAccount, Zone: c.Zone, Settings: c.Settings,
		Kind: models.LaneBackfill, From: &from, To: &now, Now: now,
	}
	s, err := e.newSlice(l, now.Add(e.Timing.Preview))
	if err != nil {
		return nil, err
	}
	s.account.Client = hostapi.NewClient(e.Store, s.host, c, e.Transport) // a person waits
	p := &preview{slice: s, foreseen: newForeseen(start.Format(time.DateOnly)), window: s.window(), result: models.Preview{StartDate: start}}
	if s.cutShort(p.window) {
		p.result.Stopped = fmt.Sprintf("%s tells nothing that changed before %s.", s.host.Info().Title, s.localDay(p.window.From))
	}
	return p, nil
}

// read reads until the last page or a limit, and decides upon what it read, as
// many records at a time as a commit joins.
func (p *preview) read(ctx context.Context, puller hostapi.Puller) error {
	if !p.window.From.Before(p.window.To) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, p.Timing.Preview)
	defer cancel()
	var waiting []reading
	for pages, at, more := 1, hostapi.Cursor(""), true; more; pages++ {
		f := p.fetch(limited, puller.Pull, p.window, at, int64(pages))
		if f.err != nil {
			if err := p.broken(ctx, limited, f.err, pages == 1); err != nil {
				return err
			}
			break
		}
		waiting = append(waiting, f.readings...)
		if len(waiting) >= haulRecords {
			if err := p.foresee(ctx, waiting); err != nil {
				return err
			}
			waiting = nil
		}
		at, more = f.page.Next, f.page.More && p.goOn(limited, pages, f.page.Wait)
	}
	return p.foresee(ctx, waiting)
}

// goOn reports whether another page is to be asked for, once the host is ready.
func (p *preview) goOn(limited context.Context, pages int, wait time.Duration) bool {
	switch {
	case pages == previewPages:
		p.stop(fmt.Sprintf("We stopped after %d pages; what changed later is not counted. Choose a later start date to see it all.", previewPages))
		return false
	case !pause(limited, wait):
		p.stop(fmt.Sprintf(tooLong, p.Timing.Preview))
		return false
	}
	return true
}

const tooLong = "We stopped after %s; what changed later is not counted. Choose a later start date to see it all."

// broken ends the reading before its time: with an error if nothing was read,
// else with a sentence about the rest.
func (p *preview) broken(ctx, limited context.Context, err error, first bool) error {
	title := p.host.Info().Title
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // nobody waits any more
	case limited.Err() != nil && first:
		return models.Errorf(models.Unavailable, "%s did not answer within %s. Please try again later.", title, p.Timing.Preview)
	case limited.Err() != nil:
		p.stop(fmt.Sprintf(tooLong, p.Timing.Preview))
		return nil
	case first:
		return err
	}
	slog.WarnContext(ctx, "preview broke off", "connection", p.lane.Connection, "host", p.lane.Host, "error", err)
	p.stop(models.Sentence(err, title+" does not answer as it should.") + " Only what was read before is counted.")
	return nil
}

func (p *preview) stop(why string) { p.result.Stopped = why }

// pause waits, unless ctx ends before.
func pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// foresee decides what the readings would do to the ledger.
func (p *preview) foresee(ctx context.Context, readings []reading) error {
	p.fetched += len(readings)
	return p.look(ctx, func(tx pgx.Tx) error {
		markRepeats(readings)
		for _, byKey := range []bool{false, true} { // as slice.commit tries
			changed, err := p.changes(ctx, tx, readings, byKey)
			if err != nil {
				return err
			}
			clash, err := p.clash(ctx, tx, p.lane.Connection, changed)
			if err != nil {
				return err
			}
			if !clash || byKey {
				p.keep(changed)
				return nil
			}
		}
		return nil
	})
}

// changes are the entries that the readings would change, in a copy.
func (p *preview) changes(ctx context.Context, tx pgx.Tx, readings []reading, byKey bool) (changed []*entry, err error) {
	readings, have, err := p.having(ctx, tx, p.lane.Connection, readings, byKey)
	if err != nil {
		return nil, err
	}
	b := &book{
		start: p.start, now: p.lane.Now, zone: p.account.Zone, closeDay: p.PeriodCloseDay, history: true,
		stored: func(ref models.Ref) (payload, held []byte) { return loadPayload(ctx, tx, p.lane.Connection, ref) },
	}
	for i := range readings {
		changed = append(changed, b.decide(&readings[i], have[readings[i].name()]).entries...)
	}
	return changed, nil
}

// look reads the ledger in a transaction that is not able to write.
func (p *preview) look(ctx context.Context, read func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, p.Store.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, read)
}

package extractor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/internal/failpoint"
	"extractor/models"
)

// pullsSQL leases due incremental lanes, the longest due first. A connection has
// one such lane, so there are no turns to be kept among its own.
const pullsSQL = `
WITH picked AS (
  SELECT l.id FROM lanes l JOIN connections c ON c.id = l.connection_id
  WHERE l.kind = 'incremental' AND l.due_at <= now() AND (l.leased_until IS NULL OR l.leased_until <= now())
    AND c.active AND c.host = ANY($2::text[]) AND EXISTS (SELECT 1 FROM service s WHERE s.enabled AND s.pause = '')
  ORDER BY l.due_at LIMIT $1 FOR UPDATE OF l SKIP LOCKED)
` + leaseSQL

// claimPulls leases up to limit due incremental lanes of some hosts.
func (e *Engine) claimPulls(ctx context.Context, hosts []string, limit int) ([]*lane, error) {
	rows, err := e.Store.Pool.Query(ctx, pullsSQL, limit, hosts, e.Timing.Lease)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[lane])
}

// pulls is one job on incremental lanes. Most of them bring no news, so they are
// claimed and settled many at a time; only what is between is each one's own.
// A lane that takes long holds up no other: the job claims more while it lasts.
type pulls struct {
	*Engine
	until   time.Time
	claimed []*lane
	next    time.Time     // no claim before: the last one found all there was
	room    chan struct{} // holds one for each lane under way
	ended   chan struct{} // told when one of them ends
	still   chan still    // those without news
	trial   atomic.Int64  // the lane on which silent hosts are tried; 0: none
	wg      sync.WaitGroup
}

// workPulls looks at due incremental lanes until none is due or the slice is over.
func (e *Engine) workPulls(ctx context.Context, until time.Time) error {
	s := shares[models.LaneIncremental]
	p := &pulls{Engine: e, until: until, room: make(chan struct{}, s.width), ended: make(chan struct{}, 1), still: make(chan still, s.chunk)}
	var settler sync.WaitGroup
	settler.Go(func() { e.settleStill(ctx, p.still) })
	err := p.run(ctx)
	p.wg.Wait()
	close(p.still)
	settler.Wait()
	e.giveBack(ctx, p.claimed...)
	return err
}

func (p *pulls) run(ctx context.Context) error {
	for !p.over(ctx, p.until) {
		if err := p.claimMore(ctx); err != nil {
			return err
		}
		switch {
		case len(p.claimed) > 0:
			p.begin(ctx)
		case len(p.room) > 0:
			p.rest(ctx)
		default:
			return nil
		}
	}
	return nil
}

// claimMore claims a chunk when the last one is used up. After one that was not
// full it leaves time for more to fall due: each claim costs about the same.
func (p *pulls) claimMore(ctx context.Context) (err error) {
	if len(p.claimed) > 0 || time.Now().Before(p.next) {
		return nil
	}
	chunk := shares[models.LaneIncremental].chunk
	answering, silent := p.byVoice()
	p.claimed, err = p.claimPulls(ctx, answering, chunk)
	if len(p.claimed) < chunk {
		p.next = time.Now().Add(p.Timing.Sweep)
	}
	if err != nil || len(silent) == 0 || p.trial.Load() != 0 {
		return err
	}
	one, err := p.claimPulls(ctx, silent, 1)
	if len(one) > 0 {
		p.trial.Store(one[0].ID)
		p.claimed = append(one, p.claimed...)
	}
	return err
}

// begin looks at the next lane as soon as there is room.
func (p *pulls) begin(ctx context.Context) {
	l := p.claimed[0]
	p.claimed = p.claimed[1:]
	if p.silence.of(l.Host) && l.ID != p.trial.Load() { // since it was claimed
		p.giveBack(ctx, l)
		return
	}
	p.room <- struct{}{}
	p.wg.Go(func() {
		p.look(ctx, l)
		p.trial.CompareAndSwap(l.ID, 0)
		<-p.room
		select {
		case p.ended <- struct{}{}:
		default:
		}
	})
}

// rest waits until a lane under way ends, or it is worth another claim.
func (p *pulls) rest(ctx context.Context) {
	pause := time.NewTimer(p.Timing.Sweep)
	defer pause.Stop()
	select {
	case <-p.ended:
	case <-pause.C:
	case <-ctx.Done():
	}
}

func (p *pulls) look(ctx context.Context, l *lane) {
	if p.over(ctx, p.until) {
		p.giveBack(ctx, l)
		return
	}
	if failpoint.Hit("after claim") != nil {
		return // the lease expires by itself
	}
	s, err := p.newSlice(l, p.until)
	if err == nil {
		s.together = true
		err = s.extract(ctx)
	}
	if err == nil && s.top != nil {
		p.still <- still{l, *s.top}
		return
	}
	p.finish(ctx, l, hostSide, err)
}

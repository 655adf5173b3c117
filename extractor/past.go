package extractor

import (
	"context"
	"math"
	"sync"
	"time"

	"extractor/models"
)

const (
	// pastCommits is how many commits of the past one process has under way: two
	// keep a database busy. Who waits for a turn holds no session meanwhile, which
	// news and deliveries need.
	pastCommits = 2
	// leastLanes of the past may always be under way.
	leastLanes = pastCommits
	// idleWanted is the part of the time without any commit of the past from which
	// on more lanes are worth their memory. idleSpare is that below which one less
	// would do, if lanes wait for their turn for more than spareWait of the time that
	// turn and commit take: a busy machine alone is no sign of too many.
	idleWanted, idleSpare, spareWait = 0.1, 0.02, 1.0 / 3
	// latest is the weight of the latest commit in these parts: a few of them tell.
	latest = 0.25
	// idleLong is a time without any commit that tells by itself: two lanes of a
	// host that answers at once have read what a commit holds in less.
	idleLong = 100 * time.Millisecond
)

// past shares one process among the lanes of the past: so many of them are under
// way as keep commits going, few where hosts answer at once and more where they
// take their time. What waits to be committed fills memory, and wins nothing.
type past struct {
	most  int           // lanes at once
	turns chan struct{} // holds one for each commit under way

	mu      sync.Mutex
	room    int           // lanes that may be under way
	lanes   int           // that are
	more    chan struct{} // closed when there may be room again
	commits int           // under way
	since   time.Time     // when there was none any more, or it was last too long ago
	idle    float64       // part of the time without any, as of late
	waiting float64       // part of a commit that is waiting for its turn, as of late
}

func newPast(most int) *past {
	return &past{most: most, turns: make(chan struct{}, pastCommits), room: leastLanes, more: make(chan struct{})}
}

// enter begins a lane as soon as there is room; false: over came first.
func (p *past) enter(over func() bool) bool {
	for !over() {
		full := p.tryEnter(time.Now())
		if full == nil {
			return true
		}
		look := time.NewTimer(idleLong)
		select {
		case <-full:
		case <-look.C:
		}
		look.Stop()
	}
	return false
}

// tryEnter begins a lane, or gives what is closed when there may be room.
func (p *past) tryEnter(now time.Time) (full <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lanes == 0 {
		p.since = now // there was nothing to commit
	}
	if p.commits == 0 && now.Sub(p.since) >= idleLong {
		p.since = now
		p.grow(2 * p.lanes)
	}
	if p.lanes >= p.room {
		return p.more
	}
	p.lanes++
	return nil
}

// leave ends a lane. Where it was one too many, its room goes with it. Lanes that
// began together end together: whether there is yet another one too many, the
// commits after that tell.
func (p *past) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lanes--; p.idle < idleSpare && p.waiting > spareWait && p.room > leastLanes {
		p.room--
		p.waiting = 0
	}
	p.tell()
}

// grow makes room for so many lanes, if all there is is in use.
func (p *past) grow(lanes int) {
	if p.lanes < p.room || p.room == p.most {
		return
	}
	p.room = min(p.most, lanes)
	p.tell()
}

// tell wakes those who wait for room.
func (p *past) tell() {
	close(p.more)
	p.more = make(chan struct{})
}

// commit runs do in its turn.
func (p *past) commit(ctx context.Context, do func() error) error {
	asked := time.Now()
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turns }()
	begun := time.Now()
	idle := p.begin(begun)
	defer func() { p.end(spell{idle: idle, wait: begun.Sub(asked), took: time.Since(begun)}) }()
	return do()
}

// spell is how long one commit took, how long it had waited for its turn, and for
// how long there had been none.
type spell struct{ idle, wait, took time.Duration }

// begin notes that a commit begins, and tells for how long there was none.
func (p *past) begin(now time.Time) (idle time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.commits == 0 {
		idle = now.Sub(p.since)
	}
	p.commits++
	return idle
}

// end notes that a commit ended. Where commits wait for pages it makes room for as
// many lanes as would keep them going.
func (p *past) end(s spell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits--
	p.since = time.Now()
	p.idle += latest * (part(s.idle, s.took) - p.idle)
	p.waiting += latest * (part(s.wait, s.took) - p.waiting)
	if p.idle > idleWanted {
		p.grow(int(math.Ceil(float64(p.lanes) / (1 - p.idle))))
	}
}

// part is the part of both together that one time is.
func part(one, other time.Duration) float64 {
	return one.Seconds() / max(one+other, 1).Seconds()
}

// workPast works on one window of the past after the other, while there is room.
func (e *Engine) workPast(ctx context.Context, until time.Time) error {
	for e.past.enter(func() bool { return e.over(ctx, until) }) {
		worked, err := e.workSome(ctx, models.LaneBackfill, until)
		e.past.leave()
		if err != nil || !worked {
			return err
		}
	}
	return nil
}

// commitPast commits pages of the past in their turn, and news at once.
func (s *slice) commitPast(ctx context.Context, readings []reading, to advance) (c committed, err error) {
	if s.lane.Kind != models.LaneBackfill {
		return s.commit(ctx, readings, to)
	}
	err = s.past.commit(ctx, func() error {
		c, err = s.commit(ctx, readings, to)
		return err
	})
	return c, err
}

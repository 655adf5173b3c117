package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// stormTime is how long workload and faults last in one schedule.
	stormTime = 9 * time.Second
	// workEvery and faultEvery are the mean times between two of a kind.
	workEvery  = 220 * time.Millisecond
	faultEvery = 480 * time.Millisecond
)

// step is one thing that happens in a schedule. All of it is drawn before the
// schedule begins, so that a seed always gives the same steps; what a step is
// about, such as which order is refunded, is drawn from its own number.
type step struct {
	at   time.Duration
	what string
	pick uint64
	long time.Duration // of faults
}

// random is the step's own source of chance.
func (s step) random() *rand.Rand { return rand.New(rand.NewPCG(s.pick, 7)) }

// plan is what a seed means.
type plan struct {
	seed      uint64
	roles     []string // of the processes
	sizes     []int    // orders of each merchant at the beginning
	tokenLife time.Duration
	work      []step
	faults    []step
	env       []string      // more variables of the processes
	explains  bool          // they fail by themselves, which explains what only faults explain
	strict    bool          // nothing is excused
	place     string        // of the code, which fails in each way once
	unarmed   string        // a place that kills nobody before a step arms it
	start     int           // days before today of the first start date
	news      news          // how changes at the host become known
	skew      time.Duration // how far the clock of Postgres is ahead of the processes'
}

// The roles of a process: what a Procfile would say of it.
const (
	roleBoth   = "serve"            // API and workers
	roleWeb    = "serve, WORKERS=0" // the API alone
	roleWorker = "worker"
)

// skews are how far the clock of Postgres is ahead. One that is behind is set
// right at the end: each change is read that much later, and no schedule waits
// for hours.
var skews = []time.Duration{0, jump, -jump}

func draw(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := plan{seed: seed, start: firstStart, roles: []string{roleBoth, roleWorker}, tokenLife: time.Duration(1500+r.IntN(4000)) * time.Millisecond}
	more := [][]string{nil, {roleWeb}, {roleWorker}, {roleWeb, roleWorker}, {roleBoth, roleWorker}}
	p.roles = append(p.roles, more[r.IntN(len(more))]...)
	p.sizes = []int{500 + r.IntN(700), 60 + r.IntN(200), 3 + r.IntN(15)}
	p.work = drawSteps(r, workEvery, works)
	p.faults = append(drawSteps(r, faultEvery, faults), drawRelease(seed)...)
	p.skew = pickOf(r, skews)
	if p.news = pickOf(r, []news{byBoth, byBoth, byNotices}); p.news == byNotices {
		p.env = append(p.env, rareLooks)
	}
	return p
}

// weighted is what a table of works or faults tells of its rows.
type weighted interface {
	odds() (name string, weight int)
}

func drawSteps[T weighted](r *rand.Rand, every time.Duration, table []T) (steps []step) {
	sum := 0
	for _, row := range table {
		_, weight := row.odds()
		sum += weight
	}
	for at := time.Duration(r.Int64N(int64(every))); at < stormTime; at += every/4 + time.Duration(r.Int64N(int64(every*3/2))) {
		steps = append(steps, step{at, drawName(r.IntN(sum), table), r.Uint64(), 200*time.Millisecond + time.Duration(r.Int64N(int64(1500*time.Millisecond)))})
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return steps
}

func drawName[T weighted](n int, table []T) string {
	for _, row := range table {
		name, weight := row.odds()
		if n -= weight; n < 0 {
			return name
		}
	}
	return ""
}

package main

import (
	"context"
	"math/rand/v2"
	"time"

	"extractor/sandbox"
)

// lateLeast is how late a request takes effect at the target at least, and
// lateMore by how much more at most.
const (
	lateLeast = 300 * time.Millisecond
	lateMore  = 3 * time.Second
)

// hostFaults are those of the host, its token endpoint included.
var hostFaults = []trouble{
	atHost("429", "15", sideListing, 2, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultThrottle, Count: 1 + r.IntN(3), RetryAfter: pickOf(r, retryAfters)}
	}),
	atHost("500", "16", sideListing, 2, counted(sandbox.FaultError)),
	atHost("torn JSON", "18", sideListing, 2, counted(sandbox.FaultTorn)),
	atHost("cut in the page", "16", sideListing, 2, counted(sandbox.FaultCut)),
	atHost("a web page instead", "16", sideListing, 2, counted(sandbox.FaultHTML)),
	atHost("slow", "14", sideListing, 2, slow("")),
	atHost("a page twice", "19", sideListing, 2, counted(sandbox.FaultRepeat)),
	atHost("an empty page with a next", "19", sideListing, 1, counted(sandbox.FaultEmpty)),
	atHost("changes listed late", "20", sideListing, 2, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultLate, DelayMS: 300 + r.IntN(2000)}
	}),
	{"host: orders never listed", sideListing, "20", 2, dropOrders},
	atHost("access tokens die early", "17", sideToken, 3, func(*rand.Rand) sandbox.Fault { return sandbox.Fault{Kind: sandbox.FaultExpired} }),
	{"host: a storm of notices", sideHost, "31", 3, noticeStorm},
	{"host: access withdrawn", sideToken, "17", 1, withdraw},
	atHost("token answer lost", "29", sideToken, 2, atToken(counted(sandbox.FaultLost))),
	atHost("token endpoint 500", "30", sideToken, 1, atToken(counted(sandbox.FaultError))),
	atHost("token endpoint 429", "30", sideToken, 1, atToken(counted(sandbox.FaultThrottle))),
	atHost("token endpoint slow", "30", sideToken, 2, slow("token")),
}

// retryAfters are honest, odd and absurd.
var retryAfters = []string{"1", "0", "2", "-5", "soon", "999999999999", "Thu, 01 Jan 2099 00:00:00 GMT", "1e9"}

func pickOf[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func atHost(name, row string, about side, weight int, draw func(*rand.Rand) sandbox.Fault) trouble {
	return trouble{"host: " + name, about, row, weight, func(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
		s.world.Host.AddFault(draw(r))
		return nothing // used up by requests, or ended when the storm is over
	}}
}

func counted(kind string) func(*rand.Rand) sandbox.Fault {
	return func(r *rand.Rand) sandbox.Fault { return sandbox.Fault{Kind: kind, Count: 1 + r.IntN(3)} }
}

func slow(door string) func(*rand.Rand) sandbox.Fault {
	return func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultSlow, Door: door, Count: 1 + r.IntN(4), DelayMS: 50 + r.IntN(2500)}
	}
}

func atToken(draw func(*rand.Rand) sandbox.Fault) func(*rand.Rand) sandbox.Fault {
	return func(r *rand.Rand) sandbox.Fault {
		f := draw(r)
		f.Door = "token"
		return f
	}
}

// withdraw takes a merchant's access back, until he lets us in again.
func withdraw(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
	account := s.merchants[r.IntN(len(s.merchants))].account
	s.mu.Lock()
	s.withdrawn = append(s.withdrawn, account)
	s.mu.Unlock()
	s.world.Host.AddFault(sandbox.Fault{Kind: sandbox.FaultRevoked, Account: account})
	return nothing
}

// dropOrders makes orders that the listing by updated time never shows again.
// They are of the days that tonight's recount lists: the last eight that are over.
func dropOrders(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
	m := s.merchants[r.IntN(len(s.merchants))]
	before, after := time.Now().Add(-36*time.Hour).UTC().Format(time.RFC3339), time.Now().AddDate(0, 0, -7).UTC().Format(time.RFC3339)
	var old []string
	for _, o := range s.world.Host.Truth(m.account) {
		if o.CreatedAt < before && o.CreatedAt > after {
			old = append(old, o.ID)
		}
	}
	if len(old) == 0 {
		return nil
	}
	first := r.IntN(len(old))
	some := old[first:min(len(old), first+1+r.IntN(20))]
	s.mu.Lock()
	s.dropped = append(s.dropped, some...)
	s.mu.Unlock()
	s.world.Host.AddFault(sandbox.Fault{Kind: sandbox.FaultDropped, Orders: some})
	return nothing
}

// fewFault makes deliveries long, so that much can happen between two batches.
const fewFault = "takes few at a time, slowly"

// targetFaults are those of TrustFile.
var targetFaults = []trouble{
	atTarget("takes all, answer lost", "22", 4, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultTimeout, Count: 1 + r.IntN(2), DelayMS: r.IntN(2500)}
	}),
	atTarget("takes all late, answer lost", "23", 4, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultLate, Count: 1 + r.IntN(2), DelayMS: int(lateLeast.Milliseconds()) + r.IntN(int(lateMore.Milliseconds()))}
	}),
	atTarget("takes half", "24", 3, targetCounted(sandbox.FaultPartial)),
	atTarget("400 that names items", "25", 2, nil),
	atTarget("400 that names nothing", "25", 1, func(*rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultRefuse, DataPath: ".items", Count: 1}
	}),
	atTarget("401", "26", 1, targetCounted(sandbox.FaultToken)),
	atTarget("404", "26", 1, targetCounted(sandbox.FaultUnknown)),
	atTarget("413", "26", 2, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultTooLarge, Count: 1 + r.IntN(5), Limit: 5 + r.IntN(60)}
	}),
	atTarget(fewFault, "14, 26", 3, nil),
	atTarget("429", "26", 1, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultThrottle, Count: 1 + r.IntN(2), RetryAfter: pickOf(r, retryAfters[:5])}
	}),
	atTarget("500", "26", 2, targetCounted(sandbox.FaultError)),
	atTarget("a web page instead", "26", 1, targetCounted(sandbox.FaultHTML)),
	atTarget("slow", "14, 26", 3, func(r *rand.Rand) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultSlow, Count: 1 + r.IntN(5), DelayMS: 50 + r.IntN(2500)}
	}),
}

func targetCounted(kind string) func(*rand.Rand) sandbox.Fault { return counted(kind) }

func atTarget(name, row string, weight int, draw func(*rand.Rand) sandbox.Fault) trouble {
	return trouble{"trustfile: " + name, sideTarget, row, weight, func(_ context.Context, s *stage, _ step, r *rand.Rand) func() {
		var f sandbox.Fault
		switch {
		case draw != nil:
			f = draw(r)
		case name == fewFault:
			s.world.TrustFile.AddFault(sandbox.Fault{Kind: sandbox.FaultTooLarge, Limit: 4 + r.IntN(20)}) // until the storm is over
			f = sandbox.Fault{Kind: sandbox.FaultSlow, Count: 20 + r.IntN(40), DelayMS: 50 + r.IntN(200)}
		default:
			f = refuseSome(s, r)
		}
		s.world.TrustFile.AddFault(f)
		return nothing
	}}
}

// refuseSome refuses some orders' sales, each time they come, until the storm is over.
func refuseSome(s *stage, r *rand.Rand) sandbox.Fault {
	m := s.merchants[r.IntN(len(s.merchants))]
	f := sandbox.Fault{Kind: sandbox.FaultRefuse, Count: 1 + r.IntN(3)}
	orders := s.world.Host.Truth(m.account)
	for range 1 + r.IntN(3) {
		f.Items = append(f.Items, orders[len(orders)-1-r.IntN(min(len(orders), 30))].ID)
	}
	return f
}

package main

import (
	"slices"
	"time"

	"extractor/sandbox"
)

// wireRoom is how long after a bad network's end something may still be on its way.
const wireRoom = 2500 * time.Millisecond

// halted checks that nothing was sent once a switch-off, a new name or a
// deletion was answered (I5).
func (c *checker) halted() {
	for _, h := range c.halts {
		for _, r := range c.world.TrustFile.Requests(h.name) {
			if !r.Started.After(h.from) || !h.to.IsZero() && r.Started.After(h.to) {
				continue
			}
			if c.excused(r.Started, wireRoom, sideTarget, sideProcess) {
				c.unjudged++ // bytes that were on their way when their sender died, or stood still
				continue
			}
			c.fail("I5", "a request with %d items reached the target under %s %s after the answer that %s",
				r.Items, h.name, r.Started.Sub(h.from).Round(time.Millisecond), h.why)
		}
	}
}

// oneAtATime checks that no two requests of a name were under way together: the
// order of effects depends on it (I3).
func (c *checker) oneAtATime() {
	for name := range c.world.TrustFile.Stats() {
		all := c.world.TrustFile.Requests(name)
		for i := 1; i < len(all); i++ {
			before, r := all[i-1], all[i]
			if before.Ended.IsZero() || !before.Ended.After(r.Started) {
				continue
			}
			if c.excused(r.Started, wireRoom, sideTarget, sideProcess, sidePostgres) {
				c.unjudged++ // the target was still at a request whose sender was gone
				continue
			}
			c.fail("I3", "two requests of %s were under way at once: number %d for %s more", name, before.Number,
				before.Ended.Sub(r.Started).Round(time.Millisecond))
		}
	}
}

// refreshes checks that the refreshes of an account never meet, and that none
// comes before it is time (I6), in the token endpoint's own history.
func (c *checker) refreshes() {
	last := map[string][]sandbox.TokenCall{}
	for _, call := range c.world.Host.TokenCalls() {
		for _, before := range last[call.Shop] {
			if (before.Ended.IsZero() || before.Ended.After(call.Started)) && !c.explained(call.Started) {
				c.fail("I6", "two refreshes of %s were in flight together, %s apart", call.Shop, call.Started.Sub(before.Started).Round(time.Millisecond))
			}
		}
		if i := slices.IndexFunc(last[call.Shop], func(b sandbox.TokenCall) bool { return b.Renewed }); i >= 0 && call.Renewed {
			// Anew after at least half of a token's life: ours are replaced at four fifths of it.
			if apart := call.Started.Sub(last[call.Shop][i].Started); apart < toldLife(c.plan.tokenLife)/2 && !c.explained(call.Started) {
				c.fail("I6", "%s was given two new tokens %s apart, although each lives %s", call.Shop, apart.Round(time.Millisecond), c.plan.tokenLife)
			}
		}
		keep := last[call.Shop]
		if call.Renewed {
			keep = slices.DeleteFunc(keep, func(b sandbox.TokenCall) bool { return b.Renewed })
		}
		last[call.Shop] = append(keep, call)
	}
}

// toldLife is a token's life as the OAuth server tells it: in whole seconds, of
// what is left when it answers.
func toldLife(life time.Duration) time.Duration { return (life - 1).Truncate(time.Second) }

// explained reports whether a refresh may have been repeated for a good reason:
// its answer, or who waited for it, was lost, or the token had died early.
func (c *checker) explained(at time.Time) bool {
	if c.excused(at, wireRoom, sideToken, sideHost, sideProcess, sidePostgres) {
		c.unjudged++
		return true
	}
	return false
}

// answers checks that each call of the API was answered in time, unless its wire
// failed, or its process was killed or stood still (P5).
func (c *checker) answers() {
	for _, a := range c.consumer.late {
		excused := false
		for at := a.from; at.Before(a.to) && !excused; at = at.Add(100 * time.Millisecond) {
			excused = c.excused(at, wireRoom, sideAPI, sideProcess)
		}
		if excused {
			c.unjudged++
			continue
		}
		c.fail("P5", "a %s was not answered within %s, from %s", a.what, answerLimit, a.from.Format(time.RFC3339Nano))
	}
}

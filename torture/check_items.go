package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"extractor/models"
	"extractor/sandbox"
)

// applied is one version of an item as it took effect at the target.
type applied struct {
	at      time.Time
	amounts amounts
	name    string
	request int
}

// taken are the versions that the target applied in a connection's life, from
// the target's own history.
func (c *checker) taken(l *life) map[key][]applied { return c.applied(l, l.begin) }

// former are the versions that the target applied before a connection's life
// under the names that it has had: of a connection that was deleted, and created
// anew under its id.
func (c *checker) former(l *life) map[key][]applied {
	all := c.applied(l, time.Time{})
	for k := range c.taken(l) {
		delete(all, k)
	}
	return all
}

// applied are the versions that the target applied from a time until a
// connection's end, under all its names, oldest first.
func (c *checker) applied(l *life, from time.Time) map[key][]applied {
	all := map[key][]applied{}
	for _, span := range l.names {
		for _, h := range c.world.TrustFile.Items(span.name) {
			for _, v := range h.Versions {
				if v.Inexact {
					c.fail("I10", "%s was sent with amounts finer than a cent", key{h.ItemID, h.Refund})
				}
				// The history counts in milliseconds.
				if v.At.Before(from.Truncate(time.Millisecond)) || !l.end.IsZero() && v.At.After(l.end) || !span.to.IsZero() && v.At.After(c.reused(span)) {
					continue
				}
				k := key{h.ItemID, h.Refund}
				all[k] = append(all[k], applied{v.At, amounts{v.SalesAmount, v.SalesTax, v.ShippingAmount, v.ShippingTax}, span.name, v.Request})
			}
		}
	}
	for _, versions := range all {
		slices.SortStableFunc(versions, func(a, b applied) int { return a.at.Compare(b.at) })
	}
	return all
}

// reused is when another connection took over a name that this one gave up.
func (c *checker) reused(span span) time.Time {
	at := time.Now()
	for _, m := range c.merchants {
		for _, l := range m.lives {
			for _, other := range l.names {
				if other.name == span.name && other.from.After(span.from) && other.from.Before(at) {
					at = other.from
				}
			}
		}
	}
	return at
}

// life checks that what took effect in a connection's life were versions of the
// host (I2), each once and none over a newer one (I3).
func (c *checker) life(l *life) {
	host := c.seen.of(l.account)
	taken := c.taken(l)
	for _, k := range sorted(taken) {
		versions, known := host[k]
		if !known {
			c.fail("I2", "%s is at the target under %s, and the host never had it", k, l.name())
			continue
		}
		c.order(l, k, versions, taken[k])
	}
}

// order checks one item's effects against the host's versions of it.
func (c *checker) order(l *life, k key, versions []amounts, effects []applied) {
	last, before := -1, amounts{}
	for i, e := range effects {
		if i > 0 && e.amounts == before {
			continue // the same content again has no effect
		}
		at := slices.Index(versions, e.amounts)
		switch {
		case at < 0:
			c.fail("I2", "%s had %v at the target, which the host never said (%v)", k, e.amounts, versions)
		case at <= last:
			c.fail("I3", "%s of %s went back from version %d to version %d%s", k, l.name(), last+1, at+1, story(effects))
		}
		last, before = max(last, at), e.amounts
	}
}

// final compares what the target has in the end with what the host has: each
// item (I1, I2), and the sums to the cent (I10).
func (c *checker) final(m *merchant) {
	l := m.now()
	want, taken, former := truth(c.world.Host, m.account), c.taken(l), c.former(l)
	for k, e := range want {
		if versions := former[k]; versions != nil && l.wants(e) {
			taken[k] = versions // what is read back, and found to be there, is not sent again
		}
	}
	var wanted, had models.Amount
	for _, k := range sorted(want) {
		e := want[k]
		versions := taken[k]
		if len(versions) == 0 {
			if l.wants(e) {
				wanted += amountsOf(e).total()
				c.fail("I1", "%s of %s (%s) is missing at the target; it should be %v", k, l.name(), e.TransactionDate, amountsOf(e))
			}
			continue
		}
		wanted += amountsOf(e).total()
		if have := versions[len(versions)-1].amounts; have != amountsOf(e) {
			c.fail("I1", "%s of %s has %v at the target, not the host's last %v%s", k, l.name(), have, amountsOf(e), story(versions))
		}
	}
	for _, k := range sorted(taken) {
		versions := taken[k]
		have := versions[len(versions)-1].amounts
		had += have.total()
		if _, there := want[k]; !there && have != (amounts{}) {
			c.fail("I2", "%s of %s counts no longer at the host, and has %v at the target%s", k, l.name(), have, story(versions))
		}
	}
	if wanted != had {
		c.fail("I10", "the money of %s is %s at the host and %s at the target", l.name(), wanted, had)
	}
}

// wants reports whether an item's day is one that the connection sends.
func (l *life) wants(e sandbox.Expected) bool {
	return e.TransactionDate[:len(time.DateOnly)] >= l.start
}

// story is how an item came to what it is, for the person who asks why.
func story(versions []applied) string {
	var s strings.Builder
	for _, v := range versions {
		fmt.Fprintf(&s, "; %s under %s by request %d: %v", v.at.Format("15:04:05.000"), v.name, v.request, v.amounts)
	}
	return s.String()
}

func (a amounts) total() models.Amount { return a[0] + a[1] + a[2] + a[3] }

// strangers checks that each name holds items of its own account alone (I4).
func (c *checker) strangers() {
	owners := map[string]string{}
	for _, m := range c.merchants {
		for _, l := range m.lives {
			for _, span := range l.names {
				owners[span.name] = m.account
			}
		}
	}
	for name := range c.world.TrustFile.Stats() {
		mine := c.seen.of(owners[name])
		for _, h := range c.world.TrustFile.Items(name) {
			if k := (key{h.ItemID, h.Refund}); mine[k] == nil {
				c.fail("I4", "%s is under %s, which is not its merchant's", k, name)
			}
		}
	}
}

func sorted[V any](m map[key]V) []key {
	return slices.SortedFunc(maps.Keys(m), func(a, b key) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b2i(a.refund), b2i(b.refund))) })
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

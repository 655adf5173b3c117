package main

import (
	"context"
	"fmt"
)

// checker judges a schedule that has come to rest.
type checker struct {
	*stage
	violations []string
	unjudged   int            // oddities that a fault explains
	told       map[string]int // violations of each invariant
}

func newChecker(s *stage) *checker { return &checker{stage: s} }

// mostTold is how many violations of one invariant are written out.
const mostTold = 10

// fail notes a violation of an invariant, in words.
func (c *checker) fail(invariant, format string, args ...any) {
	if c.told == nil {
		c.told = map[string]int{}
	}
	if c.told[invariant]++; c.told[invariant] <= mostTold {
		c.violations = append(c.violations, invariant+": "+fmt.Sprintf(format, args...))
	}
}

// judge checks all invariants. What the target and the host say comes first;
// our own tables are believed only where nobody else can know.
func (c *checker) judge(ctx context.Context) {
	if len(c.problems) > 0 {
		return // the harness itself did not do what it meant to
	}
	for _, m := range c.merchants {
		for _, l := range m.lives {
			c.life(l)
		}
		c.final(m)
	}
	c.strangers()
	c.halted()
	c.oneAtATime()
	c.refreshes()
	c.answers()
	c.activities(ctx)
	c.stuck(ctx)
	c.canaries(ctx)
}

//go:build torture_bad

package models

import (
	"os"
	"sync/atomic"
)

// Bad reports whether this process makes a certain mistake: the one that its
// variable TORTURE_BAD names, which no build without the tag torture_bad reads.
func Bad(mistake string) bool { return mistake == os.Getenv("TORTURE_BAD") }

// firstSeen is what BadFirst was given first.
var firstSeen atomic.Pointer[string]

// BadFirst is the first v that it was ever given where this process makes the
// mistake: what belongs to one connection is kept and used for all.
func BadFirst(mistake, v string) string {
	if !Bad(mistake) {
		return v
	}
	firstSeen.CompareAndSwap(nil, &v)
	return *firstSeen.Load()
}

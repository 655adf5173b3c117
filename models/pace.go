//go:build !torture

package models

// Pace is how many times faster than life the timers of this program run. It is
// 1, and a constant: only a build with the tag torture has another one, so no
// variable can make a shipped program hasty by accident. A limit that others
// are measured against is divided by Pace, so all ratios stay; a wait that only
// spares a neighbour is divided twice (see pace_torture.go).
const Pace = 1

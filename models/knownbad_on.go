//go:build torture_bad

package models

import "os"

// Bad reports whether this process makes a certain mistake: the one that its
// variable TORTURE_BAD names, which no build without the tag torture_bad reads.
func Bad(mistake string) bool { return mistake == os.Getenv("TORTURE_BAD") }

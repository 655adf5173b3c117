//go:build !failpoints

// Package failpoint names places in the code at which a process may be made to
// fail on purpose. In every build without the tag failpoints a place does
// nothing, at no cost: Hit is inlined and gone.
package failpoint

// Hit is where the process may fail. Its error is that of the place.
func Hit(string) error { return nil }

//go:build !torture_bad

package models

// Bad reports whether this build is to make a certain mistake on purpose, so
// that the harness in torture can show that it would notice. It is false, and a
// constant to the compiler, in every build without the tag torture_bad.
func Bad(string) bool { return false }

// BadFirst is v; where a build makes the mistake, it is the first v of all.
func BadFirst(_, v string) string { return v }

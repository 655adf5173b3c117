//go:build !profile

package process

// EndProfile does nothing but in builds with the tag profile.
func EndProfile() {}

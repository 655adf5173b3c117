package models

import "time"

// Window is a half-open span of instants in UTC: From is inside, To is not.
type Window struct{ From, To time.Time }

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

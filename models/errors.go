package models

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an Error is. The one table from kind to
// reaction is extractor/reactions.go.
type Kind string

// The kinds. An error without a kind counts as Internal.
const (
	Invalid      Kind = "invalid"      // the caller's input is wrong: 4xx, nothing changed
	NotFound     Kind = "not found"    // the thing named does not exist (here, or at the target)
	Conflict     Kind = "conflict"     // it exists already, or changed meanwhile
	Throttled    Kind = "throttled"    // the neighbour asks us to come later; see RetryAfter
	Unauthorised Kind = "unauthorised" // the neighbour no longer lets us in
	Unavailable  Kind = "unavailable"  // the neighbour is down or unreachable; nothing was taken
	Unsure       Kind = "unsure"       // the request may or may not have taken effect
	Refused      Kind = "refused"      // this record or item only; the rest goes on
	TooLarge     Kind = "too large"    // a smaller batch may pass
	Internal     Kind = "internal"     // ours
)

// Error is the one error type: a kind for us, a sentence for the person with
// the next step, and the cause for the log. Message never holds a secret or
// personal data; Cause is logged, never shown.
type Error struct {
	Kind       Kind
	Message    string
	Cause      error
	RetryAfter time.Duration // Throttled and Unavailable only; 0 = not told
}

// Errorf makes an Error with a sentence for the person.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that carries the cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error is the text for the log.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Kind) + ": " + e.Message
	}
	return string(e.Kind) + ": " + e.Message + ": " + e.Cause.Error()
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf is the kind of err: that of the first Error in its chain, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Sentence is what a person may read of err, or fallback when err was not made for people.
func Sentence(err error, fallback string) string {
	var e *Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return fallback
}

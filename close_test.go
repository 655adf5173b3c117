package main

import (
	"testing"
	"time"

	"extractor/internal/pgtest"
)

// TestASessionInUseHoldsUpNoEnd closes a service while somebody does not give a
// session back.
func TestASessionInUseHoldsUpNoEnd(t *testing.T) {
	store := pgtest.Store(t)
	held, err := store.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&service{store: store}).close()
	}()
	select {
	case <-ended:
	case <-time.After(2 * closePatience):
		t.Error("it still waits for the session")
	}
	held.Release()
}

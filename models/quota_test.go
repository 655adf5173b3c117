package models_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"extractor/internal/pgtest"
	"extractor/models"
)

// TestTokensAreTakenOnce: however many take at the same time, from two buckets
// each, no token of the common one is given twice, and none is left.
func TestTokensAreTakenOnce(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	const tokens, aDay = 200, 1.0 / 86400
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			buckets := []models.Bucket{{Size: tokens, Refill: aDay}, {Connection: int64(1 + i%4), Size: 1000, Refill: aDay}}
			for {
				got, wait, err := store.TakeTokens(t.Context(), "shop", buckets, 3)
				if err != nil {
					t.Error(err)
					return
				}
				if taken.Add(int64(got)); got == 0 {
					if wait.Hours() < 20 || wait.Hours() > 24 {
						t.Errorf("the next one in %s", wait)
					}
					return
				}
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != tokens {
		t.Errorf("%d tokens of %d were given", n, tokens)
	}
	var left float64
	if err := store.Pool.QueryRow(t.Context(), `SELECT sum(tokens) FROM quotas WHERE connection_id > 0`).Scan(&left); err != nil || left < 3800 || left > 3801 {
		t.Errorf("the accounts have %f, not what was not taken: %v", left, err)
	}
}

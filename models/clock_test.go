package models_test

import (
	"testing"
	"time"

	"extractor/models"
)

// TestATokenIsReplacedInTimeWhateverTheDatabasesClockSays: its end is reckoned by
// our clock, and when it was stored is noted by the database's.
func TestATokenIsReplacedInTimeWhateverTheDatabasesClockSays(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 2 * time.Hour, -2 * time.Hour} {
		database := time.Now().Add(ahead)
		stored := models.ByOurClock(database.Add(-10*time.Minute), database) // ten minutes ago
		for life, stale := range map[time.Duration]bool{time.Hour: false, 11 * time.Minute: true} {
			token := models.Token{RefreshedAt: stored, ExpiresAt: time.Now().Add(life - 10*time.Minute)}
			if got := token.Stale(time.Now()); got != stale {
				t.Errorf("the database is %s ahead, a token of %s is ten minutes old: stale %t", ahead, life, got)
			}
		}
	}
}

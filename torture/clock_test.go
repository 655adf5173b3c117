package main

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestAClockIsShiftedBySeveralAtOnce, as by schedules that play side by side.
func TestAClockIsShiftedBySeveralAtOnce(t *testing.T) {
	t.Parallel()
	c := clock{file: filepath.Join(t.TempDir(), "clock")}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := c.shift(-time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, err := os.ReadFile(c.file); string(text) != "-60\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

package extractor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestAChoreThatHangsLetsTheOthersGoFirst: one that waits for a neighbour until its
// round is over is not begun again before all others were.
func TestAChoreThatHangsLetsTheOthersGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done []string
		note := func(name string) func(context.Context) error {
			return func(context.Context) error {
				done = append(done, name)
				return errors.New("a failure keeps nobody from his turn")
			}
		}
		hang := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		var r rota
		chores := []chore{{"a", note("a")}, {"hangs", hang}, {"b", note("b")}, {"c", note("c")}}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := r.round(ctx, chores); err == nil {
				t.Error("nobody told of the failures")
			}
			cancel()
		}
		if !slices.Equal(done, []string{"a", "b", "c", "a"}) {
			t.Errorf("done: %v", done)
		}
	})
}

package extractor

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// eagerHost understands nothing before its second page is asked for.
type eagerHost struct {
	*memoryHost
	asked chan struct{}
	once  sync.Once
}

func (h *eagerHost) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	if from != "" {
		h.once.Do(func() { close(h.asked) })
	}
	return h.memoryHost.Pull(ctx, a, w, from)
}

func (h *eagerHost) Transform(r hostapi.Record) ([]models.Item, error) {
	select {
	case <-h.asked:
		return h.memoryHost.Transform(r)
	case <-time.After(10 * time.Second):
		return nil, models.Errorf(models.Refused, "The next page was not asked for meanwhile.")
	}
}

// TestThePastIsAskedForAheadOfWhatIsUnderstood: a host that takes its time does so
// while we are busy with the page before.
func TestThePastIsAskedForAheadOfWhatIsUnderstood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now().AddDate(0, 0, -3).Format(time.DateOnly))
	w.Hosts["memory"] = &eagerHost{memoryHost: w.host, asked: make(chan struct{})}
	w.host.pageSize = 10
	for i := range 30 {
		key := fmt.Sprint("o", i)
		w.host.put(key, 1, thing{Key: key, Day: today(), Cents: 1})
		w.host.age(key, time.Hour)
	}
	w.work(models.LaneBackfill)
	expect(t, "orders", w.one(`SELECT count(*) FROM entries WHERE state = 'pending'`), "30")
}

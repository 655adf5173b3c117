package extractor

import (
	"testing"

	"extractor/models"
)

// nudged reports whether a page asked for a look at due work, and forgets it.
func (w *world) nudged() bool {
	select {
	case <-w.nudge:
		return true
	default:
		return false
	}
}

func TestOnlyThePageThatWakesDeliveryNudges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.work()
	w.nudged()
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.pull()
	expect(t, "nudged while delivery was parked", w.nudged(), true)
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 800})
	w.pull()
	expect(t, "nudged while delivery was due", w.nudged(), false)
	w.work(models.LaneDelivery)
	expect(t, "delivered", w.cents("sale", "o1")+w.cents("sale", "o2"), 1500)
	w.pull()
	expect(t, "nudged by a page without news", w.nudged(), false)
}

package hostapi

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoSpanHoldsMoreThanTheRate: at the worst a bucket is full, its tokens are
// taken as early as they come, and the earliest is used as late as it may be.
func TestNoSpanHoldsMoreThanTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := Rate{Requests: rapid.IntRange(1, 10_000).Draw(rt, "requests"), Per: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(24*time.Hour)).Draw(rt, "per"))}
		b, n := bucketOf(1, r)
		if b.Size < 1 || n < 1 || float64(n) > b.Size || b.Refill <= 0 {
			rt.Fatalf("%v has bucket %+v, %d at once", r, b, n)
		}
		lying := 0.0
		if n > 1 {
			lying = reservedFor.Seconds()
		}
		last := (float64(r.Requests) + 1 - b.Size) / b.Refill // when the token after the allowed ones comes
		if last < (r.Per.Seconds()+lying)*(1-1e-9) {
			rt.Fatalf("%v: request %d may follow the first by %f s", r, r.Requests+1, last-lying)
		}
		if useful := b.Refill * r.Per.Seconds() / float64(r.Requests); useful < 0.8 {
			rt.Fatalf("%v: only %f of it is used", r, useful)
		}
	})
}

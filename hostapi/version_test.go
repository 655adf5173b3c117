package hostapi_test

import (
	"testing"
	"time"

	"extractor/hostapi"
)

// Versions are written as by time.Format, whose layout is slow, and order as time does.
func TestTimeVersion(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 5*60*60)
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(1, 1), time.Date(2026, 3, 1, 23, 59, 59, 999_999_999, time.UTC), time.Date(2026, 3, 2, 1, 0, 0, 120_000_000, east),
		time.Date(9999, 12, 31, 23, 59, 59, 1, time.UTC), time.Date(10_000, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := hostapi.TimeVersion(at), at.UTC().Format("2006-01-02T15:04:05.000000000Z"); got != want {
			t.Errorf("%v is %s, not %s", at, got, want)
		}
	}
	if a, b := hostapi.TimeVersion(time.Unix(9, 5)), hostapi.TimeVersion(time.Unix(9, 40)); a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
}

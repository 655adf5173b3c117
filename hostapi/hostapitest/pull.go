package hostapitest

import (
	"testing"

	"extractor/hostapi"
)

// PullAll pulls until nothing is left. change, if any, does something to the
// host between two pages.
func PullAll(t testing.TB, pull func(hostapi.Cursor) (*hostapi.Page, error), change func(page int)) (records []hostapi.Record) {
	t.Helper()
	var from hostapi.Cursor
	for n := 1; n <= pageLimit; n++ {
		page, err := pull(from)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, page.Records...)
		if !page.More {
			return records
		}
		if page.Next == from {
			t.Fatalf("a page leads to itself: %s", from)
		}
		from = page.Next
		if change != nil {
			change(n)
		}
	}
	t.Fatal(errEndless)
	return nil
}

// Keys are the keys of records.
func Keys(records []hostapi.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

package hostapi_test

import (
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

func TestCursors(t *testing.T) {
	t.Parallel()
	type place struct {
		Start time.Time `json:"start,omitzero"`
		Page  int       `json:"page,omitempty"`
	}
	first := place{Page: 7}
	if err := hostapi.ReadCursor("", "Square", &first); err != nil || first.Page != 7 {
		t.Errorf("the first page: %+v, %v", first, err)
	}
	want := place{time.Date(2026, 3, 2, 1, 2, 3, 4, time.UTC), 2}
	var got place
	if err := hostapi.ReadCursor(hostapi.CursorOf(want), "Square", &got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []hostapi.Cursor{"{", "[]", `{"page":"x"}`} {
		if err := hostapi.ReadCursor(c, "Square", &got); models.KindOf(err) != models.Internal || !strings.Contains(err.Error(), "Square") {
			t.Errorf("%s: %v", c, err)
		}
	}
}

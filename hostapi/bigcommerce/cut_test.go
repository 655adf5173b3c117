package bigcommerce

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"extractor/hostapi/hostapitest"
	"extractor/internal/jsonscan"
)

const smallPage = ` [ {"id":7,"status_id":4,"date_modified":"Mon, 02 Mar 2026 03:31:00 +0000","note":"a \"quoted\" \\ } ] text",
	"consignments":[{"shipping":[{"id":1,"line_items":[{"id":9}]},{"id":2}],"pickups":[{"id":3}],"email":[]}]} ,
	{"id":8,"consignments":{"url":"x","resource":"y"},"date_created":"Mon, 02 Mar 2026 03:30:00 +0000"}, {"id":"9","status_id":null,"consignments":null} ] `

// A page of tiny orders without end must not fill the memory.
func TestCrowdedPageIsRefused(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]error{jsonscan.MostElements: nil, jsonscan.MostElements + 1: jsonscan.ErrCrowded} {
		page := "[" + strings.Repeat("{},", n-1) + "{}]"
		if _, err := cutOrders([]byte(page)); !errors.Is(err, want) {
			t.Errorf("%d orders: %v", n, err)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	heads, err := cutOrders([]byte(smallPage))
	if err != nil || len(heads) != 3 {
		t.Fatalf("%d orders, %v", len(heads), err)
	}
	if h := heads[0]; h.id != 7 || h.status != 4 || !h.included || h.legs != 3 || !h.modified.Equal(time.Date(2026, 3, 2, 3, 31, 0, 0, time.UTC)) {
		t.Errorf("%+v", h)
	}
	if h := heads[1]; h.id != 8 || h.status != -1 || h.included || !h.modified.IsZero() || dateOf(h.created).IsZero() {
		t.Errorf("%+v", h)
	}
	if h := heads[2]; h.id != 0 || h.included || !strings.HasPrefix(h.key(), "unreadable-") {
		t.Errorf("%+v", h)
	}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(smallPage), &all); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if string(heads[i].raw) != string(all[i]) {
			t.Errorf("order %d: %s", i, heads[i].raw)
		}
	}
}

// A page that is cut anywhere is not a page.
func TestCutEnds(t *testing.T) {
	t.Parallel()
	whole := strings.TrimSpace(smallPage)
	for n := range len(whole) {
		if _, err := cutOrders([]byte(whole[:n])); err == nil {
			t.Errorf("a page of %d bytes was read: %s", n, whole[:n])
		}
	}
	for _, page := range []string{`{}`, `null`, `[1]`, `[]x`, `[{}{}]`, `{"errors":[]}`} {
		if heads, err := cutOrders([]byte(page)); err == nil {
			t.Errorf("%s: %d orders", page, len(heads))
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string][2]int64{
		"218": {218, 0}, "218-r3": {218, 3}, "": {}, "x": {}, "-1": {}, "218-r": {}, "218-rx": {}, "218-r-1": {}, "218-a11": {}, "unreadable-00ff": {}, "r3": {},
	} {
		if order, refund := parseKey(key); order != want[0] || refund != want[1] {
			t.Errorf("%q: %d, %d", key, order, refund)
		}
	}
}

func FuzzTransform(f *testing.F) { hostapitest.Fuzz(f, open(f, "http://127.0.0.1"), "testdata") }

// FuzzCut: what is cut is what encoding/json reads.
func FuzzCut(f *testing.F) {
	f.Add([]byte(smallPage))
	f.Fuzz(func(t *testing.T, text []byte) {
		heads, err := cutOrders(text)
		var all []json.RawMessage
		if err != nil || json.Unmarshal(text, &all) != nil {
			return
		}
		if len(heads) != len(all) {
			t.Fatalf("%d orders, encoding/json reads %d", len(heads), len(all))
		}
		for i := range all {
			if string(heads[i].raw) != string(all[i]) {
				t.Errorf("order %d: %q", i, heads[i].raw)
			}
		}
	})
}

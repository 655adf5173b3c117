package quickbooks

import (
	"slices"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// A deletion is a newer reading of the document, and means nothing.
func TestDeletionTakesBack(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	f.docs["Invoice"] = []map[string]any{fakeDoc("1", 1)}
	h, a := counter(t, f, Config{})
	before := pullAll(t, h, a, window, nothing)[0]
	if items, err := h.Transform(before); err != nil || len(items) != 1 {
		t.Fatalf("%v, %v", items, err)
	}
	f.docs["Invoice"], f.gone["Invoice"] = nil, []map[string]any{tombstone("1", 1)} // in the same second
	after := pullAll(t, h, a, window, nothing)
	if len(after) != 1 || after[0].Key != before.Key || after[0].Kind != before.Kind || after[0].Version <= before.Version {
		t.Fatalf("%+v after %+v", after, before)
	}
	if items, err := h.Transform(after[0]); err != nil || len(items) != 0 {
		t.Errorf("%v, %v", items, err)
	}
}

// A voided document is a newer reading, too.
func TestVoidTakesBack(t *testing.T) {
	t.Parallel()
	f := newBooks(t)
	doc := fakeDoc("1", 1)
	f.docs["Invoice"] = []map[string]any{doc}
	h, a := counter(t, f, Config{})
	before := pullAll(t, h, a, window, nothing)[0]
	touch(doc, 60)
	doc["SyncToken"], doc["TotalAmt"], doc["PrivateNote"], doc["TxnTaxDetail"] = "1", 0, "Voided", map[string]any{"TotalTax": 0}
	after := pullAll(t, h, a, window, nothing)[0]
	items, err := h.Transform(after)
	if err != nil || len(items) != 0 || after.Key != before.Key || after.Version <= before.Version {
		t.Errorf("%v, %v: %s after %s", items, err, after.Version, before.Version)
	}
}

// Where more changed than an answer holds, deletions are found all the same, in
// whichever order it comes; the end of the window for certain.
func TestDeletionsAmongManyChanges(t *testing.T) {
	t.Parallel()
	for oldest, want := range map[bool][]string{ // the others are left to the recount
		false: {"CreditMemo-3", "CreditMemo-4", "Invoice-1"},
		true:  {"CreditMemo-2", "CreditMemo-4", "Invoice-1"},
	} {
		f := newBooks(t)
		f.oldest = oldest
		f.docs["SalesReceipt"] = many(900, 0)
		f.docs["Invoice"] = many(300, 0)
		f.docs["CreditMemo"] = many(1500, 3600)
		f.gone["Invoice"] = []map[string]any{tombstone("1", 10)}
		f.gone["CreditMemo"] = []map[string]any{tombstone("2", 3590), tombstone("3", 5000), tombstone("4", 5600)}
		h, a := counter(t, f, Config{})
		w := models.Window{From: day, To: day.Add(2 * time.Hour)}
		asked := 0
		got := keys(hostapitest.PullAll(t, func(from hostapi.Cursor) (*hostapi.Page, error) {
			if from == "" {
				from = hostapi.CursorOf(position{Entity: changes})
			}
			page, err := h.Pull(t.Context(), a, w, from)
			if asked++; len(f.cdc) != asked {
				t.Errorf("page %d took %d questions, each of which may take seconds", asked, len(f.cdc))
			}
			return page, err
		}, nil))
		slices.Sort(got)
		got = slices.Compact(got)
		if !slices.Equal(got, want) {
			t.Errorf("oldest first %v: %v after %v", oldest, got, f.cdc)
		}
		if len(f.cdc) > 8 {
			t.Errorf("%d questions", len(f.cdc))
		}
	}
}

// Change data capture goes back 30 days. What a window has before that is not asked for.
func TestDeletionsOfThePast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w    models.Window
		asks int
		want []string
	}{
		"recent":    {models.Window{From: window.To.Add(-time.Hour), To: window.To}, 1, nil},
		"reaching":  {models.Window{From: window.To.AddDate(0, 0, -60), To: window.To}, 1, []string{"Invoice-1"}},
		"past":      {models.Window{From: window.To.AddDate(0, 0, -60), To: window.To.AddDate(0, 0, -31)}, 0, nil},
		"long past": {models.Window{From: window.To.AddDate(-2, 0, 0), To: window.To.AddDate(-1, 0, 0)}, 0, nil},
	} {
		f := newBooks(t)
		f.gone["Invoice"] = []map[string]any{tombstone("1", 60)}
		h, a := counter(t, f, Config{})
		got := keys(pullAll(t, h, a, c.w, nothing))
		if len(f.cdc) != c.asks || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, f.cdc, got)
		}
	}
}

// Versions order as the changes did, bytewise.
func TestVersionsOrder(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC)
	ordered := []string{
		version(time.Time{}, "", false), version(first, "0", false), version(first, "2", false), version(first, "10", false),
		version(first, "3", true), version(first.Add(time.Second), "0", false), version(first.AddDate(1, 0, 0), "0", false),
	}
	if !slices.IsSorted(ordered) || len(slices.Compact(slices.Clone(ordered))) != len(ordered) {
		t.Errorf("%q", ordered)
	}
	for _, token := range []string{"", "-1", "x", "99999999999999999999", "9999999999", "123456789"} {
		if v := version(first, token, false); len(v) != len(ordered[0]) || v >= version(first, "", true) {
			t.Errorf("%q: %q", token, v)
		}
	}
}

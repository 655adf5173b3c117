package woocommerce

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

const smallPage = ` [ {"id":7,"status":"completed","note":"a \"quoted\" ] }","date_modified_gmt":"2026-03-02T00:01:00","date_created_gmt":"2026-03-01T00:00:00","refunds":[{"id":9,"x":{"id":1}},{"id":10}]} ,
	{"line_items":[{"id":1,"refunds":[{"id":2}]}],"id":8,"status":null,"refunds":null,"date_modified_gmt":7} ] `

func TestSplit(t *testing.T) {
	t.Parallel()
	heads, err := splitOrders([]byte(smallPage))
	if err != nil || len(heads) != 2 {
		t.Fatalf("%+v, %v", heads, err)
	}
	a, b := heads[0], heads[1]
	if a.key != "7" || a.id != 7 || a.status != "completed" || !slices.Equal(a.refunds, []int64{9, 10}) || a.modified.Sub(a.created).Hours() != 24+1.0/60 {
		t.Errorf("%+v", a)
	}
	if b.key != "8" || b.status != "" || b.refunds != nil || !b.modified.IsZero() || !strings.HasPrefix(string(b.raw), `{"line_items"`) {
		t.Errorf("%+v", b)
	}
}

// A page that is cut anywhere is not a page.
func TestSplitEnds(t *testing.T) {
	t.Parallel()
	whole := strings.TrimSpace(smallPage)
	for n := range len(whole) {
		if _, err := splitOrders([]byte(whole[:n])); err == nil {
			t.Errorf("a page of %d bytes was read: %s", n, whole[:n])
		}
	}
	for _, page := range []string{`{}`, `null`, `[1]`, `[[]]`, `[] x`, `[{}`, "\ufeff[]", `[{"id":1}{"id":2}]`} {
		if heads, err := splitOrders([]byte(page)); err == nil {
			t.Errorf("%s: %+v", page, heads)
		}
	}
}

// FuzzSplit: what is split is what encoding/json reads.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(smallPage))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		heads, err := splitOrders(text)
		var page []json.RawMessage
		if err != nil || json.Unmarshal(text, &page) != nil {
			return
		}
		if !slices.EqualFunc(heads, page, func(h head, raw json.RawMessage) bool { return string(h.raw) == string(raw) }) {
			t.Errorf("%d orders, encoding/json reads %d", len(heads), len(page))
		}
	})
}

// FuzzTransform: an order of any shape is refused with a sentence, or means items
// that the policy takes or refuses.
func FuzzTransform(f *testing.F) {
	order, err := json.Marshal(map[string]any{"order": fakeOrder(1, 1), "refunds": []any{fakeRefund(2, 3, "1.00")}, "store": store{Country: "US:CO"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(order)
	f.Add([]byte(`{"order":{"id":1,"status":"x","total":"","date_paid_gmt":"2026-01-01T00:00:00"}}`))
	f.Add([]byte(`null`))
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := h.Transform(hostapi.Record{Kind: kindOrder, Key: "1", Version: "1", Body: body})
		if err != nil && models.KindOf(err) != models.Refused {
			t.Fatal(err)
		}
		for i := range items {
			err := (models.Policy{}).Apply(&items[i])
			if err != nil && models.KindOf(err) != models.Refused {
				t.Fatal(err)
			}
			if s := items[i].Sale; err == nil && items[i].Skip == "" && s.Total() != *s.Charged && s.ReviewMessage == "" {
				t.Fatalf("%v of %v, and nobody is told", s.Total(), *s.Charged)
			}
		}
	})
}

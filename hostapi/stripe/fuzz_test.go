package stripe

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"encoding/json"

	"extractor/hostapi"
	"extractor/models"
)

// FuzzTransform: whatever a body holds, it is refused with a sentence or makes
// items that the policy takes or refuses.
func FuzzTransform(f *testing.F) {
	names, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var r hostapi.Record
		if !strings.HasSuffix(name, ".golden.json") && json.Unmarshal(b, &r) == nil {
			f.Add(r.Kind == kindInvoice, []byte(r.Body))
		}
	}
	h := open(f, "http://127.0.0.1", soon)
	f.Fuzz(func(t *testing.T, invoice bool, body []byte) {
		r := hostapi.Record{Kind: kindPayment, Key: "pi_1", Version: "1", Body: body}
		if invoice {
			r.Kind, r.Key = kindInvoice, "in_1"
		}
		items, err := h.Transform(r)
		if err != nil && models.KindOf(err) != models.Refused {
			t.Fatal(err)
		}
		for i := range items {
			if err := (models.Policy{}).Apply(&items[i]); err != nil && models.KindOf(err) != models.Refused {
				t.Fatal(err)
			}
		}
	})
}

// FuzzSplitList: what is cut is what was there, and nothing else is taken for a page.
func FuzzSplitList(f *testing.F) {
	f.Add([]byte(`{"object":"list","data":[{"id":"ch_1"},{"id":"ch_2"}],"has_more":true}`))
	f.Add([]byte(`{"data":[{"id":"\"]}"}],"has_more":false} x`))
	f.Add([]byte(`{"data":[{"id":"ch_1","payment_intent":{"id":"pi_1" 2}},{"id":"ch_2" 3},4],"has_more":false}`))
	f.Fuzz(func(t *testing.T, page []byte) {
		got, err := splitList(page)
		var want struct {
			Data []json.RawMessage `json:"data"`
			More bool              `json:"has_more"`
		}
		if err != nil || json.Unmarshal(page, &want) != nil {
			return
		}
		if strings.Count(string(page), `"data"`) == 1 && len(got.data) != len(want.Data) {
			t.Errorf("%q: %d things, want %d", page, len(got.data), len(want.Data))
		}
		for _, one := range got.data {
			if !reflect.DeepEqual(one.head, headOf(one.raw)) {
				t.Errorf("%q: %+v is not the head of %q", page, one.head, one.raw)
			}
			takeOut(one.raw, "payment_intent")
		}
	})
}

package stripe

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"extractor/hostapi/hostapitest"
)

func FuzzTransform(f *testing.F) { hostapitest.Fuzz(f, open(f, "http://127.0.0.1", soon), "testdata") }

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

package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
)

const smallPage = ` { "orders" : [ {"id":"1","version":7,"note":"a \"quoted\" \\ } ] text","lines":[{"a":[1,{"b":"]"}]}],"x":-1.5e3} ,
	{"version":12,"nested":{"id":"9","version":9},"id":"2\u0031","flag":true,"none":null} ], "other":[[],{}], "next" : "c\/2" } `

func TestSplit(t *testing.T) {
	t.Parallel()
	records, next, err := splitPage([]byte(smallPage))
	if err != nil || next != "c/2" || len(records) != 2 {
		t.Fatalf("%d records, next %q, %v", len(records), next, err)
	}
	var page struct{ Orders []json.RawMessage }
	if err := json.Unmarshal([]byte(smallPage), &page); err != nil {
		t.Fatal(err)
	}
	for i, want := range []hostapi.Record{{Key: "1", Version: hostapi.IntVersion(7)}, {Key: "21", Version: hostapi.IntVersion(12)}} {
		got := records[i]
		if got.Key != want.Key || got.Version != want.Version || got.Kind != kindOrder || string(got.Body) != string(page.Orders[i]) {
			t.Errorf("record %d: %+v", i, got)
		}
	}
}

// TestSplitEnds: a page that is cut anywhere is not a page.
func TestSplitEnds(t *testing.T) {
	t.Parallel()
	whole := strings.TrimSpace(smallPage)
	for n := range len(whole) {
		if _, _, err := splitPage([]byte(whole[:n])); err == nil {
			t.Errorf("a page of %d bytes was read: %s", n, whole[:n])
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		`[]`, `null`, `{}`, `{"orders":null}`, `{"orders":{}}`, `{"orders":[1]}`, `{"orders":[]} x`, `{"orders":[],"next":7}`,
		`{"orders":[{}]}`, `{"orders":[{"id":"1"}]}`, `{"orders":[{"version":1}]}`, `{"orders":[{"id":1,"version":1}]}`,
		`{"orders":[{"id":"1","version":"1"}]}`, `{"orders":[{"id":"1","version":1}{"id":"2","version":1}]}`, `{"orders":[],}`, `{"orders":[,]}`,
		`{orders:[]}`, `{"orders" []}`, "\ufeff" + `{"orders":[]}`,
	} {
		if records, _, err := splitPage([]byte(page)); err == nil {
			t.Errorf("%s: %d records", page, len(records))
		}
	}
	for _, page := range []string{`{"orders":[]}`, `{"next":null,"orders":[ ]}`} {
		if records, next, err := splitPage([]byte(page)); err != nil || len(records) != 0 || next != "" {
			t.Errorf("%s: %d records, %v", page, len(records), err)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 9, 10, 1 << 62, -1} {
		if got, want := version(n), hostapi.IntVersion(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// FuzzSplit: what is split is what encoding/json reads.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(smallPage))
	f.Add([]byte(`{"orders":[{"id":"1","version":1}],"next":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, _, err := splitPage(text)
		var page struct{ Orders []json.RawMessage }
		if err != nil || json.Unmarshal(text, &page) != nil {
			return
		}
		// encoding/json takes the last of several "orders", in any case of letters; so do not compare those.
		if strings.Count(strings.ToLower(string(text)), "orders") != 1 || strings.Contains(string(text), `\u`) {
			return
		}
		same := slices.EqualFunc(records, page.Orders, func(r hostapi.Record, raw json.RawMessage) bool { return string(r.Body) == string(raw) })
		if !same {
			t.Errorf("%d records, encoding/json reads %d", len(records), len(page.Orders))
		}
	})
}

func FuzzTransform(f *testing.F) { hostapitest.Fuzz(f, open(f, "http://127.0.0.1"), "testdata") }

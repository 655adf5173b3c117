package hostapitest

import (
	"path/filepath"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// Fuzz changes the samples of Golden: whatever a body holds, it is refused with
// a sentence, or makes items that the policy takes or refuses. What is taken
// adds up to what was charged, or says that it does not.
func Fuzz(f *testing.F, h hostapi.Host, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no records in %s: %v", dir, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".golden.json") {
			r := readRecord(f, name)
			f.Add(r.Kind, r.Key, []byte(r.Body))
		}
	}
	f.Fuzz(func(t *testing.T, kind, key string, body []byte) {
		items, err := h.Transform(hostapi.Record{Kind: kind, Key: key, Version: "1", Body: body})
		if err != nil && models.KindOf(err) != models.Refused {
			t.Fatal(err)
		}
		for i := range items {
			fuzzed(t, &items[i])
		}
	})
}

func fuzzed(t *testing.T, item *models.Item) {
	if err := (models.Policy{}).Apply(item); err != nil {
		if models.KindOf(err) != models.Refused {
			t.Fatal(err)
		}
		return
	}
	if s := item.Sale; item.Skip == "" && s.Charged != nil && s.Total() != *s.Charged && s.ReviewMessage == "" {
		t.Errorf("%v of %v, and nobody is told", s.Total(), *s.Charged)
	}
}

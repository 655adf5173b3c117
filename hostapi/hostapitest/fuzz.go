package hostapitest

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// Fuzz changes the samples of Golden: whatever a body holds, it stays as it is and
// is refused with a sentence, or makes items that the policy takes or refuses. What
// is taken adds up to what was charged, or says that it does not. What else a host
// promises of an item is for also to check, before the policy.
func Fuzz(f *testing.F, h hostapi.Host, dir string, also ...func(*testing.T, models.Item)) {
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
		before := bytes.Clone(body)
		items, err := h.Transform(hostapi.Record{Kind: kind, Key: key, Version: "1", Body: body})
		if !bytes.Equal(before, body) {
			t.Fatal("the record was changed")
		}
		if err != nil && (models.KindOf(err) != models.Refused || models.Sentence(err, "") == "" || len(items) > 0) {
			t.Fatalf("%v, with %d items", err, len(items))
		}
		for i := range items {
			for _, check := range also {
				check(t, items[i])
			}
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
	if s := item.Sale; item.Skip == "" && s.ReviewMessage == "" && (s.Charged == nil || s.Total() != *s.Charged) {
		t.Errorf("%v of %v, and nobody is told", s.Total(), s.Charged)
	}
}

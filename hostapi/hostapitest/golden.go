package hostapitest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

var update = flag.Bool("update", false, "write the golden files anew instead of comparing with them")

// result is what became of a record, as it lies beside it.
type result struct {
	Refused string   `json:"refused,omitempty"` // the sentence, where the record as a whole was refused
	Items   []itemOf `json:"items"`
}

type itemOf struct {
	Kind    string         `json:"kind"`
	Key     string         `json:"key"`
	Skip    string         `json:"skip,omitempty"`
	Refused string         `json:"refused,omitempty"` // the sentence, where the policy refused the item
	Charged *models.Amount `json:"charged,omitempty"`
	Sale    *models.Sale   `json:"sale,omitempty"`
}

// Golden transforms each record dir/*.json, {"kind", "key", "version", "body"},
// and compares the items after the policy with dir/*.golden.json. With -update
// it writes them; look at the difference before you commit it.
func Golden(t *testing.T, host hostapi.Host, dir string, policy models.Policy) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no records in %s: %v", dir, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".golden.json") {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) { golden(t, host, name, policy) })
		}
	}
}

func golden(t *testing.T, host hostapi.Host, name string, policy models.Policy) {
	got, err := json.MarshalIndent(resultOf(host, readRecord(t, name), policy), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	beside := strings.TrimSuffix(name, ".json") + ".golden.json"
	if *update {
		if err := os.WriteFile(beside, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(beside)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs, got:\n%s", beside, got)
	}
}

// readRecord reads a record from testdata: {"kind", "key", "version", "body"}.
func readRecord(t testing.TB, name string) hostapi.Record {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var r hostapi.Record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

func resultOf(host hostapi.Host, r hostapi.Record, policy models.Policy) result {
	items, err := host.Transform(r)
	res := result{Items: []itemOf{}, Refused: sentence(err)}
	for i := range items {
		it := &items[i]
		refused := sentence(policy.Apply(it))
		of := itemOf{Kind: it.Kind, Key: it.Key, Skip: it.Skip, Refused: refused, Sale: it.Sale}
		if it.Sale != nil {
			of.Charged = it.Sale.Charged
		}
		res.Items = append(res.Items, of)
	}
	return res
}

func sentence(err error) string {
	if err == nil {
		return ""
	}
	return models.Sentence(err, err.Error())
}

package hostapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// pulled is all records of a healthy stand-in.
func (c Case) pulled(t *testing.T) (hostapi.Host, []hostapi.Record) {
	t.Helper()
	s := c.set(t, c.Wire(t))
	records, _, err := s.all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.whole, records
}

// versions: each record has one that orders bytewise, which takes a fixed width within a kind.
func versions(t *testing.T, c Case) {
	_, records := c.pulled(t)
	width := map[string]int{}
	for _, r := range records {
		if r.Key == "" || r.Kind == "" || r.Version == "" {
			t.Errorf("record %q of kind %q has version %q", r.Key, r.Kind, r.Version)
		}
		if w := width[r.Kind]; w != 0 && w != len(r.Version) {
			t.Errorf("versions of kind %q have %d and %d bytes", r.Kind, w, len(r.Version))
		}
		width[r.Kind] = len(r.Version)
	}
}

// transform: it is pure, and what it makes passes the policy or is refused with a sentence.
func transform(t *testing.T, c Case) {
	host, records := c.pulled(t)
	seen := map[models.Ref]string{}
	for _, r := range records {
		before := bytes.Clone(r.Body)
		first, err := host.Transform(r)
		again, err2 := host.Transform(r)
		if fmt.Sprint(err) != fmt.Sprint(err2) || text(first) != text(again) {
			t.Errorf("%s %s: two results of one record", r.Kind, r.Key)
		}
		if !bytes.Equal(before, r.Body) {
			t.Errorf("%s %s: the record was changed", r.Kind, r.Key)
		}
		checkOutcome(t, r, err)
		for i := range first {
			once(t, seen, r, first[i].Ref())
			checkOutcome(t, r, c.Policy.Apply(&first[i]))
		}
	}
	if len(seen) == 0 {
		t.Error("the stand-in's records yield no item at all")
	}
}

// once makes sure that no two records yield the same item.
func once(t *testing.T, seen map[models.Ref]string, r hostapi.Record, ref models.Ref) {
	t.Helper()
	source := r.Kind + " " + r.Key
	if other, ok := seen[ref]; ok && other != source {
		t.Errorf("%s %s comes of %s and of %s", ref.Kind, ref.Key, other, source)
	}
	seen[ref] = source
}

// checkOutcome passes nil and refusals that a person can read.
func checkOutcome(t *testing.T, r hostapi.Record, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if kindOf(err) != models.Refused || !isSentence(models.Sentence(err, "")) {
		t.Errorf("%s %s: %v", r.Kind, r.Key, err)
	}
}

func isSentence(s string) bool {
	return len(s) > 10 && strings.ToUpper(s[:1]) == s[:1] && strings.HasSuffix(s, ".")
}

// oddRecords: each value of each record is replaced, one at a time, by what
// hosts have been seen to put there. Transform refuses or makes do; it does not panic.
func oddRecords(t *testing.T, c Case) {
	host, records := c.pulled(t)
	for _, r := range sample(records) {
		for _, body := range oddBodies(r.Body) {
			odd := r
			odd.Body = body
			outcome(t, host, c.Policy, odd)
		}
	}
}

// sample keeps the first few records of each kind and shape.
func sample(records []hostapi.Record) (some []hostapi.Record) {
	const each = 20 // enough for every shape a stand-in has
	n := map[string]int{}
	for _, r := range records {
		if n[r.Kind]++; n[r.Kind] <= each {
			some = append(some, r)
		}
	}
	return some
}

func outcome(t *testing.T, host hostapi.Host, policy models.Policy, r hostapi.Record) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s %s: panic %v on %.300s", r.Kind, r.Key, p, r.Body)
		}
	}()
	items, err := host.Transform(r)
	checkOutcome(t, r, err)
	for i := range items {
		checkOutcome(t, r, policy.Apply(&items[i]))
	}
}

// oddBodies is body with each value in turn replaced by odd ones. A body that is no
// JSON gives none.
func oddBodies(body json.RawMessage) (bodies []json.RawMessage) {
	root, err := decode(body)
	if err != nil {
		return nil
	}
	box := []any{root} // so that the root is replaced like any other
	visit(box, func() {
		b, err := json.Marshal(box[0])
		if err == nil {
			bodies = append(bodies, b)
		}
	})
	return append(bodies, json.RawMessage(`{`), json.RawMessage(nil))
}

func decode(body json.RawMessage) (root any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return root, d.Decode(&root)
}

var odd = []any{nil, "SOMETHING_NEW", json.Number("-1"), json.Number("1e400"), json.Number("0.5"), []any{}, []any{nil}, map[string]any{}, true}

// visit replaces each value below node in turn and calls tell in between.
func visit(node any, tell func()) {
	try := func(v any, set func(any)) {
		for _, o := range odd {
			set(o)
			tell()
		}
		set(v)
		visit(v, tell)
	}
	switch n := node.(type) {
	case []any:
		for i, v := range n {
			try(v, func(o any) { n[i] = o })
		}
	case map[string]any:
		for k, v := range n {
			try(v, func(o any) { n[k] = o })
		}
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// values are the raw members of an object, by the name that is meant.
func values(text string) (map[string]string, error) {
	s, got := &Scanner{Text: []byte(text)}, map[string]string{}
	err := s.Object(func(written []byte) error {
		var name string
		if err := json.Unmarshal([]byte(`"`+string(written)+`"`), &name); err != nil {
			return err
		}
		raw, err := s.Raw()
		got[name] = string(raw)
		return err
	})
	if err == nil && !s.End() {
		err = ErrTorn
	}
	return got, err
}

func TestObject(t *testing.T) {
	t.Parallel()
	got, err := values(` {"a" : "x\"}" , "b":[1,{"c":"]"}],"d":-1.5e3,"e":null } `)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": `"x\"}"`, "b": `[1,{"c":"]"}]`, "d": "-1.5e3", "e": "null"} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	for _, text := range []string{``, `{`, `[]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":"`, `{"a":[}`} {
		if got, err := values(text); err == nil {
			t.Errorf("%s was read as %v", text, got)
		}
	}
}

// TestArraysAreBounded: small elements by the million would each become something large.
func TestArraysAreBounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]error{MostElements: nil, MostElements + 1: ErrCrowded} {
		s, walked := &Scanner{Text: []byte("[" + strings.Repeat("{},", n-1) + "{}]")}, 0
		err := s.Array(func() error { walked++; return s.Skip() })
		if !errors.Is(err, want) || walked != MostElements {
			t.Errorf("of %d: walked over %d, %v", n, walked, err)
		}
	}
}

// FuzzObject: what encoding/json reads is read, and has the same names and values.
func FuzzObject(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\\"}],"c":"\u00e4"}`)
	f.Add(`{"a":1,"b" : [ 1, "x]" ] ,"\u0061":{"c":null}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := values(text)
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%q: %q, %v", text, got, err)
		}
		for name, raw := range want {
			if value, named := got[name]; !named || compact(value) != compact(string(raw)) {
				t.Errorf("%q: %s is %q, not %q", text, name, value, raw)
			}
		}
	})
}

// compact is a JSON text without white space; as it is when it is none.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}

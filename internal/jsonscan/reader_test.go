package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// tree reads a value as encoding/json does, but for numbers, which stay text.
func tree(r *Reader) any {
	switch r.Peek() {
	case '{':
		object := map[string]any{}
		for more := r.Object(); more; more = r.Member() {
			name := string(r.Name())
			object[name] = tree(r)
		}
		return object
	case '[':
		list := []any{}
		for more := r.Array(); more; more = r.Element() {
			list = append(list, tree(r))
		}
		return list
	case '"':
		return string(r.Word())
	case 't', 'f':
		return r.Bool()
	case 'n':
		r.Null()
		return nil
	}
	return json.Number(r.Raw())
}

func treeOf(text string) (any, error) {
	r := &Reader{Text: []byte(text + " ")} // a number ends where something follows
	value := tree(r)
	r.End()
	return value, r.Err
}

func wanted(text string) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , -2.5e3 , { } ] , "b" : null , "c" : true , "d" : false } `, `{"a":"\"\\\u00e4ä","a":"the last"}`,
		`[[],[[]],{"a":{"b":{"c":"d"}}},""]`, `"x"`, `null`, `"12345678901234567890"`,
	} {
		want, err := wanted(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := treeOf(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
}

// What is no JSON, or ends too early, fails, and is not read any further.
func TestReaderFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{1:2}`, `{"a":1]`, `[1}`, `[1`, `[1,`, `[1 2]`, `[,]`, `[1,]`,
		`"a`, `"\`, `"\q"`, `tru`, `truth`, `nul`, `none`, `{} {}`, `[]]`, `{"a":{"b":"c}`,
	} {
		if got, err := treeOf(text); err == nil {
			t.Errorf("%s was read as %v", text, got)
		}
	}
	for name, read := range map[string]func(r *Reader){
		"object": func(r *Reader) { r.Object() }, "array": func(r *Reader) { r.Array() },
		"word": func(r *Reader) { r.Word() }, "bool": func(r *Reader) { r.Bool() },
	} {
		r := &Reader{Text: []byte(`12 `)}
		if read(r); !errors.Is(r.Err, ErrKind) {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "-12": -12, "9223372036854775807": math.MaxInt64} {
		r := &Reader{Text: []byte(text + ",")}
		if got := r.Int(); r.Err != nil || got != want {
			t.Errorf("%s is %d, %v", text, got, r.Err)
		}
	}
	for _, text := range []string{"", "1.0", "1e3", "+1", `"1"`, "9223372036854775808", "null", "{}", "-"} {
		r := &Reader{Text: []byte(text + ",")}
		if got := r.Int(); r.Err == nil {
			t.Errorf("%s is %d", text, got)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	r, list := &Reader{Text: []byte(`{"a":[1,2],"b":"x"}`)}, []int(nil)
	for more := r.Object(); more; more = r.Member() {
		r.Decode(&list)
	}
	if r.Err == nil || !slices.Equal(list, []int{1, 2}) {
		t.Errorf("%v, %v", list, r.Err)
	}
}

// After a failure loops end, values are empty, and the failure stays.
func TestAFailureStays(t *testing.T) {
	t.Parallel()
	r, odd := &Reader{Text: []byte(` {"a":"b"}`), At: 1}, errors.New("odd")
	r.Object()
	r.Fail(odd)
	if r.Member() || r.Object() || r.Array() || r.Element() || r.Null() || r.Bool() || r.Word() != nil || r.Raw() != nil || r.Peek() != 0 || len(r.Name()) > 0 || r.Is("a") {
		t.Error("something was read")
	}
	r.Skip()
	r.End()
	if r.Fail(ErrTorn); !errors.Is(r.Err, odd) {
		t.Error(r.Err)
	}
}

// Of an object's members one may be wanted, unless it is null.
func TestIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`{"a":"x","b":"y","c":null}`: "y", `{"b":"y","b":null}`: "y", `{"b":"y","b":"z"}`: "z", `{"bb":"y"}`: "", `{}`: ""} {
		r, got := &Reader{Text: []byte(text)}, ""
		for more := r.Object(); more; more = r.Member() {
			if r.Is("b") {
				got = string(r.Word())
			}
		}
		if r.End(); r.Err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, r.Err)
		}
	}
}

// FuzzReader: what encoding/json reads is read, and is the same. Names are given
// as written, so those with escapes are left out; so is text that is not UTF-8,
// which stays as it is.
func FuzzReader(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\\"}],"c":"\u00e4"}`)
	f.Add(`{"a":tru}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := treeOf(text)
		want, bad := wanted(text)
		if bad != nil || !json.Valid([]byte(text)) || !utf8.ValidString(text) || strings.Contains(text, `\`) {
			return
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	})
}

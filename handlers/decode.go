package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"extractor/models"
)

const (
	// maxDepth is how deep a body may nest: the contract needs two levels.
	maxDepth = 32
	// maxValues is how many names and values a body may hold: the contract needs a
	// dozen, and each costs many times its bytes to read.
	maxValues = 10_000
)

// decode reads the body as one JSON object into the struct dst, whatever the
// Content-Type says. Properties that dst does not know are ignored. Anything two
// readers could read differently is refused: duplicate keys, known keys in
// another case, another type, text after the object.
func decode(r *http.Request, dst any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	return decodeBytes(body, dst)
}

func readBody(r *http.Request) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, models.Errorf(models.Invalid, "Send the body without Content-Encoding.")
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, models.Errorf(models.Invalid, "The body is larger than %d bytes. Send only the documented properties.", large.Limit)
	}
	if err != nil {
		return nil, models.Errorf(models.Invalid, "The body broke off. Send it again.").Because(err)
	}
	return body, nil
}

func decodeBytes(body []byte, dst any) error {
	if err := checkShape(body); err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil || given == nil {
		return errNotObject
	}
	into := reflect.ValueOf(dst).Elem()
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("json")
		if err := checkCase(given, name); err != nil {
			return err
		}
		if err := assign(given, name, into.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

var errNotObject = models.Errorf(models.Invalid, `The body must be one JSON object, such as {"enabled": true}.`)

// assign decodes one property. null is a value of its own, which only a maybe takes.
func assign(given map[string]json.RawMessage, name string, field reflect.Value) error {
	raw, ok := given[name]
	if !ok {
		return nil
	}
	_, nullable := field.Addr().Interface().(*maybe)
	if !nullable && bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, field.Addr().Interface()) != nil {
		return models.Errorf(models.Invalid, "The property %s must be %s.", name, typeWords(field.Type()))
	}
	return nil
}

// maybe is a text that may be null, which means the same as absent: a consumer
// may send back what it was given.
type maybe struct{ text *string }

func (m *maybe) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &m.text) }

// texts is an object whose values are texts. encoding/json alone would take
// null for an empty one.
type texts map[string]string

func (t *texts) UnmarshalJSON(b []byte) error {
	var given map[string]*string
	if err := json.Unmarshal(b, &given); err != nil {
		return err
	}
	*t = texts{}
	for name, text := range given {
		if text == nil {
			return fmt.Errorf("%s is null", name)
		}
		(*t)[name] = *text
	}
	return nil
}

func typeWords(t reflect.Type) string {
	if t == reflect.TypeFor[maybe]() {
		return "a text in quotes"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false, without quotes"
	case reflect.String:
		return "a text in quotes"
	}
	return "an object whose values are texts"
}

// checkCase refuses a known name in another case: encoding/json and other
// readers would take it for the property.
func checkCase(given map[string]json.RawMessage, name string) error {
	for key := range given {
		if key != name && strings.EqualFold(key, name) {
			return models.Errorf(models.Invalid, "Write the property %s exactly so, not %s.", name, quote(key))
		}
	}
	return nil
}

// checkShape walks the whole body and refuses what is torn, followed by more,
// nested too deep, or has a key twice.
func checkShape(body []byte) error {
	if !utf8.Valid(body) {
		return models.Errorf(models.Invalid, "The body must be JSON in UTF-8.")
	}
	s := shape{Decoder: json.NewDecoder(bytes.NewReader(body))}
	s.UseNumber()
	if err := s.walk(0); err != nil {
		return err
	}
	if _, err := s.Token(); !errors.Is(err, io.EOF) {
		return models.Errorf(models.Invalid, "The body must be one JSON object with nothing after it.")
	}
	return nil
}

// shape is a body of which nothing but the shape is looked at.
type shape struct {
	*json.Decoder
	values int // read so far, names included
}

// next reads a name, a value, or how a value begins.
func (s *shape) next() (json.Token, error) {
	if s.values++; s.values > maxValues {
		return nil, models.Errorf(models.Invalid, "The body holds more than %d values. Send only the documented properties.", maxValues)
	}
	token, err := s.Token()
	return token, torn(err)
}

// walk reads one value.
func (s *shape) walk(depth int) error {
	token, err := s.next()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	switch {
	case !nested:
		return nil
	case depth >= maxDepth:
		return models.Errorf(models.Invalid, "The body nests deeper than %d levels.", maxDepth)
	case open == '[':
		return s.walkArray(depth + 1)
	}
	return s.walkObject(depth + 1)
}

func (s *shape) walkArray(depth int) error {
	for s.More() {
		if err := s.walk(depth); err != nil {
			return err
		}
	}
	_, err := s.Token()
	return torn(err)
}

func (s *shape) walkObject(depth int) error {
	seen := map[string]bool{}
	for s.More() {
		token, err := s.next()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return models.Errorf(models.Invalid, "The property %s is given more than once. Send it once.", quote(key))
		}
		seen[key] = true
		if err := s.walk(depth); err != nil {
			return err
		}
	}
	_, err := s.Token()
	return torn(err)
}

// torn is nil for a nil err.
func torn(err error) error {
	if err == nil {
		return nil
	}
	return models.Errorf(models.Invalid, "The body is not complete, correct JSON.").Because(err)
}

// quotedMost is how much of the caller's own text an answer repeats.
const quotedMost = 40

// quote repeats a piece of the caller's text, shortened and made harmless.
func quote(s string) string {
	if runes := []rune(s); len(runes) > quotedMost {
		s = string(runes[:quotedMost]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

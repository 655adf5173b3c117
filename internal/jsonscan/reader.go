package jsonscan

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// Reader walks over JSON text in plain loops, for what is read so often that a
// call per member would show:
//
//	for more := r.Object(); more; more = r.Member() {
//		switch string(r.Name()) {
//		case "id":
//			id = string(r.Word())
//		default:
//			r.Skip()
//		}
//	}
//	return r.Err
//
// The body of a loop has to walk over one value. The first failure is kept in
// Err; from then on every loop ends and every value is empty.
type Reader struct {
	Text []byte
	At   int
	Err  error
	// The member's name is kept as numbers: setting them costs nothing while
	// memory is being collected.
	nameAt, nameEnd int
}

// ErrKind says that a value is of another kind than it should be.
var ErrKind = errors.New("a value of another kind")

// Fail keeps the first failure. Nothing is left to walk over then.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		*r = Reader{Err: err}
	}
}

// Peek skips white space and gives the next byte, or 0 at the end.
func (r *Reader) Peek() byte {
	if r.At < len(r.Text) && r.Text[r.At] > ' ' {
		return r.Text[r.At]
	}
	return r.peekFar()
}

func (r *Reader) peekFar() byte {
	for ; r.At < len(r.Text) && isSpace(r.Text[r.At]); r.At++ {
	}
	if r.At < len(r.Text) {
		return r.Text[r.At]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// Object begins an object and reports whether it has a member, whose Name has
// then been read.
func (r *Reader) Object() bool { return r.open('{', '}') && r.name() }

// Member goes on behind a member's value, and reports whether another follows.
func (r *Reader) Member() bool { return r.next('}') && r.name() }

// Array begins an array and reports whether it has an element.
func (r *Reader) Array() bool { return r.open('[', ']') }

// Element goes on behind an element, and reports whether another follows.
func (r *Reader) Element() bool { return r.next(']') }

func (r *Reader) open(bracket, end byte) bool {
	if r.Peek() != bracket {
		r.odd(ErrKind)
		return false
	}
	r.At++
	if r.Peek() == end {
		r.At++
		return false
	}
	return true
}

func (r *Reader) next(end byte) bool {
	c := r.Peek()
	if c != ',' && c != end {
		r.odd(fmt.Errorf("%q instead of a comma at byte %d", c, r.At))
		return false
	}
	r.At++
	return c == ','
}

// odd fails for what stands at At; where the text has ended, for that.
func (r *Reader) odd(err error) {
	if r.At >= len(r.Text) {
		err = ErrTorn
	}
	r.Fail(err)
}

// name reads a member's name and its colon.
func (r *Reader) name() bool {
	if r.Peek() != '"' {
		r.odd(ErrKind)
		return false
	}
	start := r.At + 1
	end, _ := stringEnd(r.Text, start)
	if end < 0 {
		r.Fail(ErrTorn)
		return false
	}
	r.nameAt, r.nameEnd, r.At = start, end-1, end
	if r.Peek() != ':' {
		r.odd(ErrKind)
		return false
	}
	r.At++
	return true
}

// Name is the name, as written, of the member whose value is read next.
func (r *Reader) Name() []byte { return r.Text[r.nameAt:r.nameEnd] }

// Is reports whether the member has that name and is not null; any other is
// walked over.
func (r *Reader) Is(name string) bool {
	if r.Null() {
		return false
	}
	if string(r.Name()) == name {
		return true
	}
	r.Skip()
	return false
}

// Null walks over a null and reports whether there was one; another value is
// left as it is.
func (r *Reader) Null() bool { return r.Peek() == 'n' && r.null() }

func (r *Reader) null() bool {
	if !bytes.Equal(r.Raw(), []byte("null")) {
		r.Fail(ErrKind)
		return false
	}
	return true
}

// Literal walks over text if just that stands next, and reports whether it does:
// for what a host nearly always writes in one way.
func (r *Reader) Literal(text string) bool {
	if len(r.Text)-r.At < len(text) || string(r.Text[r.At:r.At+len(text)]) != text {
		return false
	}
	r.At += len(text)
	return true
}

// Skip walks over any value.
func (r *Reader) Skip() {
	r.Peek()
	end, err := valueEnd(r.Text, r.At)
	if err != nil {
		r.Fail(err)
		return
	}
	r.At = end
}

// Raw walks over any value and gives its bytes, which are the text's own.
func (r *Reader) Raw() []byte {
	r.Peek()
	text, start := r.Text, r.At
	r.Skip()
	if r.Err != nil {
		return nil
	}
	return text[start:r.At]
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	raw := r.Raw()
	if r.Err == nil && string(raw) != "true" && string(raw) != "false" {
		r.Fail(ErrKind)
	}
	return string(raw) == "true"
}

// Int reads a whole number.
func (r *Reader) Int() int64 {
	raw := r.Raw()
	if r.Err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || raw[0] == '+' {
		r.Fail(ErrKind)
	}
	return n
}

// Decode reads a value into v, for what is rare.
func (r *Reader) Decode(v any) {
	raw := r.Raw()
	if r.Err != nil {
		return
	}
	if err := Unmarshal(raw, v); err != nil {
		r.Fail(err)
	}
}

// Word reads a string. One without escapes is the text's own bytes.
func (r *Reader) Word() []byte {
	if r.Peek() != '"' {
		r.odd(ErrKind)
		return nil
	}
	start := r.At
	end, plain := stringEnd(r.Text, start+1)
	if end < 0 {
		r.Fail(ErrTorn)
		return nil
	}
	r.At = end
	if plain {
		return r.Text[start+1 : end-1]
	}
	return r.unescape(r.Text[start:end])
}

func (r *Reader) unescape(quoted []byte) []byte {
	var text string
	if err := Unmarshal(quoted, &text); err != nil {
		r.Fail(err)
		return nil
	}
	return []byte(text)
}

// End fails unless only white space is left.
func (r *Reader) End() {
	if r.Peek() != 0 || r.At < len(r.Text) {
		r.Fail(ErrKind)
	}
}

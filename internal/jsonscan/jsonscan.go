// Package jsonscan walks over JSON text without building anything: a page of a
// host holds more than a megabyte, of which the frame and the ids are wanted
// first. It looks at each byte once and checks only what it walks by; what is
// inside a skipped value is for whoever decodes it to find odd.
package jsonscan

import (
	"errors"
	"fmt"
)

// Scanner walks over the JSON text from At on.
type Scanner struct {
	Text []byte
	At   int
}

// MostElements is the most that Array walks over: ten times the records of the
// fullest page that a host documents. Each becomes something larger than the two
// bytes it may have in the text, so that a page of many would fill our memory.
const MostElements = 10_000

// ErrCrowded says that an array has more than MostElements.
var ErrCrowded = errors.New("an array of more elements than we take")

// ErrTorn says that the text ends in the middle of a value.
var ErrTorn = errors.New("the text ends too early")

// Peek skips white space and gives the next byte, or 0 at the end.
func (s *Scanner) Peek() byte {
	if s.At < len(s.Text) && s.Text[s.At] > ' ' {
		return s.Text[s.At]
	}
	return s.peekFar()
}

// peekFar is Peek where there may be white space; the other is small enough to
// be inlined.
func (s *Scanner) peekFar() byte {
	for ; s.At < len(s.Text); s.At++ {
		switch c := s.Text[s.At]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take takes the byte c.
func (s *Scanner) take(c byte) error {
	if got := s.Peek(); got == 0 {
		return ErrTorn
	} else if got != c {
		return fmt.Errorf("%q instead of %q at byte %d", got, c, s.At)
	}
	s.At++
	return nil
}

// Object walks over an object; member is called behind each name's colon and
// has to walk over the value.
func (s *Scanner) Object(member func(name []byte) error) error {
	more, err := s.open('{', '}')
	for ; more && err == nil; more, err = s.next('}') {
		s.Peek()
		start := s.At
		if err := s.string(); err != nil {
			return err
		}
		name := s.Text[start+1 : s.At-1]
		if err := s.take(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	return err
}

// Array walks over an array; element has to walk over each value.
func (s *Scanner) Array(element func() error) error {
	more, err := s.open('[', ']')
	for n := 0; more && err == nil; more, err = s.next(']') {
		if n++; n > MostElements {
			return ErrCrowded
		}
		if err := element(); err != nil {
			return err
		}
	}
	return err
}

// open takes an opening bracket and reports whether anything is behind it; if
// not, the end is taken, too.
func (s *Scanner) open(bracket, end byte) (more bool, err error) {
	if err := s.take(bracket); err != nil {
		return false, err
	}
	if s.Peek() == end {
		s.At++
		return false, nil
	}
	return true, nil
}

// next takes a comma, behind which there is more, or the end.
func (s *Scanner) next(end byte) (more bool, err error) {
	if s.Peek() == end {
		s.At++
		return false, nil
	}
	return true, s.take(',')
}

// string walks over a string.
func (s *Scanner) string() error {
	if err := s.take('"'); err != nil {
		return err
	}
	end, _ := stringEnd(s.Text, s.At)
	if end < 0 {
		return ErrTorn
	}
	s.At = end
	return nil
}

// Skip walks over any value.
func (s *Scanner) Skip() (err error) {
	s.Peek()
	s.At, err = valueEnd(s.Text, s.At)
	return err
}

// Decode walks over a value and reads it into v.
func (s *Scanner) Decode(v any) error {
	s.Peek()
	start := s.At
	if err := s.Skip(); err != nil {
		return err
	}
	return Unmarshal(s.Text[start:s.At], v)
}

// Raw walks over a value and gives its bytes, which are the text's own.
func (s *Scanner) Raw() ([]byte, error) {
	s.Peek()
	start := s.At
	if err := s.Skip(); err != nil {
		return nil, err
	}
	return s.Text[start:s.At], nil
}

// End reports whether only white space is left.
func (s *Scanner) End() bool { return s.Peek() == 0 && s.At >= len(s.Text) }

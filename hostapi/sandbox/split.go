package sandbox

import (
	"errors"
	"fmt"
	"strconv"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
)

// A page is {"orders":[{…},…],"next":"…"} and holds more than a megabyte. It is
// cut into records in one pass that looks at each byte once: only the page's
// frame and each order's id and version are read here. The rest of an order is
// read once, by Transform, and only there may an order be found to be odd: it
// is then refused alone, and the page goes on.

// splitPage cuts a page into records, whose bodies share the page's memory.
// next is empty on the last page. The error says that the page as a whole
// cannot be read.
func splitPage(page []byte) (records []hostapi.Record, next string, err error) {
	s := &scanner{text: page}
	orders := false
	err = s.object(func(name []byte) error {
		switch string(name) {
		case "orders":
			orders = true
			records = make([]hostapi.Record, 0, pageSize)
			return s.array(func() error {
				r, err := s.record()
				records = append(records, r)
				return err
			})
		case "next":
			return s.decode(&next)
		}
		return s.skip()
	})
	if err == nil && s.peek() != 0 {
		err = errors.New("text after the page")
	}
	if err == nil && !orders {
		err = errors.New("a page without orders")
	}
	return records, next, err
}

// record reads one order of the page.
func (s *scanner) record() (hostapi.Record, error) {
	s.peek()
	start := s.at
	r := hostapi.Record{Kind: kindOrder}
	err := s.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return s.decode(&r.Key)
		case "version":
			var n int64
			err := s.decode(&n)
			r.Version = version(n)
			return err
		}
		return s.skip()
	})
	if err == nil && (r.Key == "" || r.Version == "") {
		err = errors.New("an order without id or version")
	}
	r.Body = s.text[start:s.at]
	return r, err
}

// version is hostapi.IntVersion without its formatting verbs: this runs for
// every order.
func version(n int64) string {
	const width = 20
	var b [width]byte
	digits := strconv.AppendInt(b[:0], n, 10)
	if n < 0 || len(digits) > width {
		return hostapi.IntVersion(n)
	}
	v := [width]byte{}
	pad := width - len(digits)
	for i := range pad {
		v[i] = '0'
	}
	copy(v[pad:], digits)
	return string(v[:])
}

// scanner walks over JSON text.
type scanner struct {
	text []byte
	at   int
}

var errTorn = errors.New("the text ends too early")

// peek skips white space and gives the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take takes the byte c.
func (s *scanner) take(c byte) error {
	if got := s.peek(); got == 0 {
		return errTorn
	} else if got != c {
		return fmt.Errorf("%q instead of %q at byte %d", got, c, s.at)
	}
	s.at++
	return nil
}

// object walks over an object; member is called behind each name's colon and
// has to walk over the value.
func (s *scanner) object(member func(name []byte) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	return s.list('}', func() error {
		s.peek()
		start := s.at
		if err := s.string(); err != nil {
			return err
		}
		name := s.text[start+1 : s.at-1]
		if err := s.take(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// array walks over an array; element has to walk over each value.
func (s *scanner) array(element func() error) error {
	if err := s.take('['); err != nil {
		return err
	}
	return s.list(']', element)
}

// list walks over what lies between an opening bracket, already taken, and its end.
func (s *scanner) list(end byte, one func() error) error {
	if s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		if s.peek() == end {
			s.at++
			return nil
		}
		if err := s.take(','); err != nil {
			return err
		}
	}
}

// string walks over a string.
func (s *scanner) string() error {
	if err := s.take('"'); err != nil {
		return err
	}
	end := stringEnd(s.text, s.at)
	if end < 0 {
		return errTorn
	}
	s.at = end
	return nil
}

// stringEnd is where the string ends whose first character is at at; -1 when it
// does not.
func stringEnd(text []byte, at int) int {
	for at < len(text) {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
		at++
	}
	return -1
}

// skip walks over any value.
func (s *scanner) skip() error {
	switch s.peek() {
	case 0:
		return errTorn
	case '"':
		return s.string()
	case '{', '[':
		return s.nested()
	}
	return s.plain()
}

// nested walks over an object or array by counting brackets. Most of a page
// passes through here, hence the bare loop.
func (s *scanner) nested() error {
	text, depth := s.text, 0
	for at := s.at; at < len(text); at++ {
		c := text[at]
		if !marks[c] {
			continue
		}
		switch c {
		case '"':
			if at = stringEnd(text, at+1) - 1; at < 0 {
				return errTorn
			}
		case '{', '[':
			depth++
		default:
			if depth--; depth == 0 {
				s.at = at + 1
				return nil
			}
		}
	}
	return errTorn
}

// marks are the bytes that mean something to nested.
var marks = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

// plain walks over a number, true, false or null.
func (s *scanner) plain() error {
	start := s.at
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			if s.at == start {
				return fmt.Errorf("no value at byte %d", s.at)
			}
			return nil
		}
	}
	return errTorn
}

// decode walks over a value and reads it into v.
func (s *scanner) decode(v any) error {
	s.peek()
	start := s.at
	if err := s.skip(); err != nil {
		return err
	}
	return json.Unmarshal(s.text[start:s.at], v)
}

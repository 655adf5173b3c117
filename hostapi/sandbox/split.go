package sandbox

import (
	"errors"
	"strconv"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
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
	s := &jsonscan.Scanner{Text: page}
	orders := false
	err = s.Object(func(name []byte) error {
		switch string(name) {
		case "orders":
			orders = true
			records = make([]hostapi.Record, 0, pageSize)
			return s.Array(func() error {
				r, err := record(s)
				records = append(records, r)
				return err
			})
		case "next":
			return s.Decode(&next)
		}
		return s.Skip()
	})
	if err == nil && !s.End() {
		err = errors.New("text after the page")
	}
	if err == nil && !orders {
		err = errors.New("a page without orders")
	}
	return records, next, err
}

// record reads one order of the page.
func record(s *jsonscan.Scanner) (hostapi.Record, error) {
	s.Peek()
	start := s.At
	r := hostapi.Record{Kind: kindOrder}
	err := s.Object(func(name []byte) error {
		switch string(name) {
		case "id":
			return s.Decode(&r.Key)
		case "version":
			var n int64
			err := s.Decode(&n)
			r.Version = version(n)
			return err
		}
		return s.Skip()
	})
	if err == nil && (r.Key == "" || r.Version == "") {
		err = errors.New("an order without id or version")
	}
	r.Body = s.Text[start:s.At]
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

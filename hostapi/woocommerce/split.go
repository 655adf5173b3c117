package woocommerce

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"extractor/internal/jsonscan"
)

// A page of orders is an array. It is cut in one pass that looks at each byte
// once; only what paging and completing go by is read here. An order that is odd
// elsewhere is for Transform to refuse, alone.

// head is what reading takes of an order.
type head struct {
	key               string // the id, or a name made of the content where that cannot be read
	id                int64
	status            string
	created, modified time.Time // zero: cannot be read
	refunds           []int64
	raw               []byte // shares the page's memory
}

var errNoList = errors.New("not a list")

// splitOrders cuts a page.
func splitOrders(page []byte) (heads []head, err error) {
	s := &jsonscan.Scanner{Text: page}
	if s.Peek() != '[' {
		return nil, errNoList
	}
	heads = make([]head, 0, pageSize)
	r := jsonscan.Reader{Text: page}
	err = s.Array(func() error {
		r.At = s.At
		h, err := readHead(&r)
		s.At = r.At
		heads = append(heads, h)
		return err
	})
	if err == nil && !s.End() {
		err = errors.New("text after the page")
	}
	return heads, err
}

func readHead(r *jsonscan.Reader) (h head, err error) {
	r.Peek()
	text, start := r.Text, r.At
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			h.id, h.key = number(r.Raw())
		case "status":
			h.status = status(word(r.Raw()))
		case "date_created_gmt":
			h.created = instant(word(r.Raw()))
		case "date_modified_gmt":
			h.modified = instant(word(r.Raw()))
		case "refunds":
			if h.refunds, err = refundIDs(r.Raw()); err != nil {
				return h, err
			}
		default:
			r.Skip()
		}
	}
	if r.Err != nil {
		return h, r.Err
	}
	h.raw = text[start:r.At]
	if h.key == "" {
		sum := sha256.Sum256(h.raw)
		h.key = "unreadable-" + hex.EncodeToString(sum[:8])
	}
	return h, nil
}

// number reads an id: digits that name it, too.
func number(value []byte) (int64, string) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n <= 0 {
		return 0, ""
	}
	return n, strconv.FormatInt(n, 10)
}

// word are the bytes of a string without escapes; none of whatever else.
func word(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return nil
	}
	return value[1 : len(value)-1]
}

// status is a status of an order; the usual ones are not written anew.
func status(name []byte) string {
	switch string(name) {
	case "processing":
		return "processing"
	case "completed":
		return "completed"
	case "refunded":
		return "refunded"
	case "pending":
		return "pending"
	}
	return string(name)
}

// instant reads a date of WordPress, which is in GMT without saying so.
func instant(date []byte) time.Time {
	var room [len(time.RFC3339Nano)]byte
	text := append(append(room[:0], bytes.TrimSuffix(date, []byte("Z"))...), 'Z')
	t, err := time.Parse(time.RFC3339, string(text)) // much faster than other layouts
	if err != nil {
		return time.Time{}
	}
	return t
}

// refundIDs are the ids in an order's list of refunds.
func refundIDs(value []byte) (ids []int64, err error) {
	if len(value) == 0 || value[0] != '[' {
		return nil, nil
	}
	s := &jsonscan.Scanner{Text: value}
	err = s.Array(func() error {
		element, err := s.Raw()
		if err != nil || len(element) == 0 || element[0] != '{' {
			return err
		}
		in := &jsonscan.Scanner{Text: element}
		return in.Object(func(name []byte) error {
			if string(name) != "id" {
				return in.Skip()
			}
			value, err := in.Raw()
			if id, _ := number(value); id != 0 {
				ids = append(ids, id)
			}
			return err
		})
	})
	return ids, err
}

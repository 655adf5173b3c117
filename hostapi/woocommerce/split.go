package woocommerce

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
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
	err = s.Array(func() error {
		h, err := readHead(s)
		heads = append(heads, h)
		return err
	})
	if err == nil && !s.End() {
		err = errors.New("text after the page")
	}
	return heads, err
}

func readHead(s *jsonscan.Scanner) (h head, err error) {
	s.Peek()
	start := s.At
	err = s.Object(func(name []byte) error {
		value, err := member(s, name)
		if err != nil || value == nil {
			return err
		}
		switch string(name) {
		case "id":
			h.id, h.key = number(value)
		case "status":
			h.status = text(value)
		case "date_created_gmt":
			h.created = instant(text(value))
		case "date_modified_gmt":
			h.modified = instant(text(value))
		case "refunds":
			h.refunds, err = refundIDs(value)
		}
		return err
	})
	h.raw = s.Text[start:s.At]
	if h.key == "" {
		sum := sha256.Sum256(h.raw)
		h.key = "unreadable-" + hex.EncodeToString(sum[:8])
	}
	return h, err
}

// member walks over a value and gives it where it is one that a head needs.
func member(s *jsonscan.Scanner, name []byte) ([]byte, error) {
	switch string(name) {
	case "id", "status", "date_created_gmt", "date_modified_gmt", "refunds":
		return s.Raw()
	}
	return nil, s.Skip()
}

// number reads an id: digits that name it, too.
func number(value []byte) (int64, string) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n <= 0 {
		return 0, ""
	}
	return n, strconv.FormatInt(n, 10)
}

// text is a string without escapes, and empty for whatever else.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	s := string(value[1 : len(value)-1])
	if strings.ContainsRune(s, '\\') {
		return ""
	}
	return s
}

// instant reads a date of WordPress, which is in GMT without saying so.
func instant(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(s, "Z"))
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

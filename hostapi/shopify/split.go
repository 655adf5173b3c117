package shopify

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

// A page is cut into records in one pass: only its frame and each order's id and
// updatedAt are read here. Transform reads the rest once, and there alone may an
// order be found to be odd: it is then refused alone, and the page goes on.

const (
	kindOrder = "order"
	orderGID  = "gid://shopify/Order/"
)

// listing is one page of a list.
type listing struct {
	records []hostapi.Record
	info    pageEnd
}

type pageEnd struct {
	More bool   `json:"hasNextPage"`
	End  string `json:"endCursor"`
}

// walk walks over an object and gives the named members to read.
func walk(s *jsonscan.Scanner, read func(name string) (func() error, bool)) error {
	return s.Object(func(name []byte) error {
		if member, ok := read(string(name)); ok && s.Peek() != 'n' { // null is as good as absent
			return member()
		}
		return s.Skip()
	})
}

// readOrders walks over the data of ordersQuery.
func readOrders(s *jsonscan.Scanner, zone string) (l listing, err error) {
	found := false
	err = walk(s, func(name string) (func() error, bool) {
		return func() error {
			return walk(s, func(name string) (func() error, bool) {
				switch name {
				case "pageInfo":
					return func() error { return s.Decode(&l.info) }, true
				case "nodes":
					found = true
					return func() (err error) { l.records, err = readNodes(s, zone); return err }, true
				}
				return nil, false
			})
		}, name == "orders"
	})
	if err == nil && !found {
		err = errors.New("an answer without orders")
	}
	return l, err
}

// readNodes walks over a list of orders. An empty place is an order that
// Shopify no longer knows.
func readNodes(s *jsonscan.Scanner, zone string) (records []hostapi.Record, err error) {
	e := envelopeOf(zone)
	records = make([]hostapi.Record, 0, largestSize)
	err = s.Array(func() error {
		if s.Peek() == 'n' {
			return s.Skip()
		}
		r, err := e.record(s)
		records = append(records, r)
		return err
	})
	return records, err
}

// envelope is the beginning of a record's body, which ends with a bracket. What
// Transform makes of an order depends on the shop's clock, so that is part of it.
type envelope []byte

func envelopeOf(zone string) envelope {
	return append(models.AppendJSONString([]byte(`{"zone":`), zone), `,"order":`...)
}

// record reads one order of a page.
func (e envelope) record(s *jsonscan.Scanner) (hostapi.Record, error) {
	s.Peek()
	r := &jsonscan.Reader{Text: s.Text, At: s.At}
	var id, updated []byte
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			id = r.Word()
		case "updatedAt":
			updated = r.Word()
		default:
			r.Skip()
		}
	}
	if r.Err != nil {
		return hostapi.Record{}, r.Err
	}
	order := s.Text[s.At:r.At]
	s.At = r.At
	return e.pack(string(id), string(updated), order)
}

// pack makes a record of an order's parts.
func (e envelope) pack(id, updated string, order []byte) (hostapi.Record, error) {
	key, ok := strings.CutPrefix(id, orderGID)
	if !ok || key == "" {
		return hostapi.Record{}, errors.New("an order without an id")
	}
	at, err := time.Parse(time.RFC3339, updated)
	if err != nil {
		return hostapi.Record{}, errors.New("an order without the time of its last change")
	}
	body := bytes.Join([][]byte{e, order, {'}'}}, nil) // which leaves its memory unwritten before
	return hostapi.Record{Key: key, Kind: kindOrder, Version: version(updated, at), Body: body}, nil
}

// version is hostapi.TimeVersion, for nearly all times without writing them anew.
func version(text string, at time.Time) string {
	const plain = len("2006-01-02T15:04:05Z")
	if len(text) == plain && text[plain-1] == 'Z' {
		return text[:plain-1] + ".000000000Z"
	}
	return hostapi.TimeVersion(at)
}

package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"extractor/internal/jsonscan"
)

// head is what reading takes of a thing. What is odd in it reads as absent: a
// record with it is Transform's to refuse. Every thing of every page passes
// through here, hence no general decoder.
type head struct {
	ID, Object, Status                    string
	Intent, LatestCharge, Charge, Invoice string // ids, expanded or not
	Created, AmountRefunded               int64
	Captured                              bool
	// expanded is the whole intent, where it is there, and ends its latest charge.
	expanded json.RawMessage
	ends     string
}

func headOf(raw json.RawMessage) (h head) {
	s := &jsonscan.Scanner{Text: raw}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			h.ID, err = scanID(s)
		case "object":
			h.Object, err = scanID(s)
		case "status":
			h.Status, err = scanID(s)
		case "payment_intent":
			err = h.scanIntent(s)
		case "latest_charge":
			h.LatestCharge, err = scanID(s)
		case "charge":
			h.Charge, err = scanID(s)
		case "invoice":
			h.Invoice, err = scanID(s)
		case "created":
			h.Created, err = scanInt(s)
		case "amount_refunded":
			h.AmountRefunded, err = scanInt(s)
		case "captured":
			h.Captured, err = scanTrue(s)
		default:
			err = s.Skip()
		}
		return err
	})
	if err != nil {
		return head{}
	}
	return h
}

// scanIntent walks over an intent, expanded or not.
func (h *head) scanIntent(s *jsonscan.Scanner) (err error) {
	if s.Peek() != '{' {
		h.Intent, err = scanID(s)
		return err
	}
	if h.expanded, err = s.Raw(); err == nil {
		in := headOf(h.expanded)
		h.Intent, h.ends = in.ID, in.LatestCharge
	}
	return err
}

// scanID walks over a string, or over a thing for its id; "" for whatever else.
func scanID(s *jsonscan.Scanner) (id string, err error) {
	switch s.Peek() {
	case '"':
		raw, err := s.Raw()
		if err == nil {
			id = plainText(raw)
		}
		return id, err
	case '{':
		err := s.Object(func(name []byte) (err error) {
			if string(name) == "id" && s.Peek() == '"' {
				id, err = scanID(s)
				return err
			}
			return s.Skip()
		})
		return id, err
	}
	return "", s.Skip()
}

// plainText is a JSON string without its quotes.
func plainText(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// scanInt walks over a whole number; 0 for whatever else.
func scanInt(s *jsonscan.Scanner) (int64, error) {
	raw, err := s.Raw()
	if err != nil {
		return 0, err
	}
	n, bad := strconv.ParseInt(string(raw), 10, 64)
	if bad != nil {
		return 0, nil
	}
	return n, nil
}

// scanTrue walks over a value that is true or not.
func scanTrue(s *jsonscan.Scanner) (bool, error) {
	raw, err := s.Raw()
	return string(raw) == "true", err
}

// member is the value under name; nil where there is none.
func member(raw json.RawMessage, name string) (value json.RawMessage) {
	s := &jsonscan.Scanner{Text: raw}
	err := s.Object(func(this []byte) (err error) {
		if string(this) != name {
			return s.Skip()
		}
		if value, err = s.Raw(); err == nil {
			err = errFound
		}
		return err
	})
	if !errors.Is(err, errFound) {
		return nil
	}
	return value
}

// errFound ends a walk before its end.
var errFound = errors.New("found")

// elements are the values of an array.
func elements(raw json.RawMessage) (all []json.RawMessage) {
	s := &jsonscan.Scanner{Text: raw}
	err := s.Array(func() error {
		value, err := s.Raw()
		all = append(all, value)
		return err
	})
	if err != nil {
		return nil
	}
	return all
}

// takeOut takes the expanded thing under name out of another and leaves its id,
// so that two ways of reading give the same. inner is nil where it was not
// expanded.
func takeOut(outer json.RawMessage, name string) (inner, rest json.RawMessage) {
	inner = member(outer, name)
	if len(inner) == 0 || inner[0] != '{' {
		return nil, outer
	}
	return inner, without(outer, inner, headOf(inner).ID)
}

// without is outer with an id in place of inner, which is a part of it.
func without(outer, inner json.RawMessage, id string) json.RawMessage {
	quoted, err := json.Marshal(id)
	if err != nil { // a string always marshals
		return outer
	}
	start := cap(outer) - cap(inner) // both are slices of the page, and reach to its end
	rest := make(json.RawMessage, 0, len(outer)-len(inner)+len(quoted))
	rest = append(rest, outer[:start]...)
	rest = append(rest, quoted...)
	return append(rest, outer[start+len(inner):]...)
}

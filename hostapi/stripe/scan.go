package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

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

// refunded is the id of a charge of which something was given back; "" of any
// other. What failed to be given back is not in the sum.
func (h *head) refunded() string {
	if h.AmountRefunded > 0 {
		return h.ID
	}
	return ""
}

func headOf(raw json.RawMessage) head {
	r := &jsonscan.Reader{Text: raw}
	h := scanHead(r)
	if r.Err != nil {
		return head{}
	}
	return h
}

// cut walks over a thing of a page.
func cut(s *jsonscan.Scanner) (one listed, err error) {
	s.Peek()
	r := &jsonscan.Reader{Text: s.Text, At: s.At}
	if one.head = scanHead(r); r.Err != nil {
		one.head = head{}
		one.raw, err = s.Raw()
		return one, err
	}
	one.raw, s.At = s.Text[s.At:r.At], r.At
	return one, nil
}

// scanHead walks over a thing.
func scanHead(r *jsonscan.Reader) (h head) {
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			h.ID = scanID(r)
		case "object":
			h.Object = scanID(r)
		case "status":
			h.Status = scanID(r)
		case "payment_intent":
			h.scanIntent(r)
		case "latest_charge":
			h.LatestCharge = scanID(r)
		case "charge":
			h.Charge = scanID(r)
		case "invoice":
			h.Invoice = scanID(r)
		case "created":
			h.Created = scanInt(r)
		case "amount_refunded":
			h.AmountRefunded = scanInt(r)
		case "captured":
			h.Captured = string(r.Raw()) == "true"
		default:
			r.Skip()
		}
	}
	return h
}

// scanIntent walks over an intent, expanded or not. One that is odd inside is
// passed over as a whole.
func (h *head) scanIntent(r *jsonscan.Reader) {
	if r.Peek() != '{' {
		h.Intent = scanID(r)
		return
	}
	inner := *r
	in := scanHead(&inner)
	if inner.Err != nil {
		in = head{}
		inner = *r
		inner.Skip()
	}
	if inner.Err == nil {
		h.expanded = r.Text[r.At:inner.At]
	}
	*r = inner
	h.Intent, h.ends = in.ID, in.LatestCharge
}

// scanID walks over a string, or over a thing for its id; "" for whatever else.
func scanID(r *jsonscan.Reader) (id string) {
	switch r.Peek() {
	case '"':
		if raw := r.Raw(); r.Err == nil {
			id = plainText(raw)
		}
	case '{':
		for more := r.Object(); more; more = r.Member() {
			if string(r.Name()) == "id" && r.Peek() == '"' {
				id = scanID(r)
			} else {
				r.Skip()
			}
		}
	default:
		r.Skip()
	}
	return id
}

// plainText is a JSON string without its quotes.
func plainText(raw []byte) string {
	switch {
	case string(raw) == `"succeeded"`: // nearly all are
		return "succeeded"
	case bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// scanInt walks over a whole number; 0 for whatever else.
func scanInt(r *jsonscan.Reader) int64 {
	n, err := strconv.ParseInt(string(r.Raw()), 10, 64)
	if err != nil {
		return 0
	}
	return n
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
	room := len(outer) - len(inner) + len(id) + len(`""`)
	return appendWithout(make(json.RawMessage, 0, room), outer, inner, id)
}

func appendWithout(to, outer, inner json.RawMessage, id string) json.RawMessage {
	start := cap(outer) - cap(inner) // both are slices of the page, and reach to its end
	to = append(to, outer[:start]...)
	to = appendQuoted(to, id)
	return append(to, outer[start+len(inner):]...)
}

// appendQuoted appends a JSON string. Ids and the names of time zones, of which
// every record has some, need no escapes.
func appendQuoted(to []byte, text string) []byte {
	if strings.IndexFunc(text, escaped) < 0 {
		return append(append(append(to, '"'), text...), '"')
	}
	quoted, _ := json.Marshal(text) // a string always marshals
	return append(to, quoted...)
}

// escaped reports whether c is not certain to stand for itself in a JSON string.
func escaped(c rune) bool {
	return c < ' ' || c > '~' || c == '"' || c == '\\'
}

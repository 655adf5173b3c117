package square

import (
	"encoding/json"
	"errors"

	fastjson "github.com/goccy/go-json"

	"extractor/internal/jsonscan"
)

// A page of orders is {"orders":[{…},…],"cursor":"…"} and holds about a
// megabyte. It is cut in one pass; what is odd inside an order is Transform's
// to refuse, and the page goes on.

// cutOrders cuts a page. The error says that the page as a whole cannot be read.
func cutOrders(page []byte) (l listing, err error) {
	s := &jsonscan.Scanner{Text: page}
	err = s.Object(func(name []byte) error {
		switch {
		case string(name) == "orders" && s.Peek() == '[':
			l.things, l.heads = make([]json.RawMessage, 0, orderLimit), make([]head, 0, orderLimit)
			return s.Array(func() error {
				raw, h, err := cut(s)
				l.things, l.heads = append(l.things, raw), append(l.heads, h)
				return err
			})
		case string(name) == "orders" && s.Peek() != 'n': // going on would look like a day without sales
			return errors.New("orders that are no list")
		case string(name) == "cursor":
			return s.Decode(&l.cursor)
		}
		return s.Skip()
	})
	if err == nil && !s.End() {
		err = errors.New("text after the page")
	}
	return l, err
}

// cut walks over one order of a page; what is no object has no head.
func cut(s *jsonscan.Scanner) (raw json.RawMessage, h head, err error) {
	if s.Peek() != '{' {
		raw, err = s.Raw()
		return raw, h, err
	}
	start := s.At
	err = h.read(s)
	return s.Text[start:s.At], h, err
}

// headOf reads what it can of an order or a refund; nothing of what is no object.
func headOf(raw json.RawMessage) (h head) {
	if h.read(&jsonscan.Scanner{Text: raw}) != nil {
		return head{}
	}
	return h
}

// headsOf are the heads of things that were not cut out of a page.
func headsOf(raws []json.RawMessage) []head {
	heads := make([]head, len(raws))
	for i, raw := range raws {
		heads[i] = headOf(raw)
	}
	return heads
}

// read walks over an object. Most of it is passed over without a look inside.
func (h *head) read(s *jsonscan.Scanner) error {
	return s.Object(func(name []byte) error {
		switch string(name) {
		case "id":
			return word(s, &h.ID)
		case "location_id":
			return word(s, &h.LocationID)
		case "order_id":
			return word(s, &h.OrderID)
		case "created_at":
			return moment(s, &h.CreatedAt)
		case "updated_at":
			return moment(s, &h.UpdatedAt)
		case "closed_at":
			return moment(s, &h.ClosedAt)
		case "returns":
			h.Returns = s.Peek() == '['
		}
		return s.Skip()
	})
}

// word reads a string, and nothing of whatever else.
func word(s *jsonscan.Scanner, to *text) error {
	raw, err := s.Raw()
	if err != nil || len(raw) == 0 || raw[0] != '"' {
		return err
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c == '\\' || c < ' ' || c >= 0x80 { // what is not plain is read with care
			var read string
			if fastjson.Unmarshal(raw, &read) == nil {
				*to = text(read)
			}
			return nil
		}
	}
	*to = text(raw[1 : len(raw)-1])
	return nil
}

// moment reads a time, and nothing of whatever else.
func moment(s *jsonscan.Scanner, to *instant) error {
	raw, err := s.Raw()
	if err == nil {
		err = to.UnmarshalJSON(raw)
	}
	return err
}

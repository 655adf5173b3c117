package bigcommerce

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"extractor/internal/jsonscan"
)

// A page of orders is a list of objects and holds about a megabyte. It is cut
// in one pass that looks at each byte once and reads only what paging needs.
// What is odd inside an order is Transform's to refuse; the page goes on.

// head is what reading takes of an order.
type head struct {
	raw      json.RawMessage
	id       int64     // 0: none that can be read
	created  []byte    // a date as it was written: the fewest lists go by it
	modified time.Time // zero: none that can be read
	status   int64     // -1: none that can be read
	included bool      // the consignments are there, as they were asked for
	legs     int       // how many addresses the consignments have
}

// cutOrders cuts a page. The error says that the page as a whole cannot be read.
func cutOrders(page []byte) (heads []head, err error) {
	r := &jsonscan.Reader{Text: page}
	for more := r.Array(); more; more = r.Element() {
		if len(heads) == jsonscan.MostElements {
			return nil, jsonscan.ErrCrowded
		}
		heads = append(heads, cut(r))
	}
	r.End()
	return heads, r.Err
}

// cutOrder reads an answer of one order.
func cutOrder(text []byte) (head, error) {
	r := &jsonscan.Reader{Text: text}
	h := cut(r)
	r.End()
	return h, r.Err
}

// cut walks over one order.
func cut(r *jsonscan.Reader) head {
	r.Peek()
	start, h := r.At, head{status: -1}
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			h.id = max(0, number(r.Raw(), 0))
		case "status_id":
			h.status = number(r.Raw(), -1)
		case "date_created":
			h.created = r.Raw()
		case "date_modified":
			h.modified = dateOf(r.Raw())
		case "consignments":
			h.count(r)
		default:
			r.Skip()
		}
	}
	if r.Err == nil {
		h.raw = r.Text[start:r.At]
	}
	return h
}

// count counts the addresses of consignments, if these are there and not a link
// to them.
func (h *head) count(r *jsonscan.Reader) {
	switch r.Peek() {
	case '{':
		h.included = true
		h.countOne(r)
	case '[':
		h.included = true
		for more := r.Array(); more; more = r.Element() {
			h.countOne(r)
		}
	default:
		r.Skip()
	}
}

func (h *head) countOne(r *jsonscan.Reader) {
	if r.Peek() != '{' {
		r.Skip()
		return
	}
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "shipping", "pickups":
			h.legs += elements(r)
		case "resource":
			h.included = false
			r.Skip()
		default:
			r.Skip()
		}
	}
}

// elements walks over a value and counts what is in it if it is a list.
func elements(r *jsonscan.Reader) (n int) {
	if r.Peek() != '[' {
		r.Skip()
		return 0
	}
	for more := r.Array(); more; more = r.Element() {
		r.Skip()
		n++
	}
	return n
}

func number(value []byte, otherwise int64) int64 {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// dateOf reads a date in a JSON string; zero when it is none.
func dateOf(value []byte) time.Time {
	return parseDate(string(bytes.Trim(value, `"`)))
}

// parseDate reads the dates of v2, RFC 2822, and of v3, RFC 3339; zero for whatever else.
func parseDate(text string) time.Time {
	layout := time.RFC1123Z
	if !strings.Contains(text, ",") {
		layout = time.RFC3339
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// key is the record's: the order's id. Without one it is taken from the content,
// so that the record can be set aside under a name of its own.
func (h *head) key() string {
	if h.id > 0 {
		return strconv.FormatInt(h.id, 10)
	}
	return nameless(h.raw)
}

func nameless(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "unreadable-" + hex.EncodeToString(sum[:8])
}

// refundHead is what reading takes of a refund.
type refundHead struct {
	ID, OrderID int64
	Created     time.Time
}

// refundHeadOf reads what it can.
func refundHeadOf(raw json.RawMessage) (h refundHead) {
	s := &jsonscan.Scanner{Text: bytes.TrimSpace(raw)}
	err := s.Object(func(name []byte) error {
		value, err := s.Raw()
		switch string(name) {
		case "id":
			h.ID = max(0, number(value, 0))
		case "order_id":
			h.OrderID = max(0, number(value, 0))
		case "created":
			h.Created = dateOf(value)
		}
		return err
	})
	if err != nil {
		return refundHead{}
	}
	return h
}

// key is the refund's own, which tells its order, too.
func (h refundHead) key(raw []byte) string {
	if h.ID == 0 || h.OrderID == 0 {
		return nameless(raw)
	}
	return refundKey(h.OrderID, h.ID)
}

func refundKey(order, refund int64) string {
	return strconv.FormatInt(order, 10) + "-r" + strconv.FormatInt(refund, 10)
}

// parseKey is the other way round; refund is 0 in the key of an order, and
// order is 0 for what is no key of ours.
func parseKey(key string) (order, refund int64) {
	first, second, of := strings.Cut(key, "-r")
	order = max(0, number([]byte(first), 0))
	if !of {
		return order, 0
	}
	if refund = number([]byte(second), 0); refund <= 0 {
		return 0, 0
	}
	return order, refund
}

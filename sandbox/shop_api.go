package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The doors of the host, each of which can be told to misbehave.
const (
	doorOrders = "orders"
	doorShop   = "shop"
	doorToken  = "token"
)

const (
	defaultLimit = 50
	maxLimit     = 250
	maxIDs       = 100
)

// authorised lets in who has a token that is alive, and lets faults act first.
func (h *Host) authorised(door string, then func(http.ResponseWriter, *http.Request, *shopState)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s := h.shop(h.subject(token))
		if s == nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, "This access token is not valid (any more).")
			return
		}
		defer s.enter()()
		if h.misbehave(w, r, door, s) {
			return
		}
		then(w, r, s)
	}
}

// enter counts a request in, and gives the function that counts it out.
func (s *shopState) enter() (leave func()) {
	s.count(func(n *ShopStats) {
		n.Requests++
		n.InFlight++
		n.MaxInFlight = max(n.MaxInFlight, n.InFlight)
		n.LastRequest = time.Now().UnixMilli()
	})
	return func() { s.count(func(n *ShopStats) { n.InFlight-- }) }
}

// showShop answers GET /api/shop: whose account the token opens.
func (h *Host) showShop(w http.ResponseWriter, _ *http.Request, s *shopState) {
	answer(w, http.StatusOK, map[string]any{"shop": s.Shop})
}

// pages keeps the buffers of pages: one is more than a megabyte.
var pages = sync.Pool{New: func() any { return new([]byte) }}

// listOrders answers GET /api/orders, by ids or by a window of updated or created time.
func (h *Host) listOrders(w http.ResponseWriter, r *http.Request, s *shopState) {
	values := r.URL.Query()
	buf := pages.Get().(*[]byte)
	defer pages.Put(buf)
	*buf = append((*buf)[:0], `{"orders":[`...)
	var err error
	if ids := values.Get("ids"); ids != "" {
		*buf, err = s.byIDs(*buf, ids)
	} else {
		*buf, err = h.byWindow(*buf, values, s)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.count(func(n *ShopStats) { n.Pages++ })
	if h.holds.meet(r.Context(), s.ID, *buf) {
		h.writePage(w, *buf, s)
	}
}

func (s *shopState) byIDs(buf []byte, list string) ([]byte, error) {
	names := strings.Split(list, ",")
	if len(names) > maxIDs {
		return buf, fmt.Errorf("at most %d ids can be asked for at once", maxIDs)
	}
	var ids []int64
	for _, name := range names {
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return append(s.orders.pick(buf, ids), `],"next":null}`...), nil
}

func (h *Host) byWindow(buf []byte, values url.Values, s *shopState) ([]byte, error) {
	q, err := readQuery(values)
	if err != nil {
		return buf, err
	}
	if f, ok := h.faults.take(h.on(doorOrders, s.ID, FaultRepeat, FaultEmpty)); ok {
		return againAfter(buf, q, s, f.Kind), nil
	}
	buf, last, more := s.orders.list(buf, q)
	return appendNext(buf, last, more), nil
}

// againAfter serves this page, or nothing, with a cursor that leads to this page.
func againAfter(buf []byte, q query, s *shopState, kind string) []byte {
	if kind == FaultRepeat {
		buf, _, _ = s.orders.list(buf, q)
	}
	here := position{q.from, 0}
	if q.after != nil {
		here = *q.after
	}
	return appendNext(buf, here, true)
}

// appendNext ends the page.
func appendNext(buf []byte, last position, more bool) []byte {
	if !more {
		return append(buf, `],"next":null}`...)
	}
	buf = append(buf, `],"next":"`...)
	buf = append(buf, encodeCursor(last)...)
	return append(buf, `"}`...)
}

// encodeCursor makes a cursor no client should read. The time of making is in
// it, so that two cursors for one place differ, as those of real hosts do.
func encodeCursor(p position) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%d", p.at, p.id, time.Now().UnixNano()))
}

func decodeCursor(text string) (*position, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var p position
	var made int64
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d.%d.%d", &p.at, &p.id, &made)
	}
	if err != nil {
		return nil, fmt.Errorf("this cursor is not one of ours")
	}
	return &p, nil
}

// readQuery reads a listing's parameters.
func readQuery(values url.Values) (q query, err error) {
	q = query{by: updatedRoad, hiding: true, limit: defaultLimit, now: time.Now().UnixMilli()}
	from, to := values.Get("updated_from"), values.Get("updated_to")
	if values.Has("created_from") || values.Has("created_to") {
		q.by, q.hiding = createdRoad, false
		from, to = values.Get("created_from"), values.Get("created_to")
	}
	if q.from, q.to, err = readWindow(from, to); err != nil {
		return q, err
	}
	if text := values.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > maxLimit {
			return q, fmt.Errorf("limit is a number from 1 to %d", maxLimit)
		}
	}
	if text := values.Get("cursor"); text != "" {
		q.after, err = decodeCursor(text)
	}
	return q, err
}

// readWindow reads a half-open window as milliseconds. Orders have whole
// milliseconds, so both ends are rounded up.
func readWindow(from, to string) (int64, int64, error) {
	start, err := time.Parse(time.RFC3339Nano, from)
	if err != nil {
		return 0, 0, fmt.Errorf("give a window: updated_from and updated_to, or created_from and created_to, as RFC 3339")
	}
	end, err := time.Parse(time.RFC3339Nano, to)
	if err != nil {
		return 0, 0, fmt.Errorf("the window's end is not RFC 3339")
	}
	return ceilMilli(start), ceilMilli(end), nil
}

func ceilMilli(t time.Time) int64 {
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

package square

import (
	"context"
	"encoding/json"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// cursorLife is how long we trust a cursor of Square's, which lives five
// minutes, less the time a request may take.
const cursorLife = 4 * time.Minute

// road is a way to list everything.
type road struct {
	orders               string   // the date that orders are found and sorted by
	states               []string // which orders; nil = all
	refundFrom, refundTo string   // the query's names of the same for refunds
	refundSort           string
}

var (
	// byUpdate finds what changed, cancelled and open orders too: one that was
	// sent may have become one.
	byUpdate = road{"updated_at", nil, "updated_at_begin_time", "updated_at_end_time", "UPDATED_AT"}
	// byDay finds what happened.
	byDay = road{"closed_at", []string{"COMPLETED"}, "begin_time", "end_time", "CREATED_AT"}
)

// Pull lists what changed in w: orders, ten locations at a time, then refunds.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byUpdate, w, from)
}

// Recount lists the completed orders that were closed in w, and the refunds that were made in w.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byDay, w, from)
}

// position is what our cursor says: where in the window we are.
type position struct {
	Refunds bool      `json:"refunds,omitempty"` // past the orders
	After   string    `json:"after,omitempty"`   // the last location whose orders were read to their end
	Start   time.Time `json:"start,omitzero"`    // where the list under way starts; zero: with the window
	Seen    time.Time `json:"seen,omitzero"`     // how far it was read
	Square  string    `json:"square,omitempty"`  // Square's own cursor in it …
	Asked   time.Time `json:"asked,omitzero"`    // … and when it was given out
}

func parse(c hostapi.Cursor) (p position, err error) {
	if c == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(c), &p); err != nil {
		return p, models.Errorf(models.Internal, "A place in the list of Square's orders was lost.").Because(err)
	}
	return p, nil
}

func (p position) cursor() hostapi.Cursor {
	b, err := json.Marshal(p)
	if err != nil { // only for a year beyond 9999, which no list reaches
		return ""
	}
	return hostapi.Cursor(b)
}

// restart is p without Square's cursor: a new list that starts where the old
// one was left. What changed in that same millisecond comes again.
func (p position) restart() position {
	if !p.Seen.IsZero() {
		p.Start = p.Seen
	}
	p.Square, p.Asked = "", time.Time{}
	return p
}

// span is the part of w that the list under way covers.
func (p position) span(w models.Window) models.Window {
	if p.Start.After(w.From) {
		w.From = p.Start
	}
	return w
}

// step is the position after a page; more is false at the end of the list.
func (p position) step(list *listing, asked, seen time.Time) (next position, more bool, err error) {
	if list.cursor == "" {
		return position{}, false, nil
	}
	if list.cursor == p.Square {
		return p, false, models.Errorf(models.Unavailable, "Square keeps sending the same page. We try again by ourselves.")
	}
	p.Square, p.Asked = list.cursor, asked
	if seen.After(p.Seen) {
		p.Seen = seen
	}
	return p, true, nil
}

// page reads the page at position from.
func (h *host) page(ctx context.Context, a hostapi.Account, by road, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from)
	if err != nil {
		return nil, err
	}
	if p.Square != "" && h.now().Sub(p.Asked) > cursorLife {
		p = p.restart()
	}
	r, err := h.reader(ctx, a)
	if err != nil {
		return nil, err
	}
	page, err := r.page(ctx, by, w, p)
	if err != nil && models.KindOf(err) == models.Internal && p.Square != "" { // the cursor may have died before its time
		return r.page(ctx, by, w, p.restart())
	}
	return page, err
}

func (r *reader) page(ctx context.Context, by road, w models.Window, p position) (*hostapi.Page, error) {
	group := r.group(p.After)
	if p.Refunds || len(group) == 0 {
		p.Refunds = true
		return r.refundPage(ctx, by, w, p)
	}
	return r.orderPage(ctx, by, w, p, group)
}

func (r *reader) orderPage(ctx context.Context, by road, w models.Window, p position, group []string) (*hostapi.Page, error) {
	asked := r.now()
	list, err := r.search(ctx, by, group, p.span(w), p.Square)
	if err != nil {
		return nil, err
	}
	next, more, err := p.step(list, asked, by.lastOrder(list.things))
	if err != nil {
		return nil, err
	}
	if !more { // the next group of locations, or the refunds
		next = position{After: group[len(group)-1]}
	}
	records, err := r.orderRecords(ctx, list.things, list.heads)
	if err != nil {
		return nil, err
	}
	return &hostapi.Page{Records: records, Next: next.cursor(), More: true}, nil
}

func (r *reader) refundPage(ctx context.Context, by road, w models.Window, p position) (*hostapi.Page, error) {
	asked := r.now()
	list, err := r.refunds(ctx, by, p.span(w), p.Square)
	if err != nil {
		return nil, err
	}
	next, more, err := p.step(list, asked, by.lastRefund(list.things))
	if err != nil {
		return nil, err
	}
	records, err := r.refundRecords(ctx, list.things)
	if err != nil || !more {
		return &hostapi.Page{Records: records}, err
	}
	return &hostapi.Page{Records: records, Next: next.cursor(), More: true}, nil
}

// lastOrder is the date that the last of a page of orders is sorted by.
func (by road) lastOrder(things []json.RawMessage) time.Time {
	if len(things) == 0 {
		return time.Time{}
	}
	last := headOf(things[len(things)-1])
	if by.states != nil {
		return last.ClosedAt.Time
	}
	return last.UpdatedAt.Time
}

// lastRefund is the same for refunds.
func (by road) lastRefund(things []json.RawMessage) time.Time {
	if len(things) == 0 {
		return time.Time{}
	}
	last := headOf(things[len(things)-1])
	if by.states != nil {
		return last.CreatedAt.Time
	}
	return last.UpdatedAt.Time
}

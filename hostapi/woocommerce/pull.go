package woocommerce

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// queryTime is how dates stand in a query: without a zone, see the package comment.
const queryTime = "2006-01-02T15:04:05"

// stage is a list that is read to its end before the next one.
type stage string

const (
	inOrders  stage = ""
	inTrash   stage = "trash"
	inRefunds stage = "refunds"
)

// road is a way to list everything.
type road struct {
	stages        []stage
	after, before string               // the query's names of the two ends
	byTime        bool                 // pages are found by time, else by number
	at            func(head) time.Time // the date that orders are listed by
}

var (
	// byUpdate finds what changed, cancelled orders and the trash too: one that
	// was sent may have gone there.
	byUpdate = road{[]stage{inOrders, inTrash, inRefunds}, "modified_after", "modified_before", true, func(h head) time.Time { return h.modified }}
	// byDay finds what was made, whatever became of it.
	byDay = road{[]stage{inOrders, inRefunds}, "after", "before", false, func(h head) time.Time { return h.created }}
)

// Pull lists the orders that changed in w, then the trash, then the orders of
// which money was given back in w.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byUpdate, w, from)
}

// Recount lists the orders that were made in w, and those of which money was
// given back in w.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byDay, w, from)
}

// position is what our cursor says: where in the window we are.
type position struct {
	Stage stage     `json:"stage,omitempty"`
	Start time.Time `json:"start,omitzero"`  // the second that the list starts at; zero: with the window
	Given []int64   `json:"given,omitempty"` // orders of that second that were given already
	Crowd bool      `json:"crowd,omitempty"` // that second has more orders than a page: they are read by id
	Page  int       `json:"page,omitempty"`  // of a list by number
	Total int       `json:"total,omitempty"` // how long that list was
}

func parse(c hostapi.Cursor) (p position, err error) {
	err = hostapi.ReadCursor(c, title, &p)
	return p, err
}

// page reads the page at a cursor.
func (h *host) page(ctx context.Context, a hostapi.Account, by road, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from)
	if err != nil {
		return nil, err
	}
	r := &reader{session: h.session(a)}
	if p.Stage == inRefunds {
		return r.refundPage(ctx, by, w, p)
	}
	list, err := r.orders(ctx, by.query(w, p))
	if err != nil {
		return nil, err
	}
	kept, next, more, err := by.step(w, p, list)
	if err != nil {
		return nil, err
	}
	if !more {
		next, more = by.then(p.Stage)
	}
	records, err := r.records(ctx, kept, false)
	if err != nil {
		return nil, err
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: more}, nil
}

// then is where the list after that of a stage begins.
func (by road) then(s stage) (position, bool) {
	i := slices.Index(by.stages, s) + 1
	if i == len(by.stages) {
		return position{}, false
	}
	return position{Stage: by.stages[i]}, true
}

// query asks for the page at p.
func (by road) query(w models.Window, p position) url.Values {
	span := models.Window{From: by.start(w, p), To: w.To}
	if p.Crowd {
		span.To = span.From.Add(time.Second)
	}
	q := listQuery(by.after, by.before, span, max(p.Page, 1))
	q.Set("status", "any")
	if p.Stage == inTrash {
		q.Set("status", "trash")
	}
	if by.byTime && !p.Crowd {
		q.Set("orderby", "modified")
	}
	return q
}

// listQuery asks for a page of a list by id within a span, whose beginning is
// inside of it.
func listQuery(after, before string, span models.Window, page int) url.Values {
	from, to := span.From.UTC().Truncate(time.Second), span.To.UTC()
	if whole := to.Truncate(time.Second); whole.Before(to) {
		to = whole.Add(time.Second)
	}
	return url.Values{
		after: {from.Add(-time.Second).Format(queryTime)}, before: {to.Format(queryTime)}, "dates_are_gmt": {"true"},
		"orderby": {"id"}, "order": {"asc"}, "per_page": {strconv.Itoa(ordersInPage)}, "page": {strconv.Itoa(page)},
	}
}

// start is the second that the list at p starts at.
func (by road) start(w models.Window, p position) time.Time {
	if p.Start.IsZero() {
		return w.From.UTC().Truncate(time.Second)
	}
	return p.Start
}

// step is what a page of orders brings, and where the next one is; more is
// false at the end of the list.
func (by road) step(w models.Window, p position, list *listing) (kept []head, next position, more bool, err error) {
	kept = p.fresh(list.orders)
	if !by.byTime || p.Crowd {
		next, more, again := p.turn(list.count)
		switch {
		case again:
			return nil, next, true, nil
		case !more && p.Crowd: // on with the second after it
			return kept, position{Stage: p.Stage, Start: by.start(w, p).Add(time.Second)}, true, nil
		}
		return kept, next, more, nil
	}
	if list.pages <= 1 {
		return kept, next, false, nil
	}
	next, err = p.onward(by.start(w, p), list.orders)
	if next.Crowd {
		kept = nil // they come with the crowd
	}
	return kept, next, true, err
}

// fresh are the orders that were not given already. Those without an id that can
// be read are told apart by nothing, so that they are given again.
func (p position) fresh(orders []head) []head {
	if len(p.Given) == 0 {
		return orders
	}
	kept := make([]head, 0, len(orders))
	for _, o := range orders {
		if o.id == 0 || !slices.Contains(p.Given, o.id) {
			kept = append(kept, o)
		}
	}
	return kept
}

// onward is the position after a full page by time that began at start.
func (p position) onward(start time.Time, orders []head) (position, error) {
	last, given := start, []int64(nil)
	for _, o := range orders {
		switch {
		case o.modified.After(last):
			last, given = o.modified, []int64{o.id}
		case o.modified.Equal(last):
			given = append(given, o.id)
		case !o.modified.IsZero(): // not in the order we asked for: pages would leave orders out
			return p, models.Errorf(models.Unavailable, "The shop does not list its orders by the date of their change. A plugin may sort them differently. We try again by ourselves.")
		}
	}
	if last.Equal(start) { // nothing but orders of one second
		return position{Stage: p.Stage, Start: start, Given: p.Given, Crowd: true}, nil
	}
	return position{Stage: p.Stage, Start: last, Given: given}, nil
}

// turn is the position after a page of a list by number. When the list has
// become shorter, orders have moved to pages that were read; again says that it
// is read from its beginning.
func (p position) turn(c count) (next position, more, again bool) {
	next = p
	next.Page, next.Total = max(p.Page, 1)+1, c.total
	if p.Page > 1 && c.total < p.Total {
		next.Page = 1
		return next, true, true
	}
	return next, next.Page <= c.pages, false
}

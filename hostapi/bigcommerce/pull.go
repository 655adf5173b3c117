package bigcommerce

import (
	"context"
	"slices"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// road is a way to list orders: the date they are found and sorted by.
type road struct{ date string }

var (
	byUpdate = road{"date_modified"}
	byDay    = road{"date_created"}
)

// of is the date of an order that counts on this road.
func (by road) of(h *head) time.Time {
	if by == byDay {
		return dateOf(h.created)
	}
	return h.modified
}

// Pull lists the orders that changed in w, then the refunds that were made in w.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byUpdate, w, from)
}

// Recount lists the orders that were placed in w, and the refunds that were made in w.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byDay, w, from)
}

// position is what our cursor says: where in the window we are.
type position struct {
	Refunds bool      `json:"refunds,omitempty"` // past the orders
	Start   time.Time `json:"start,omitzero"`    // where the list under way starts; zero: with the window
	Page    int       `json:"page,omitempty"`    // how many pages of it were read
	Full    int       `json:"full,omitempty"`    // the most orders that one page had
	Seen    []int64   `json:"seen,omitempty"`    // the orders of the second Start that were read
	Last    int64     `json:"last,omitempty"`    // the last refund that was read
}

func parse(c hostapi.Cursor) (p position, err error) {
	err = hostapi.ReadCursor(c, title, &p)
	return p, err
}

// span is the part of w that the list under way covers.
func (p position) span(w models.Window) models.Window {
	if p.Start.After(w.From) {
		w.From = p.Start
	}
	return w
}

// step takes one page of the list: which of its orders are new, and where the
// next page starts. more is false at the end of the list.
func (p position) step(by road, page []head) (fresh []head, next position, more bool, err error) {
	last := p.Start
	for i := range page {
		at := by.of(&page[i])
		if !at.IsZero() && at.Before(p.Start) {
			return nil, p, false, errSamePage
		}
		if at.After(last) {
			last = at
		}
		if page[i].id == 0 || !slices.Contains(p.Seen, page[i].id) {
			fresh = append(fresh, page[i])
		}
	}
	switch {
	case len(page) == 0 || len(fresh) == 0 && p.Page == 0 && len(page) < p.Full:
		return nil, p, false, nil
	case len(fresh) == 0 && p.Page > 0: // later pages of a list hold other orders
		return nil, p, false, errSamePage
	}
	return fresh, p.after(by, page, last), true, nil
}

var errSamePage = models.Errorf(models.Unavailable, "BigCommerce keeps sending the same page. We try again by ourselves.")

// after is the position behind a page whose last date is last: a new list from
// there on, or the next page of this one while all of it lies in one second.
func (p position) after(by road, page []head, last time.Time) position {
	next := position{Start: last, Full: max(p.Full, len(page))}
	if last.Equal(p.Start) {
		next.Page, next.Seen = p.Page+1, slices.Clone(p.Seen)
	}
	for i := range page {
		if by.of(&page[i]).Equal(last) && page[i].id != 0 && !slices.Contains(next.Seen, page[i].id) {
			next.Seen = append(next.Seen, page[i].id)
		}
	}
	return next
}

// page reads the page at position from.
func (h *host) page(ctx context.Context, a hostapi.Account, by road, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from)
	if err != nil {
		return nil, err
	}
	r, err := h.reader(ctx, a)
	if err != nil {
		return nil, err
	}
	page, err := r.page(ctx, by, w, p)
	if err == nil && page.More {
		page.Wait = r.pace.left(h.now())
	}
	return page, err
}

func (r *reader) page(ctx context.Context, by road, w models.Window, p position) (*hostapi.Page, error) {
	if p.Refunds {
		return r.refundPageAt(ctx, w, p)
	}
	page, err := r.orders(ctx, by, p.span(w), p.Page+1)
	if err != nil {
		return nil, err
	}
	fresh, next, more, err := p.step(by, page)
	if err != nil {
		return nil, err
	}
	if !more {
		return r.refundPageAt(ctx, w, position{Refunds: true})
	}
	records, err := r.orderRecords(ctx, fresh)
	if err != nil {
		return nil, err
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

// refundPageAt reads a page of refunds. They are listed by id and never change
// their date, so their pages do not shift.
func (r *reader) refundPageAt(ctx context.Context, w models.Window, p position) (*hostapi.Page, error) {
	list, err := r.refunds(ctx, w, p.Page+1)
	if err != nil {
		return nil, err
	}
	next := position{Refunds: true, Page: p.Page + 1, Last: p.Last}
	for _, raw := range list.Data {
		next.Last = max(next.Last, refundHeadOf(raw).ID)
	}
	if p.Page > 0 && len(list.Data) > 0 && next.Last == p.Last {
		return nil, errSamePage
	}
	records, err := r.refundRecords(ctx, list.Data)
	if err != nil || !list.more(p.Page+1) {
		return &hostapi.Page{Records: records}, err
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

package quickbooks

import (
	"cmp"
	"context"
	"errors"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// road is a way to list everything.
type road struct {
	where   condition
	deleted bool // and what was deleted meanwhile
}

// Pull lists what changed in w: one entity after the other, then what was deleted.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, road{changedIn(w), true}, w, from)
}

// Recount lists the documents that are dated in w. QuickBooks' dates are
// calendar days, so w is read as the days it touches.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	zone := a.Zone
	if zone == nil {
		zone = time.UTC
	}
	return h.page(ctx, a, road{datedIn(w, zone), false}, w, from)
}

// position is what our cursor says: where in the window we are.
type position struct {
	Entity string    `json:"entity,omitempty"` // under way; empty: the first one
	Start  time.Time `json:"start,omitzero"`   // where its list starts, if it was started again
	At     int       `json:"at,omitempty"`     // position of the last document read; 0 = none yet
	ID     string    `json:"id,omitempty"`     // its id …, or, past all lists, the entity whose changes are asked for alone
	Seen   time.Time `json:"seen,omitzero"`    // … and the time of its last change
}

// changes is the entity of a position past all lists: what was deleted comes last.
const changes = "cdc"

func parse(c hostapi.Cursor) (p position, err error) {
	err = hostapi.ReadCursor(c, title, &p)
	return p, err
}

// restart is the beginning of a list that takes up p's where that had come to.
// What changed in that same second comes again.
func (p position) restart() position {
	return position{Entity: p.Entity, Start: p.Seen}
}

// canRestart reports whether starting again would lead further than the list
// that is under way: not when all of it so far changed in one second.
func (p position) canRestart() bool { return p.Seen.After(p.Start) }

// page reads the page at a cursor.
func (h *host) page(ctx context.Context, a hostapi.Account, by road, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from)
	if err != nil {
		return nil, err
	}
	s := h.session(a.Client, a.HostID)
	if p.Entity == changes {
		return s.deletionPage(ctx, w, p, h.now())
	}
	e, ok := entityOf(cmp.Or(p.Entity, entities[0].name))
	if !ok {
		return nil, hostapi.LostPlace(title, errors.New("no such entity"))
	}
	p.Entity = e.name
	things, next, err := s.listFrom(ctx, e, by.where, p)
	if err != nil {
		return nil, err
	}
	records, err := h.complete(ctx, s, e, things)
	if err != nil {
		return nil, err
	}
	if next.Entity == "" {
		next = position{Entity: by.after(e, w, h.now())}
	}
	if next.Entity == "" {
		return &hostapi.Page{Records: records}, nil
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

// after is what is read when the list of e ends; empty: nothing more.
func (by road) after(e entity, w models.Window, now time.Time) string {
	if next := following(e.name); next != "" {
		return next
	}
	if by.deleted && changesSince(w, now).Before(w.To) {
		return changes
	}
	return ""
}

// listFrom reads the documents after p, and says where the list goes on; the
// zero position is its end.
func (s session) listFrom(ctx context.Context, e entity, where condition, p position) ([]listed, position, error) {
	start, want := max(p.At, 1), pageSize
	if p.At > 0 {
		want++ // the last one read comes first, to show that the list has not shifted
	}
	l, err := s.query(ctx, e, where.since(p.Start), start, want)
	if err != nil {
		return nil, position{}, err
	}
	full := len(l.things) >= want
	if p.At > 0 {
		shifted := len(l.things) == 0 || l.things[0].id != p.ID
		switch {
		case shifted && p.canRestart():
			return s.listFrom(ctx, e, where, p.restart())
		case !shifted:
			l.things = l.things[1:]
			start++
		}
	}
	if !full {
		return l.things, position{}, nil
	}
	last := l.things[len(l.things)-1]
	next := position{Entity: e.name, Start: p.Start, At: start + len(l.things) - 1, ID: last.id, Seen: p.Seen}
	if last.at.After(next.Seen) {
		next.Seen = last.at
	}
	return l.things, next, nil
}

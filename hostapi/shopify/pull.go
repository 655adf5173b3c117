package shopify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

const (
	// firstSize is how many orders the first page of a list asks for, before
	// Shopify has said what such a query costs.
	firstSize = 4
	// largestSize is the most of one page: its orders may have more to ask for,
	// and all of it must end within a job.
	largestSize = 50
	// dearest is what a query may cost at most, with a margin for Shopify's
	// rounding: a query above 1,000 points is refused.
	dearest = 900
)

// road is a way to list everything.
type road struct{ field, sort string }

var (
	byUpdate = road{"updated_at", "UPDATED_AT"} // finds what changed
	byDay    = road{"created_at", "CREATED_AT"} // finds what happened
)

// search is the filter for a window. Instants are told to the second, so both
// ends are widened to one; what lies outside comes twice, and does no harm.
// https://shopify.dev/docs/api/usage/search-syntax
func (by road) search(w models.Window) string {
	from, to := w.From.UTC().Truncate(time.Second), w.To.UTC().Truncate(time.Second)
	if to.Before(w.To) {
		to = to.Add(time.Second)
	}
	return by.field + ":>='" + from.Format(time.RFC3339) + "' " + by.field + ":<'" + to.Format(time.RFC3339) + "'"
}

// position is what our cursor says: where in a list we are.
type position struct {
	Size  int    `json:"size"`            // of the next page
	After string `json:"after,omitempty"` // Shopify's own cursor
}

func parse(c hostapi.Cursor) (position, error) {
	p := position{Size: firstSize}
	if err := hostapi.ReadCursor(c, title, &p); err != nil {
		return p, err
	}
	return p, p.check()
}

// check refuses a size that no page of ours has.
func (p position) check() error {
	if p.Size < 1 || p.Size > largestSize {
		return hostapi.LostPlace(title, fmt.Errorf("size %d", p.Size))
	}
	return nil
}

// Pull lists the orders that changed in w.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byUpdate, w, from)
}

// Recount lists the orders that were made in w.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, byDay, w, from)
}

func (h *host) page(ctx context.Context, a hostapi.Account, by road, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from)
	if err != nil {
		return nil, err
	}
	l, next, err := h.list(ctx, a, by, w, p)
	if err != nil {
		return nil, err
	}
	if !l.info.More {
		return &hostapi.Page{Records: l.records}, nil
	}
	return &hostapi.Page{Records: l.records, Next: hostapi.CursorOf(next), More: true}, nil
}

// list reads the page at p, whole orders, and says where the next one starts.
func (h *host) list(ctx context.Context, a hostapi.Account, by road, w models.Window, p position) (l listing, next position, err error) {
	s, err := h.sessionOf(a)
	if err != nil {
		return l, p, err
	}
	variables := map[string]any{"query": by.search(w), "sort": by.sort}
	if p.After != "" {
		variables["after"] = p.After
	}
	size := p.Size
	err = s.shrink(&size, func() error {
		variables["n"] = size
		return s.call(ctx, ordersQuery, variables, func(data *jsonscan.Scanner) (err error) {
			l, err = readOrders(data, zoneOf(a))
			return err
		})
	})
	if err != nil {
		return listing{}, p, err
	}
	if l.info.More && (l.info.End == "" || l.info.End == p.After) {
		return listing{}, p, models.Errorf(models.Unavailable, "Shopify keeps sending the same page. We try again by ourselves.")
	}
	next = position{Size: s.fit(size), After: l.info.End}
	return l, next, s.complete(ctx, l.records, zoneOf(a))
}

// zoneOf is the shop's time zone.
func zoneOf(a hostapi.Account) string {
	if a.Zone == nil {
		return time.UTC.String()
	}
	return a.Zone.String()
}

// shrink makes a request with half the size for as long as it is too dear.
func (s *session) shrink(size *int, ask func() error) error {
	for {
		err := ask()
		if !errors.Is(err, errTooDear) || *size <= 1 {
			return err
		}
		*size /= 2
	}
}

// fit is the size of page that the last query shows to be affordable.
func (s *session) fit(size int) int {
	if s.cost.Requested <= 0 {
		return size
	}
	return min(max(int(float64(size)*dearest/s.cost.Requested), 1), largestSize)
}

// Fetch reads orders by their ids.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	s, err := h.sessionOf(a)
	if err != nil {
		return nil, err
	}
	var all []hostapi.Record
	for size := firstSize; len(keys) > 0; size = s.fit(size) {
		var some []hostapi.Record
		err := s.shrink(&size, func() (err error) {
			some, err = s.nodes(ctx, keys[:min(size, len(keys))], zoneOf(a))
			return err
		})
		if err == nil {
			err = s.complete(ctx, some, zoneOf(a))
		}
		if err != nil {
			return nil, err
		}
		all, keys = append(all, some...), keys[min(size, len(keys)):]
	}
	return all, nil
}

// nodes reads a few orders by their ids.
func (s *session) nodes(ctx context.Context, keys []string, zone string) (records []hostapi.Record, err error) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = orderGID + key
	}
	return records, s.call(ctx, nodesQuery, map[string]any{"ids": ids}, func(data *jsonscan.Scanner) error {
		found := false
		err := walk(data, func(name string) (func() error, bool) {
			found = found || name == "nodes"
			return func() (err error) { records, err = readNodes(data, zone); return err }, name == "nodes"
		})
		if err == nil && !found {
			err = errors.New("an answer without nodes")
		}
		return err
	})
}

package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// pageSize is the most orders the host gives in one page.
	pageSize = 250
	// fetchSize is the most ids it takes at once.
	fetchSize = 100
	// kindOrder is the host's word for its records.
	kindOrder = "order"
)

// Pull reads one page of the orders that changed in a window of time, oldest
// change first. The engine calls it with the cursor of the page before (empty =
// the first page) until a page says that there is no more. A page is stored
// together with its cursor, so a page that is read twice does no harm.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, "updated", w, from)
}

// Recount reads the same orders by another road: by the time they were made.
// Reconciliation compares both and so finds what the first road left out.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, "created", w, from)
}

// page reads one page of either road.
func (h *host) page(ctx context.Context, a hostapi.Account, road string, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	query := url.Values{
		road + "_from": {w.From.UTC().Format(time.RFC3339Nano)},
		road + "_to":   {w.To.UTC().Format(time.RFC3339Nano)},
		"limit":        {strconv.Itoa(pageSize)},
	}
	if from != "" {
		query.Set("cursor", string(from))
	}
	orders, next, err := h.orders(ctx, a, query)
	if err != nil {
		return nil, err
	}
	// A host that sends us in a circle would keep us busy for ever.
	if next != "" && next == string(from) {
		return nil, models.Errorf(models.Unavailable, title+" gives the same page again and again. We try again by ourselves.")
	}
	return &hostapi.Page{Records: orders, Next: hostapi.Cursor(next), More: next != ""}, nil
}

// Fetch reads orders by their ids. One that the host no longer knows is simply
// absent; the engine then knows that it is gone.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	var all []hostapi.Record
	for len(keys) > 0 {
		n := min(fetchSize, len(keys))
		orders, _, err := h.orders(ctx, a, url.Values{"ids": {strings.Join(keys[:n], ",")}})
		if err != nil {
			return nil, err
		}
		all, keys = append(all, orders...), keys[n:]
	}
	return all, nil
}

// orders makes one request. The account's client adds the merchant's token and
// refreshes it; rest turns what can go wrong into errors the engine reacts to
// (429: later, 401: stop and tell the merchant, 5xx: again), so that an adapter
// needs no retries of its own.
func (h *host) orders(ctx context.Context, a hostapi.Account, query url.Values) ([]hostapi.Record, string, error) {
	caller := rest.Caller{Client: a.Client, Title: title}
	answer, err := caller.Send(ctx, http.MethodGet, h.base+"/api/orders?"+query.Encode(), nil, nil)
	if err != nil {
		return nil, "", err
	}
	if err := caller.Check(answer); err != nil {
		return nil, "", err
	}
	records, next, err := splitPage(answer.Body)
	if err != nil {
		// Nothing of a torn page is used: the cursor stays where it is.
		return nil, "", models.Errorf(models.Unavailable, title+" sent an answer that cannot be read. We try again by ourselves.").Because(err)
	}
	return records, next, nil
}

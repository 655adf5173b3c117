package shopify

import (
	"context"
	"fmt"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

// The past is read by bulk operations: Shopify works through one query at its
// leisure and writes what it found into a file, a line for each order, agreement
// and sale, which costs no points. A window of the past is read piece by piece:
//
//  1. The orders of the rest of the window are counted. If there are too many for
//     one file, the piece is halved until there are not. If there are few, they
//     are read by pages, which is quicker than waiting for a file.
//  2. A bulk operation is started for the piece; Page.Wait gives the lane back
//     until it is done. What failed, was canceled or expired is started again, and
//     after that the piece is read by pages. The partial file of a failure is left
//     alone: nothing tells which of its orders are whole.
//  3. The file is read in parts, each a page; see bulkfile.go.
//
// The cursor says where we are in all that, so that any process can go on. One
// that dies between starting an operation and storing its id leaves it running
// to no purpose; Shopify ends it by itself.
// https://shopify.dev/docs/api/usage/bulk-operations/queries

const (
	// mostOrders is how many orders one file may hold, so that reading all of its
	// parts does not fetch it too often. It is also as far as Shopify counts.
	mostOrders = 10_000
	// fewOrders are read by pages: an operation takes half a minute to start.
	fewOrders = 200
	// shortestPiece is not halved any more, however much is in it.
	shortestPiece = time.Hour
	// bulkWait is how long to leave an operation alone, and slotWait how long to
	// wait when all the operations that Shopify allows are running.
	bulkWait = 15 * time.Second
	slotWait = time.Minute
	// bulkTries is how often the operation for a piece is started.
	bulkTries = 3
)

// piece is what our cursor of the past says.
type piece struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`    // zero: still to be measured
	Pages *position `json:"pages,omitzero"` // read by pages, and how far
	Bulk  string    `json:"bulk,omitempty"` // the operation's id
	Part  int       `json:"part,omitempty"` // of its file, to be read next
	Tries int       `json:"tries,omitempty"`
}

// Backfill reads the orders that changed in w, as of now.
func (h *host) Backfill(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	p := piece{From: w.From}
	if err := hostapi.ReadCursor(from, title, &p); err != nil {
		return nil, err
	}
	s, err := h.sessionOf(a)
	if err != nil {
		return nil, err
	}
	b := backfill{host: h, session: s, account: a, window: w}
	if p.To.IsZero() {
		if p, err = b.measure(ctx, p.From); err != nil {
			return nil, err
		}
	}
	switch {
	case p.Pages != nil:
		return b.byPages(ctx, p)
	case p.Bulk == "":
		return b.start(ctx, p)
	}
	return b.follow(ctx, p)
}

// backfill reads one page of the past of one shop.
type backfill struct {
	*host
	*session
	account hostapi.Account
	window  models.Window
}

// measure is the piece that begins at from, and how it is to be read.
func (b *backfill) measure(ctx context.Context, from time.Time) (piece, error) {
	p := piece{From: from, To: b.window.To}
	for {
		n, err := b.count(ctx, models.Window{From: p.From, To: p.To})
		if err != nil {
			return p, err
		}
		span := p.To.Sub(p.From)
		if n < mostOrders || span <= shortestPiece {
			if n <= fewOrders {
				p.Pages = &position{Size: firstSize}
			}
			return p, nil
		}
		p.To = p.From.Add(max(span/2, shortestPiece)).Truncate(time.Second) // Shopify's own grain
	}
}

// count is how many orders changed in w; mostOrders = that or more.
func (b *backfill) count(ctx context.Context, w models.Window) (int, error) {
	var answer struct {
		Orders struct {
			Count int `json:"count"`
		} `json:"ordersCount"`
	}
	variables := map[string]any{"query": byUpdate.search(w), "limit": mostOrders}
	err := b.call(ctx, countQuery, variables, func(data *jsonscan.Scanner) error { return data.Decode(&answer) })
	return answer.Orders.Count, err
}

// page is a page in the piece, or its last one when next is nil.
func (b *backfill) page(records []hostapi.Record, p piece, next *piece) (*hostapi.Page, error) {
	if next == nil {
		if !p.To.Before(b.window.To) {
			return &hostapi.Page{Records: records}, nil
		}
		next = &piece{From: p.To}
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

// later is a page without records, to be asked again at next.
func (b *backfill) later(next piece, wait time.Duration) (*hostapi.Page, error) {
	page, err := b.page(nil, next, &next)
	page.Wait = wait
	return page, err
}

// byPages reads a page of the piece as Pull does.
func (b *backfill) byPages(ctx context.Context, p piece) (*hostapi.Page, error) {
	if err := p.Pages.check(); err != nil {
		return nil, err
	}
	l, next, err := b.list(ctx, b.account, byUpdate, models.Window{From: p.From, To: p.To}, *p.Pages)
	if err != nil {
		return nil, err
	}
	if !l.info.More {
		return b.page(l.records, p, nil)
	}
	p.Pages = &next
	return b.page(l.records, p, &p)
}

// start starts the operation for the piece.
func (b *backfill) start(ctx context.Context, p piece) (*hostapi.Page, error) {
	var answer struct {
		Run struct {
			Operation struct {
				ID string `json:"id"`
			} `json:"bulkOperation"`
			Errors []userError `json:"userErrors"`
		} `json:"bulkOperationRunQuery"`
	}
	variables := map[string]any{"query": bulkText(byUpdate.search(models.Window{From: p.From, To: p.To}))}
	if err := b.call(ctx, bulkMutation, variables, func(data *jsonscan.Scanner) error { return data.Decode(&answer) }); err != nil {
		return nil, err
	}
	for _, e := range answer.Run.Errors {
		if e.Code == "LIMIT_REACHED" || e.Code == "OPERATION_IN_PROGRESS" {
			return b.later(p, slotWait)
		}
	}
	if answer.Run.Operation.ID == "" {
		return nil, misunderstood(codesOf(answer.Run.Errors))
	}
	p.Bulk, p.Tries = answer.Run.Operation.ID, p.Tries+1
	return b.later(p, bulkWait)
}

// operationState is how a bulk operation stands.
type operationState struct {
	Status    string `json:"status"`
	ErrorCode string `json:"errorCode"`
	Objects   count  `json:"objectCount"`
	Roots     count  `json:"rootObjectCount"`
	URL       string `json:"url"`
}

// follow looks how the operation stands, and reads a part of its file.
func (b *backfill) follow(ctx context.Context, p piece) (*hostapi.Page, error) {
	var answer struct {
		State *operationState `json:"bulkOperation"`
	}
	if err := b.call(ctx, bulkQuery, map[string]any{"id": p.Bulk}, func(data *jsonscan.Scanner) error { return data.Decode(&answer) }); err != nil {
		return nil, err
	}
	state := answer.State
	if state == nil { // Shopify forgets them after some time
		return b.again(p)
	}
	switch state.Status {
	case "CREATED", "RUNNING", "CANCELING":
		return b.later(p, bulkWait)
	case "COMPLETED":
		return b.readPart(ctx, p, state)
	}
	if state.ErrorCode == "ACCESS_DENIED" {
		return nil, denied(fmt.Errorf("bulk operation: %s", state.ErrorCode))
	}
	return b.again(p) // FAILED, CANCELED, EXPIRED
}

// again starts the operation once more, or reads the piece by pages.
func (b *backfill) again(p piece) (*hostapi.Page, error) {
	next := piece{From: p.From, To: p.To, Tries: p.Tries}
	if p.Tries >= bulkTries {
		next.Pages = &position{Size: firstSize}
	}
	return b.page(nil, next, &next)
}

// readPart reads a part of the file. An operation that found nothing has none.
func (b *backfill) readPart(ctx context.Context, p piece, state *operationState) (*hostapi.Page, error) {
	if state.URL == "" {
		return b.page(nil, p, nil)
	}
	part := part{number: p.Part, of: partsOf(state)}
	records, err := b.readFile(ctx, state, part, zoneOf(b.account))
	if err != nil {
		return nil, err
	}
	if p.Part++; p.Part >= part.of {
		return b.page(records, p, nil)
	}
	return b.page(records, p, &p)
}

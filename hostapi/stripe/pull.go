package stripe

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// eventsReach is how far back we trust the list of events. Stripe keeps 30
	// days; a day less lets a window be read to its end before its events go.
	eventsReach = 29 * 24 * time.Hour
	// thingsInPage is how many events or things of a created list make a page, each
	// with some four calls of its own: at our quota of 20 a second, which two
	// windows may share, it must end within 25 seconds.
	thingsInPage = "50"
)

// The stages of a window, in their order on the road that they belong to.
const (
	stageEvents      = "events"
	stageCharges     = "charges"
	stageRefunds     = "refunds"
	stageInvoices    = "invoices"
	stageCreditNotes = "credit_notes"
)

// eventTypes are what can change a sale or a refund. Disputes cannot.
// charge.updated brings addresses that were corrected.
// https://docs.stripe.com/api/events/types
var eventTypes = []string{
	"charge.succeeded", "charge.captured", "charge.updated", "charge.refunded", "charge.refund.updated",
	"refund.created", "refund.updated", "refund.failed",
	"invoice.paid", "invoice.voided", "invoice.marked_uncollectible", "invoice_payment.paid",
	"credit_note.created", "credit_note.updated", "credit_note.voided",
	"checkout.session.completed", "checkout.session.async_payment_succeeded",
	"payment_intent.succeeded",
}

// source is one list of a window: where it is, what else is asked, and what a
// thing of it leads to.
type source struct {
	path, limit string
	query       url.Values
	root        func(listed) (root, bool)
	next        string // the stage after it; "" = the window is done
}

// sources are the lists by stage. Sessions and intents need no list of their
// own: each that was paid has a charge.
var sources = map[string]source{
	stageEvents: {path: "/v1/events", limit: thingsInPage, query: url.Values{"types[]": eventTypes}, root: rootOfEvent},
	stageCharges: {path: "/v1/charges", limit: thingsInPage, root: rootOfCharge, next: stageRefunds,
		query: url.Values{"expand[]": {"data.payment_intent", "data.payment_intent.amount_details.line_items"}}},
	stageRefunds:     {path: "/v1/refunds", limit: thingsInPage, root: rootOfRefund, next: stageInvoices},
	stageInvoices:    {path: "/v1/invoices", limit: thingsInPage, root: rootOfInvoice, next: stageCreditNotes, query: url.Values{"status": {"paid"}, "expand[]": {"data.payments"}}},
	stageCreditNotes: {path: "/v1/credit_notes", limit: thingsInPage, root: rootOfCreditNote},
}

// Pull lists what changed in w by its events. A window from before events reach
// is read as the past is.
func (h *host) Pull(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	first := stageEvents
	if w.From.Before(h.now().Add(-eventsReach)) {
		first = stageCharges
	}
	return h.page(ctx, a, w, first, from)
}

// Backfill lists what was made in w: charges, refunds, and the invoices and
// credit notes that no charge leads to.
func (h *host) Backfill(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, w, stageCharges, from)
}

// Recount is the other road to the news, and it goes by the transaction: a
// charge is made when the sale is, a refund when the money goes back.
func (h *host) Recount(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	return h.page(ctx, a, w, stageCharges, from)
}

// position is what our cursor says: the list under way, and the last thing read
// of it. Stripe's lists have no cursors that could die.
type position struct {
	Stage string `json:"stage"`
	After string `json:"after,omitempty"`
}

func parse(c hostapi.Cursor, first string) (p position, err error) {
	p.Stage = first
	err = hostapi.ReadCursor(c, title, &p)
	if _, known := sources[p.Stage]; err == nil && !known {
		err = hostapi.LostPlace(title, errors.New("no such list"))
	}
	return p, err
}

// page reads the page at from.
func (h *host) page(ctx context.Context, a hostapi.Account, w models.Window, first string, from hostapi.Cursor) (*hostapi.Page, error) {
	p, err := parse(from, first)
	if err != nil {
		return nil, err
	}
	r, src := h.reader(a), sources[p.Stage]
	list, err := r.list(ctx, src.path, src.within(w, p.After))
	if err != nil {
		return nil, err
	}
	next := position{Stage: src.next}
	if list.more {
		if next.After, err = lastOf(list, p.After); err != nil {
			return nil, err
		}
		next.Stage = p.Stage
	}
	records, err := r.records(ctx, rootsOf(list.data, src.root))
	if err != nil || next.Stage == "" {
		return &hostapi.Page{Records: records}, err
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

// within is the query for a page of the window. Stripe's times are whole seconds.
func (src source) within(w models.Window, after string) url.Values {
	q := url.Values{
		"limit":        {src.limit},
		"created[gte]": {seconds(w.From)},
		"created[lt]":  {seconds(w.To)},
	}
	for name, values := range src.query {
		q[name] = values
	}
	if after != "" {
		q.Set("starting_after", after)
	}
	return q
}

// seconds is the first whole second that is not before t.
func seconds(t time.Time) string {
	n := t.Unix()
	if t.Nanosecond() > 0 {
		n++
	}
	return strconv.FormatInt(n, 10)
}

// rootsOf are what a page of things leads to, each once. The newest event
// stands for all of a root's.
func rootsOf(data []listed, lead func(listed) (root, bool)) (all []root) {
	seen := map[string]int{}
	for _, one := range data {
		found, ok := lead(one)
		if !ok {
			continue
		}
		if i, again := seen[found.id]; again {
			all[i].at = max(all[i].at, found.at)
			continue
		}
		seen[found.id] = len(all)
		all = append(all, found)
	}
	return slices.Clip(all)
}

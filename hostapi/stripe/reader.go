package stripe

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"extractor/hostapi"
)

// The kinds of record.
const (
	kindPayment = "payment" // its key is an intent's id, or a charge's
	kindInvoice = "invoice"
)

// reader reads one page of one merchant and completes its records.
type reader struct {
	api
	zone  string
	until time.Time // a reading that begins now is certain to hold every change up to here
}

// margin is taken off our clock where no event tells the time: clocks differ,
// and a list may lag behind. It is generous, since reading twice costs nothing.
const margin = time.Minute

func (h *host) reader(a hostapi.Account) *reader {
	zone := a.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &reader{api: h.api(a.Client), zone: zone.String(), until: h.now().Add(-margin)}
}

// version orders the readings of a record, of which Stripe gives no version. It
// is an instant of which we are certain that the reading holds every change up
// to it: the newest event that led to it, since it was read after that event,
// or a little before our clock. Of two readings the one with the higher version
// therefore holds whatever the other had to hold, and a change that a reading
// missed has an event with a higher version to come. The time at which a
// reading ended would not do: what it read first may be older than another's.
func (r *reader) version(from root) string {
	if from.at > 0 {
		return hostapi.TimeVersion(time.Unix(from.at, 0))
	}
	return hostapi.TimeVersion(r.until)
}

// records reads what the roots lead to, a few at a time, and keeps their order.
// Two roots may lead to one record.
func (r *reader) records(ctx context.Context, roots []root) ([]hostapi.Record, error) {
	found := make([][]hostapi.Record, len(roots))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for i, from := range roots {
		work.Go(func() (err error) {
			found[i], err = r.follow(ctx, from)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return unique(found), nil
}

// unique keeps one reading of each record, that of the highest version.
func unique(found [][]hostapi.Record) (records []hostapi.Record) {
	seen := map[string]int{}
	for _, some := range found {
		for _, record := range some {
			name := record.Kind + " " + record.Key
			i, again := seen[name]
			switch {
			case !again:
				seen[name] = len(records)
				records = append(records, record)
			case record.Version > records[i].Version:
				records[i] = record
			}
		}
	}
	return records
}

// follow reads what one root leads to.
func (r *reader) follow(ctx context.Context, from root) ([]hostapi.Record, error) {
	switch {
	case strings.HasPrefix(from.id, "in_"):
		return r.ofInvoice(ctx, from, nil, "")
	case strings.HasPrefix(from.id, "pi_"):
		return r.ofIntent(ctx, from)
	}
	return r.ofCharge(ctx, from)
}

// ofCharge reads a charge; one with an intent is the intent's.
// https://docs.stripe.com/api/charges/retrieve
func (r *reader) ofCharge(ctx context.Context, from root) ([]hostapi.Record, error) {
	if from.charge == nil {
		raw, err := r.one(ctx, "/v1/charges/", from.id, nil)
		if err != nil || raw == nil {
			return nil, err
		}
		if intent := headOf(raw).Intent; intent != "" {
			return r.ofIntent(ctx, root{id: intent, at: from.at})
		}
		from.charge = raw
	}
	p := &parcel{Zone: r.zone}
	if err := r.addPayment(ctx, p, payment{Charge: from.charge}); err != nil {
		return nil, err
	}
	return r.pack(p, kindPayment, from.id, from), nil
}

// ofIntent reads an intent: on its own, with its Checkout Session, or as a
// payment of an invoice.
func (r *reader) ofIntent(ctx context.Context, from root) ([]hostapi.Record, error) {
	session, err := r.session(ctx, from.id)
	if err != nil {
		return nil, err
	}
	if session != nil {
		return r.ofSession(ctx, from, session)
	}
	invoice, err := r.invoiceOf(ctx, from.id)
	if err != nil {
		return nil, err
	}
	if invoice != nil {
		of := root{id: headOf(invoice).ID, at: from.at}
		return r.ofInvoice(ctx, of, invoice, from.id)
	}
	return r.alone(ctx, from, &parcel{Zone: r.zone})
}

// ofSession reads a payment that a Checkout Session tells about. Its invoice, if
// one was made, matters for the credit notes alone.
func (r *reader) ofSession(ctx context.Context, from root, session json.RawMessage) ([]hostapi.Record, error) {
	p := &parcel{Zone: r.zone, Session: session}
	if id := headOf(session).Invoice; id != "" {
		invoice, err := r.one(ctx, "/v1/invoices/", id, nil)
		if err != nil {
			return nil, err
		}
		p.Invoice = invoice
		if err := r.addNotes(ctx, p, id); err != nil {
			return nil, err
		}
	}
	return r.alone(ctx, from, p)
}

// alone completes the record of one payment.
// https://docs.stripe.com/api/payment_intents/retrieve
func (r *reader) alone(ctx context.Context, from root, p *parcel) ([]hostapi.Record, error) {
	if from.intent == nil {
		raw, err := r.one(ctx, "/v1/payment_intents/", from.id, url.Values{"expand[]": {"latest_charge", "amount_details.line_items"}})
		if err != nil || raw == nil {
			return nil, err
		}
		from.charge, from.intent = takeOut(raw, "latest_charge")
	}
	if err := r.addPayment(ctx, p, from.payment()); err != nil {
		return nil, err
	}
	return r.pack(p, kindPayment, from.id, from), nil
}

// addPayment adds a payment with its refunds.
// https://docs.stripe.com/api/refunds/list
func (r *reader) addPayment(ctx context.Context, p *parcel, paid payment) error {
	if paid.within == "" {
		h := headOf(paid.Charge)
		paid.refunded = h.refunded()
	}
	if paid.refunded != "" {
		refunds, err := r.whole(ctx, "/v1/refunds", url.Values{"charge": {paid.refunded}})
		if err != nil {
			return err
		}
		paid.Refunds = refunds
	}
	p.Payments = append(p.Payments, paid)
	return nil
}

// session is the Checkout Session that an intent was paid in; nil when there is none.
// https://docs.stripe.com/api/checkout/sessions/list
func (r *reader) session(ctx context.Context, intent string) (json.RawMessage, error) {
	page, err := r.list(ctx, "/v1/checkout/sessions", url.Values{"payment_intent": {intent}, "status": {"complete"}, "limit": {"1"}})
	if err != nil || len(page.data) == 0 {
		return nil, err
	}
	return page.data[0].raw, nil
}

// invoiceOf is the invoice that an intent pays; nil when there is none. One that
// is not marked as paid yet has the payment all the same: it would be sold twice.
// https://docs.stripe.com/api/invoice-payment/list
func (r *reader) invoiceOf(ctx context.Context, intent string) (json.RawMessage, error) {
	page, err := r.list(ctx, "/v1/invoice_payments", url.Values{
		"payment[type]": {"payment_intent"}, "payment[payment_intent]": {intent},
		"limit": {mostAtOnce}, "expand[]": {"data.invoice"},
	})
	if err != nil {
		return nil, err
	}
	for _, one := range page.data {
		if one.head.Status == "canceled" {
			continue
		}
		if invoice, _ := takeOut(one.raw, "invoice"); headOf(invoice).ID != "" && string(member(invoice, "deleted")) != "true" {
			return invoice, nil
		}
	}
	return nil, nil
}

// Fetch reads records by key: an intent's id, a charge's or an invoice's. A
// payment that became an invoice's brings the invoice's record as well.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	roots := make([]root, 0, len(keys))
	for _, key := range keys {
		roots = append(roots, root{id: key})
	}
	return h.reader(a).records(ctx, roots)
}

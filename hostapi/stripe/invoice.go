package stripe

import (
	"context"
	"encoding/json"
	"net/url"

	"extractor/hostapi"
)

// ofInvoice reads an invoice with all its payments. An intent that a Checkout
// Session tells about keeps its own record: the session comes first. bare
// names the intent of which that is known not to be so. raw may be nil.
// https://docs.stripe.com/api/invoices/retrieve
func (r *reader) ofInvoice(ctx context.Context, from root, raw json.RawMessage, bare string) ([]hostapi.Record, error) {
	if raw == nil {
		var err error
		if raw, err = r.one(ctx, "/v1/invoices/", from.id, nil); err != nil || raw == nil {
			return nil, err
		}
	}
	paid, err := r.paymentsOf(ctx, from.id)
	if err != nil {
		return nil, err
	}
	sold, err := r.sessionsOf(ctx, from, paid, bare)
	if err != nil || len(sold) > 0 {
		return sold, err
	}
	p := &parcel{Zone: r.zone, Invoice: raw}
	for _, one := range paid {
		if err := r.addPayment(ctx, p, one.payment()); err != nil {
			return nil, err
		}
	}
	if err := r.addNotes(ctx, p, from.id); err != nil {
		return nil, err
	}
	return r.withMoved(r.pack(p, kindInvoice, from.id, from), from, paid), nil
}

// paidBy is one payment of an invoice.
type paidBy struct {
	root
	attached bool // it was made for itself, and put on the invoice later
}

// paymentsOf are the payments that an invoice was paid with. Money that did not
// pass through Stripe has none.
// https://docs.stripe.com/api/invoice-payment/list
func (r *reader) paymentsOf(ctx context.Context, invoice string) (all []paidBy, err error) {
	list, err := r.whole(ctx, "/v1/invoice_payments", url.Values{
		"invoice": {invoice}, "status": {"paid"},
		"expand[]": {"data.payment.payment_intent.latest_charge", "data.payment.charge"},
	})
	if err != nil {
		return nil, err
	}
	for _, raw := range list {
		if one := payerOf(raw); one.id != "" {
			all = append(all, one)
		}
	}
	return all, nil
}

// payerOf is the payment that an invoice payment names, with what was expanded
// of it: an intent, or a charge that has none.
func payerOf(raw json.RawMessage) paidBy {
	pays := member(raw, "payment")
	named := headOf(pays)
	one := paidBy{root: root{id: firstOf(named.Intent, named.Charge)}, attached: string(member(raw, "is_default")) != "true"}
	if intent, _ := takeOut(pays, "payment_intent"); intent != nil {
		one.charge, one.intent = takeOut(intent, "latest_charge")
		return one
	}
	one.charge, _ = takeOut(pays, "charge")
	return one
}

// sessionsOf are the records of those payments that a Checkout Session tells about.
func (r *reader) sessionsOf(ctx context.Context, from root, paid []paidBy, bare string) (records []hostapi.Record, err error) {
	for _, one := range paid {
		if one.intent == nil || one.id == bare {
			continue
		}
		session, err := r.session(ctx, one.id)
		if err != nil {
			return nil, err
		}
		if session == nil {
			continue
		}
		some, err := r.ofSession(ctx, root{id: one.id, at: from.at}, session)
		if err != nil {
			return nil, err
		}
		records = append(records, some...)
	}
	return records, nil
}

// withMoved adds an empty record for each payment that was put on the invoice
// after it was made: it may have been sent as a sale of its own, which this
// takes back.
func (r *reader) withMoved(records []hostapi.Record, from root, paid []paidBy) []hostapi.Record {
	for _, one := range paid {
		if one.attached {
			records = append(records, r.pack(&parcel{Zone: r.zone, Moved: from.id}, kindPayment, one.id, from)...)
		}
	}
	return records
}

// addNotes adds the credit notes of the invoice, if it has any.
// https://docs.stripe.com/api/credit_notes/list
func (r *reader) addNotes(ctx context.Context, p *parcel, invoice string) error {
	before, after := member(p.Invoice, "pre_payment_credit_notes_amount"), member(p.Invoice, "post_payment_credit_notes_amount")
	if nothing(before) && nothing(after) {
		return nil
	}
	notes, err := r.whole(ctx, "/v1/credit_notes", url.Values{"invoice": {invoice}})
	p.Notes = notes
	return err
}

func nothing(amount json.RawMessage) bool {
	return len(amount) == 0 || string(amount) == "0" || string(amount) == "null"
}

package stripe

import (
	"encoding/json"
)

// root is where the reading of a payment begins: an intent, an invoice, or a
// charge without an intent.
type root struct {
	id     string          // pi_…, in_…, ch_… or py_…
	at     int64           // when the newest event about it was made, Unix seconds; 0 = no event
	intent json.RawMessage // what was listed already
	charge json.RawMessage
	// as in payment
	within, refunded string
}

func (r *root) payment() payment {
	return payment{Intent: r.intent, Charge: r.charge, within: r.within, refunded: r.refunded}
}

// rootOfEvent takes nothing of an event but the ids of what it is about.
func rootOfEvent(one listed) (root, bool) {
	found := root{at: one.head.Created}
	switch thing := headOf(member(member(one.raw, "data"), "object")); thing.Object {
	case "charge":
		found.id = firstOf(thing.Intent, thing.ID)
	case "refund":
		found.id = firstOf(thing.Intent, thing.Charge)
	case "payment_intent", "invoice":
		found.id = thing.ID
	case "credit_note", "invoice_payment":
		found.id = thing.Invoice
	case "checkout.session": // one without an intent is paid by an invoice, which has events of its own
		found.id = thing.Intent
	}
	return found, found.id != ""
}

// rootOfCharge passes over charges that moved no money. The intent was listed with it.
func rootOfCharge(one listed) (root, bool) {
	h := &one.head
	if h.Status != "succeeded" || !h.Captured {
		return root{}, false
	}
	if h.Intent == "" {
		return root{id: h.ID, charge: one.raw}, h.ID != ""
	}
	if h.ends != h.ID { // not the charge that the intent ended with, or not listed with it
		return root{id: h.Intent}, true
	}
	return root{id: h.Intent, intent: h.expanded, charge: one.raw, within: h.Intent, refunded: h.refunded()}, true
}

func rootOfRefund(one listed) (root, bool) {
	h := &one.head
	id := firstOf(h.Intent, h.Charge)
	return root{id: id}, id != ""
}

// rootOfInvoice passes over invoices that a charge leads to.
func rootOfInvoice(one listed) (root, bool) {
	for _, p := range elements(member(member(one.raw, "payments"), "data")) {
		if headOf(p).Status == "paid" && payerOf(p).id != "" {
			return root{}, false
		}
	}
	id := one.head.ID
	return root{id: id}, id != ""
}

func rootOfCreditNote(one listed) (root, bool) {
	id := one.head.Invoice
	return root{id: id}, id != ""
}

func firstOf(ids ...string) string {
	for _, id := range ids {
		if id != "" {
			return id
		}
	}
	return ""
}

package stripe

import (
	"encoding/json"

	"extractor/internal/jsonscan"
)

// root is where the reading of a payment begins: an intent, an invoice, or a
// charge without an intent.
type root struct {
	id     string          // pi_…, in_…, ch_… or py_…
	at     int64           // when the newest event about it was made, Unix seconds; 0 = no event
	intent json.RawMessage // what was listed already
	charge json.RawMessage
}

// head is what reading takes of a thing. What is odd in it reads as absent: a
// record with it is Transform's to refuse.
type head struct {
	ID             ref   `json:"id"`
	Object         ref   `json:"object"`
	Status         ref   `json:"status"`
	Created        count `json:"created"`
	AmountRefunded count `json:"amount_refunded"`
	Captured       flag  `json:"captured"`
	Intent         ref   `json:"payment_intent"`
	LatestCharge   ref   `json:"latest_charge"`
	Charge         ref   `json:"charge"`
	Invoice        ref   `json:"invoice"`
}

func headOf(raw json.RawMessage) (h head) {
	if json.Unmarshal(raw, &h) != nil {
		return head{}
	}
	return h
}

// rootOfEvent takes nothing of an event but the ids of what it is about.
func rootOfEvent(raw json.RawMessage) (root, bool) {
	var event struct {
		Created count `json:"created"`
		Data    struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if json.Unmarshal(raw, &event) != nil {
		return root{}, false
	}
	var found root
	switch thing := headOf(event.Data.Object); thing.Object {
	case "charge":
		found.id = firstOf(thing.Intent, thing.ID)
	case "refund":
		found.id = firstOf(thing.Intent, thing.Charge)
	case "payment_intent", "invoice":
		found.id = string(thing.ID)
	case "credit_note", "invoice_payment":
		found.id = string(thing.Invoice)
	case "checkout.session": // one without an intent is paid by an invoice, which has events of its own
		found.id = string(thing.Intent)
	}
	found.at = int64(event.Created)
	return found, found.id != ""
}

// rootOfCharge passes over charges that moved no money. The intent was listed with it.
func rootOfCharge(raw json.RawMessage) (root, bool) {
	h := headOf(raw)
	if h.Status != "succeeded" || !h.Captured {
		return root{}, false
	}
	if h.Intent == "" {
		return root{id: string(h.ID), charge: raw}, h.ID != ""
	}
	intent, charge := takeOut(raw, "payment_intent", string(h.Intent))
	if headOf(intent).LatestCharge != h.ID { // not the one that the intent ended with, or not listed with it
		return root{id: string(h.Intent)}, true
	}
	return root{id: string(h.Intent), intent: intent, charge: charge}, true
}

func rootOfRefund(raw json.RawMessage) (root, bool) {
	h := headOf(raw)
	id := firstOf(h.Intent, h.Charge)
	return root{id: id}, id != ""
}

// rootOfInvoice passes over invoices that a charge leads to.
func rootOfInvoice(raw json.RawMessage) (root, bool) {
	var in struct {
		ID       ref `json:"id"`
		Payments struct {
			Data []invoicePayment `json:"data"`
		} `json:"payments"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return root{id: string(headOf(raw).ID)}, headOf(raw).ID != ""
	}
	for _, p := range in.Payments.Data {
		if p.Status == "paid" && p.Payment.id() != "" {
			return root{}, false
		}
	}
	return root{id: string(in.ID)}, in.ID != ""
}

func rootOfCreditNote(raw json.RawMessage) (root, bool) {
	id := string(headOf(raw).Invoice)
	return root{id: id}, id != ""
}

func firstOf(ids ...ref) string {
	for _, id := range ids {
		if id != "" {
			return string(id)
		}
	}
	return ""
}

// takeOut takes the expanded thing under name out of another and leaves its id,
// so that two ways of reading give the same bytes. inner is nil where it was
// not expanded.
func takeOut(outer json.RawMessage, name, id string) (inner, rest json.RawMessage) {
	s := &jsonscan.Scanner{Text: outer}
	rest = outer
	err := s.Object(func(member []byte) error {
		if string(member) != name || s.Peek() != '{' {
			return s.Skip()
		}
		start := s.At
		raw, err := s.Raw()
		if err != nil {
			return err
		}
		quoted, err := json.Marshal(id)
		inner = raw
		rest = append(append(append(json.RawMessage{}, outer[:start]...), quoted...), outer[s.At:]...)
		return err
	})
	if err != nil {
		return nil, outer
	}
	return inner, rest
}

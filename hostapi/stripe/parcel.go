package stripe

import (
	"encoding/json"

	"extractor/hostapi"
)

// parcel is the body of a record: what Transform needs, as Stripe told it. It
// is read back as evidence.
type parcel struct {
	Zone     string // the account's
	Session  json.RawMessage
	Invoice  json.RawMessage
	Notes    []json.RawMessage // the invoice's credit notes
	Payments []payment         // one, or those of the invoice
	Moved    string            // the invoice that a payment, first made for itself, pays now
}

type payment struct {
	Intent  json.RawMessage
	Charge  json.RawMessage
	Refunds []json.RawMessage
	// within is the intent's id where Intent is a part of Charge, in which the id
	// is written instead; "" where it is none.
	within string
	// refunded is the charge's id if any of it was given back. It is known where
	// within is.
	refunded string
}

// pack makes a record of p.
func (r *reader) pack(p *parcel, kind, key string, from root) []hostapi.Record {
	return []hostapi.Record{{Kind: kind, Key: key, Version: r.version(from), Body: p.body()}}
}

// body writes p. What Stripe sent is copied as it is: to check it once more
// would cost more than all else that is done for a payment.
func (p *parcel) body() json.RawMessage {
	w := writer{make([]byte, 0, p.size())}
	w.object(func() {
		w.text("zone", p.Zone)
		w.text("moved", p.Moved)
		w.thing("session", p.Session)
		w.thing("invoice", p.Invoice)
		w.things("notes", p.Notes)
		w.list("payments", len(p.Payments), func(i int) {
			w.object(func() {
				w.thing("intent", p.Payments[i].Intent)
				w.charge(&p.Payments[i])
				w.things("refunds", p.Payments[i].Refunds)
			})
		})
	})
	return w.b
}

// size is about how long the body will be.
func (p *parcel) size() int {
	const frame = 128 // names and brackets
	n := frame + len(p.Session) + len(p.Invoice) + sizeOf(p.Notes)
	for _, one := range p.Payments {
		n += frame + len(one.Charge) + sizeOf(one.Refunds)
		if one.within == "" {
			n += len(one.Intent)
		}
	}
	return n
}

func sizeOf(things []json.RawMessage) (n int) {
	for _, raw := range things {
		n += len(raw) + 1
	}
	return n
}

// writer writes objects around JSON that is there already. What is empty is left out.
type writer struct{ b []byte }

func (w *writer) object(members func()) {
	w.b = append(w.b, '{')
	members()
	w.b = append(w.b, '}')
}

func (w *writer) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *writer) text(name, value string) {
	if value != "" {
		w.name(name)
		w.b = appendQuoted(w.b, value)
	}
}

func (w *writer) charge(p *payment) {
	if p.within == "" {
		w.thing("charge", p.Charge)
		return
	}
	w.name("charge")
	w.b = appendWithout(w.b, p.Charge, p.Intent, p.within)
}

func (w *writer) thing(name string, raw json.RawMessage) {
	if len(raw) > 0 {
		w.name(name)
		w.b = append(w.b, raw...)
	}
}

func (w *writer) things(name string, all []json.RawMessage) {
	w.list(name, len(all), func(i int) { w.b = append(w.b, all[i]...) })
}

func (w *writer) list(name string, n int, element func(int)) {
	if n == 0 {
		return
	}
	w.name(name)
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		element(i)
	}
	w.b = append(w.b, ']')
}

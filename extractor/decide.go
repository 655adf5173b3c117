package extractor

import (
	"maps"

	"extractor/models"
)

// entry is a row of the ledger as decide sees and writes it.
type entry struct {
	Kind, Key, Record, Version string
	State                      models.EntryState
	Reason                     string
	Hash                       []byte
	Seq, SentSeq               int64
	Day                        string // "" = none
	Sales, SalesTax            models.Amount
	Shipping, ShippingTax      models.Amount
	Payload                    []byte // nil = leave as it is
	Reverses                   string
	Compensated                bool
	Held                       bool // the target took other content last, which the ledger keeps

	op       op
	bump     bool // a new content: a new turn in the outbox
	inFlight bool // an unsettled batch carries some content of it
	flying   bool // and that is the present one
	doubted  bool // the target is still to be asked what it has
}

// maybeSent is the sent_seq of an entry that was in a request which had no clear
// answer, and in none that had one.
const maybeSent = 1

// op is what is to be done with an entry.
type op int

const (
	opNone op = iota
	opInsert
	opUpdate
)

func (e *entry) ref() models.Ref { return models.Ref{Kind: e.Kind, Key: e.Key} }

// wasSent reports whether the target has, or may have, any content of the entry.
func (e *entry) wasSent() bool { return e.SentSeq > 0 || e.inFlight }

// put gives the entry the item's content.
func (e *entry) put(c *content, state models.EntryState, reason string) {
	e.Hash, e.Day, e.Payload = c.hash, c.day, c.payload
	e.State, e.Reason, e.Compensated = state, reason, false
	if c.payload != nil {
		e.Sales, e.SalesTax, e.Shipping, e.ShippingTax = c.amounts.SalesAmount, c.amounts.SalesTax, c.amounts.ShippingAmount, c.amounts.ShippingTax
	}
	e.bump = state == models.EntryPending
	e.change()
}

func (e *entry) change() {
	if e.op == opNone {
		e.op = opUpdate
	}
}

// decision is what one reading does to the ledger.
type decision struct {
	entries []*entry // changed ones only
	counts  counts
	// settled are the refs whose open bad items are settled by this reading.
	settled []models.Ref
	refused bool // keep the record as a bad item
}

// decide compares a reading with the entries of its record. It is pure.
func (b *book) decide(r *reading, have []*entry) decision {
	d := decision{counts: counts{Fetched: 1}}
	if r.vanished {
		r.record.Version = newest(have)
	}
	if r.repeated || r.unchanged || newest(have) > r.record.Version && !models.Bad("version") {
		d.counts.Unchanged = 1
		return d
	}
	if r.refusal != nil {
		return b.decideRefused(r, have, d)
	}
	all := byRef(have)
	absent := maps.Clone(all)
	for i := range r.items {
		delete(absent, r.items[i].ref)
	}
	for i := range r.items {
		b.decideItem(&r.items[i], r, all, &d)
	}
	for _, old := range have { // in order, so that equal readings decide alike
		if _, gone := absent[old.ref()]; gone {
			b.decideAbsent(old, r, all, absent, &d)
		}
	}
	if len(r.items) == 0 && len(have) == 0 {
		d.entries = append(d.entries, marker(r, models.EntrySkipped, "nothing to send"))
	}
	for _, old := range have {
		if old.op != opNone {
			d.entries = append(d.entries, old)
		}
	}
	d.counts.tell(len(d.entries) > 0, len(have) == 0)
	return d
}

// tell counts the record as new, changed or unchanged.
func (c *counts) tell(written, first bool) {
	switch {
	case first:
		c.New = 1
	case written:
		c.Changed = 1
	default:
		c.Unchanged = 1
	}
}

// decideRefused keeps a record that could not be read. What was sent of it
// stays: we do not know better.
func (b *book) decideRefused(r *reading, have []*entry, d decision) decision {
	for _, e := range have {
		if e.Kind == models.KindRecord {
			if e.State == models.EntryBad && e.Version == r.record.Version && e.Reason == r.refusal.Message {
				d.counts.Unchanged = 1 // known already
				return d
			}
			d.refused, d.counts.Bad = true, 1
			e.State, e.Reason, e.Version = models.EntryBad, r.refusal.Message, r.record.Version
			e.change()
			d.entries = append(d.entries, e)
			return d
		}
	}
	d.refused, d.counts.Bad = true, 1
	d.entries = append(d.entries, marker(r, models.EntryBad, r.refusal.Message))
	return d
}

// marker remembers a record that yielded no item.
func marker(r *reading, state models.EntryState, reason string) *entry {
	return &entry{Kind: models.KindRecord, Key: r.name(), Record: r.name(), Version: r.record.Version, State: state, Reason: reason, op: opInsert}
}

// decideItem compares one item with its entry, if there is one.
func (b *book) decideItem(c *content, r *reading, all map[models.Ref]*entry, d *decision) {
	old := all[c.ref]
	state, reason := b.wanted(c, old)
	if old == nil {
		c = b.markLate(c, false)
		e := &entry{Kind: c.ref.Kind, Key: c.ref.Key, Record: r.name(), Version: r.record.Version, op: opInsert}
		e.put(c, state, reason)
		d.entries = append(d.entries, e)
		return
	}
	if old.Version != r.record.Version || old.Record != r.name() {
		old.Version, old.Record = r.record.Version, r.name()
		old.change()
	}
	switch same := c.is(old.Hash); {
	case same && old.Compensated: // taken back by an item of its own, which is undone in its turn
		old.Compensated = false
		old.change()
	case !same:
		b.replace(old, c, state, reason, all, d)
	}
}

// replace gives an existing entry its new content, or takes back what the
// target has of it when the new content is not wanted there.
func (b *book) replace(old *entry, c *content, state models.EntryState, reason string, all map[models.Ref]*entry, d *decision) {
	if state == models.EntrySkipped && old.wasSent() {
		if !old.Compensated {
			b.takeBack(old, "It no longer counts: "+reason+".", all, d)
		}
		return
	}
	old.settle(d)
	c = b.markLate(c, true)
	old.put(c, state, reason)
}

// wanted says whether the target should have the item. What was sent once is
// kept up to date whatever the start date is now.
func (b *book) wanted(c *content, old *entry) (models.EntryState, string) {
	if c.skip != "" {
		return models.EntrySkipped, c.skip
	}
	if c.day < b.start && (old == nil || !old.wasSent()) {
		return models.EntrySkipped, models.SkipBeforeStart
	}
	return models.EntryPending, ""
}

// decideAbsent deals with an entry of the record that the reading does not hold.
func (b *book) decideAbsent(old *entry, r *reading, all, absent map[models.Ref]*entry, d *decision) {
	if old.Version != r.record.Version || old.Record != r.name() {
		old.Version, old.Record = r.record.Version, r.name()
		old.change()
	}
	switch {
	case old.Kind == models.KindRecord:
		b.settleMarker(old, len(r.items) > 0, d)
	case old.Reverses != "":
		b.decideReversal(old, all, absent, d)
	case old.Compensated: // nothing of it is wanted there already
	case old.wasSent() && !models.Bad("silence"):
		b.takeBack(old, "It no longer counts at the host: it was cancelled, voided or deleted there.", all, d)
	case old.State != models.EntrySkipped || old.Reason == models.SkipBeforeStart:
		old.forget(d)
	}
}

// forget is for an entry that vanished before it was sent. Without a hash it is
// new again when it comes back, and no start date makes it wanted meanwhile.
func (e *entry) forget(d *decision) {
	e.settle(d)
	e.State, e.Reason, e.Hash = models.EntrySkipped, "gone before it was sent", nil
	e.change()
}

// settle closes the open bad item of an entry that is refused no more.
func (e *entry) settle(d *decision) {
	if e.State == models.EntryBad {
		d.settled = append(d.settled, e.ref())
	}
}

// settleMarker lifts the mark of a record that was refused before and is not now.
func (b *book) settleMarker(old *entry, hasItems bool, d *decision) {
	if old.State != models.EntryBad {
		return
	}
	d.settled = append(d.settled, old.ref())
	old.State, old.Reason = models.EntrySkipped, "nothing to send"
	if hasItems {
		old.Reason = "read later"
	}
	old.change()
}

func newest(have []*entry) (version string) {
	for _, e := range have {
		version = max(version, e.Version)
	}
	return version
}

func byRef(have []*entry) map[models.Ref]*entry {
	m := make(map[models.Ref]*entry, len(have))
	for _, e := range have {
		m[e.ref()] = e
	}
	return m
}

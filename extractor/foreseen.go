package extractor

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// previewItems is how many items a preview shows: enough to see what they look like.
const previewItems = 20

// foreseen is the ledger as it would be: its entries of the records that were
// read, as the readings leave them. It is kept in memory, so that a record that
// is read twice is decided upon as it would be in truth.
type foreseen struct {
	start   string
	entries map[models.Ref]*entry
	records map[string]map[models.Ref]bool // the items that are a record's
	order   []models.Ref                   // as they were met
}

func newForeseen(start string) foreseen {
	return foreseen{start: start, entries: map[models.Ref]*entry{}, records: map[string]map[models.Ref]bool{}}
}

// put is the one way in. An item belongs to one record at a time.
func (f *foreseen) put(e *entry) {
	ref := e.ref()
	if old := f.entries[ref]; old != nil {
		delete(f.records[old.Record], ref)
	} else {
		f.order = append(f.order, ref)
	}
	if f.records[e.Record] == nil {
		f.records[e.Record] = map[models.Ref]bool{}
	}
	f.entries[ref], f.records[e.Record][ref] = e, true
}

// having gives the entries that the readings are compared with, as slice.load
// does: copies, to be changed.
func (f *foreseen) having(ctx context.Context, tx pgx.Tx, connection int64, readings []reading, byKey bool) ([]reading, map[string][]*entry, error) {
	fresh, err := loadEntries(ctx, tx, connection, namesOf(readings))
	if err != nil {
		return nil, nil, err
	}
	if err := f.meet(ctx, tx, connection, fresh); err != nil {
		return nil, nil, err
	}
	have := map[string][]*entry{}
	for i := range readings {
		if name := readings[i].name(); have[name] == nil {
			for _, ref := range slices.SortedFunc(maps.Keys(f.records[name]), byName) {
				e := *f.entries[ref]
				have[name] = append(have[name], &e)
			}
		}
	}
	if !byKey {
		return readings, have, nil
	}
	readings = withoutTaken(readings, have)
	return readings, have, f.claimed(ctx, tx, connection, owners(readings, have), have)
}

// claimed gives each item to the record that owns it now, as loadClaimed does.
func (f *foreseen) claimed(ctx context.Context, tx pgx.Tx, connection int64, owner map[models.Ref]string, have map[string][]*entry) error {
	refs := slices.SortedFunc(maps.Keys(owner), byName)
	if err := f.meetItems(ctx, tx, connection, refs); err != nil {
		return err
	}
	for _, ref := range refs {
		if known := f.entries[ref]; known != nil {
			e := *known
			claim(&e, owner[ref], have)
		}
	}
	return nil
}

// meet adds entries of the ledger, unless a reading has been at them already.
func (f *foreseen) meet(ctx context.Context, tx pgx.Tx, connection int64, fresh map[string][]*entry) error {
	if err := markInFlight(ctx, tx, connection, fresh); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		for _, e := range fresh[name] {
			if f.entries[e.ref()] == nil {
				e.follow(f.start)
				f.put(e)
			}
		}
	}
	return nil
}

// meetItems adds the entries of items, whatever record has them.
func (f *foreseen) meetItems(ctx context.Context, tx pgx.Tx, connection int64, refs []models.Ref) error {
	unknown := slices.DeleteFunc(slices.Clone(refs), func(ref models.Ref) bool { return f.entries[ref] != nil })
	fresh := map[string][]*entry{}
	if err := eachItem(ctx, tx, connection, unknown, func(e *entry) { fresh[e.Record] = append(fresh[e.Record], e) }); err != nil {
		return err
	}
	return f.meet(ctx, tx, connection, fresh)
}

// clash reports whether the ledger would refuse the changes, since an item that
// is to be new is there already: see transientTries.
func (f *foreseen) clash(ctx context.Context, tx pgx.Tx, connection int64, changed []*entry) (bool, error) {
	var fresh []models.Ref
	for _, e := range changed {
		if e.op == opInsert {
			fresh = append(fresh, e.ref())
		}
	}
	slices.SortFunc(fresh, byName)
	if len(slices.Compact(slices.Clone(fresh))) < len(fresh) {
		return true, nil
	}
	err := f.meetItems(ctx, tx, connection, fresh)
	return slices.ContainsFunc(fresh, func(ref models.Ref) bool { return f.entries[ref] != nil }), err
}

// keep makes changes part of what is foreseen. A decision made later finds them
// as if they had been written.
func (f *foreseen) keep(changed []*entry) {
	for _, e := range changed {
		e.op, e.bump = opNone, false
		f.put(e)
	}
}

func byName(a, b models.Ref) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
}

// follow moves an entry that was never sent across the start date, as
// followStartDate in models does when a connection's date changes.
func (e *entry) follow(start string) {
	switch {
	case e.State == models.EntrySkipped && e.Reason == models.SkipBeforeStart && e.Day >= start:
		e.State, e.Reason = models.EntryPending, ""
	case e.State == models.EntryPending && e.Day < start && !e.wasSent() && e.Reverses == "":
		e.State, e.Reason = models.EntrySkipped, models.SkipBeforeStart
	}
}

// tell counts what is foreseen.
func (p *preview) tell(ctx context.Context) (*models.Preview, error) {
	months, bad, skipped := map[string]*models.PreviewMonth{}, map[string]int64{}, map[string]int64{}
	var first []*entry
	for _, ref := range p.order {
		switch e := p.entries[ref]; e.State {
		case models.EntrySent:
			p.result.Unchanged++
		case models.EntryBad:
			bad[e.Reason]++
		case models.EntrySkipped:
			skipped[e.Reason]++
		case models.EntryPending:
			if e.wasSent() {
				p.result.Changed++
			} else {
				p.result.New++
			}
			if len(first) < previewItems {
				first = append(first, e)
			}
			e.countIn(months)
		}
	}
	for _, month := range slices.Sorted(maps.Keys(months)) {
		p.result.Months = append(p.result.Months, *months[month])
	}
	p.result.Bad, p.result.Skipped = reasons(bad), reasons(skipped)
	return &p.result, p.show(ctx, first)
}

// countIn adds the entry to its month. A refund counts negative.
func (e *entry) countIn(months map[string]*models.PreviewMonth) {
	name := e.Day[:min(len(e.Day), len("2006-01"))]
	if months[name] == nil {
		months[name] = &models.PreviewMonth{Month: name}
	}
	m, sign := months[name], models.Amount(1)
	if e.Kind == models.KindRefund {
		m.Refunds++
		sign = -1
	} else {
		m.Sales++
	}
	m.Add(models.Sum{Items: 1, SalesAmount: sign * e.Sales, SalesTax: sign * e.SalesTax, ShippingAmount: sign * e.Shipping, ShippingTax: sign * e.ShippingTax})
}

// reasons are the most frequent ones first.
func reasons(counts map[string]int64) []models.PreviewReason {
	all := make([]models.PreviewReason, 0, len(counts))
	for reason, n := range counts {
		all = append(all, models.PreviewReason{Reason: reason, Count: n})
	}
	slices.SortFunc(all, func(a, b models.PreviewReason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}

// show gives the entries as items. The content of those that no reading changed
// is in the ledger.
func (p *preview) show(ctx context.Context, entries []*entry) error {
	return p.look(ctx, func(tx pgx.Tx) error {
		for _, e := range entries {
			payload := e.Payload
			if payload == nil {
				payload, _ = loadPayload(ctx, tx, p.lane.Connection, e.ref())
			}
			var sale models.Sale
			if payload == nil || json.Unmarshal(payload, &sale) != nil {
				continue // delivered without it being shown
			}
			p.result.Items = append(p.result.Items, models.Item{Kind: e.Kind, Key: e.Key, Sale: &sale})
		}
		return nil
	})
}

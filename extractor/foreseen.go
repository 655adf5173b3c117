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
	records map[string][]*entry
	order   []*entry // as they were met
}

func newForeseen(start string) foreseen {
	return foreseen{start: start, entries: map[models.Ref]*entry{}, records: map[string][]*entry{}}
}

// having gives the entries that the readings are compared with, as slice.load
// does: of their records, and those of their items that other records have.
func (f *foreseen) having(ctx context.Context, tx pgx.Tx, connection int64, readings []reading) ([]reading, map[string][]*entry, error) {
	fresh, err := loadEntries(ctx, tx, connection, readings)
	if err != nil {
		return nil, nil, err
	}
	if err := markInFlight(ctx, tx, connection, fresh); err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		for _, e := range fresh[name] {
			f.meet(e)
		}
	}
	readings = withoutTaken(readings, f.records)
	owner := owners(readings, f.records)
	if err := f.loadItems(ctx, tx, connection, owner); err != nil {
		return nil, nil, err
	}
	for ref, name := range owner {
		if e := f.entries[ref]; e != nil {
			claim(e, name, f.records)
		}
	}
	return readings, f.records, nil
}

// loadItems reads the entries of items that were not met yet.
func (f *foreseen) loadItems(ctx context.Context, tx pgx.Tx, connection int64, owner map[models.Ref]string) error {
	var unknown []models.Ref
	for ref := range owner {
		if f.entries[ref] == nil {
			unknown = append(unknown, ref)
		}
	}
	fresh := map[string][]*entry{}
	if err := eachItem(ctx, tx, connection, unknown, func(e *entry) { fresh[e.Record] = append(fresh[e.Record], e) }); err != nil {
		return err
	}
	if err := markInFlight(ctx, tx, connection, fresh); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		for _, e := range fresh[name] {
			f.meet(e)
		}
	}
	return nil
}

// meet adds an entry of the ledger, unless a reading has been at it already.
func (f *foreseen) meet(e *entry) {
	if f.entries[e.ref()] != nil {
		return
	}
	e.follow(f.start)
	f.add(e)
	f.records[e.Record] = append(f.records[e.Record], e)
}

func (f *foreseen) add(e *entry) {
	f.entries[e.ref()] = e
	f.order = append(f.order, e)
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

// keep makes a decision part of what is foreseen. A decision made later finds
// the entries as if they had been written.
func (f *foreseen) keep(name string, have []*entry, d decision) {
	for _, e := range d.entries {
		if e.op == opInsert {
			f.add(e)
			have = append(have, e)
		}
		e.op, e.bump = opNone, false
	}
	slices.SortFunc(have, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key)) })
	f.records[name] = have
}

// tell counts what is foreseen.
func (p *preview) tell(ctx context.Context) (*models.Preview, error) {
	months, bad, skipped := map[string]*models.PreviewMonth{}, map[string]int64{}, map[string]int64{}
	var first []*entry
	for _, e := range p.order {
		switch e.State {
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
	slices.SortFunc(all, func(a, b models.PreviewReason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason)) })
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

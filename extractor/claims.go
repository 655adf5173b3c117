package extractor

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// loadClaimed sorts out whose item is whose, for a page that failed because an
// item is there already: a host that moves items between its records, or names an
// item twice. The reading that comes last owns an
// item; what takes the item back goes with it. Returned are the readings
// without what they do not own.
func loadClaimed(ctx context.Context, tx pgx.Tx, connection int64, readings []reading, have map[string][]*entry) ([]reading, error) {
	readings = withoutTaken(readings, have)
	owner := owners(readings, have)
	return readings, eachItem(ctx, tx, connection, slices.Collect(maps.Keys(owner)), func(e *entry) { claim(e, owner[e.ref()], have) })
}

// eachItem reads the entries of items, whatever record they came from.
func eachItem(ctx context.Context, tx pgx.Tx, connection int64, refs []models.Ref, use func(*entry)) error {
	kinds, keys := split(refs)
	rows, err := tx.Query(ctx, `SELECT `+entryColumns+` FROM unnest($1::bigint[], $2::text[], $3::text[]) x(c, k, i)
		JOIN entries e ON e.connection_id = x.c AND e.kind = x.k AND e.key = x.i ORDER BY e.kind, e.key`, repeat(connection, len(keys)), kinds, keys)
	if err != nil {
		return err
	}
	return eachEntry(rows, use)
}

// claim gives an entry to the record that owns its item now.
func claim(e *entry, name string, have map[string][]*entry) {
	if name == e.Record {
		return
	}
	have[e.Record] = without(have[e.Record], e.ref())
	e.Version = "" // versions of different records do not compare
	have[name] = append(have[name], e)
}

// markRepeats marks readings of records of which there is a better one: newer,
// or as new and later. Hosts whose pages shift list a record on two of them.
func markRepeats(readings []reading) {
	best := make(map[string]int, len(readings))
	for i := range readings {
		r := &readings[i]
		r.repeated = false
		if j, again := best[r.name()]; again {
			if readings[j].record.Version > r.record.Version {
				r.repeated = true
				continue
			}
			readings[j].repeated = true
		}
		best[r.name()] = i
	}
}

// withoutTaken is a copy of the readings in which each item counts once, in the
// last reading that is not older than what the ledger holds.
func withoutTaken(readings []reading, have map[string][]*entry) []reading {
	readings = append([]reading(nil), readings...)
	taken := map[models.Ref]bool{}
	for i := len(readings) - 1; i >= 0; i-- {
		if r := &readings[i]; !r.repeated && !r.older(have[r.name()]) {
			r.items = untaken(r.items, taken)
		}
	}
	return readings
}

// untaken are the items that no later reading, and no later item, has taken.
func untaken(items []content, taken map[models.Ref]bool) []content {
	var mine []content
	for i := len(items) - 1; i >= 0; i-- {
		if ref := items[i].ref; !taken[ref] {
			taken[ref] = true
			mine = append([]content{items[i]}, mine...)
		}
	}
	return mine
}

// owners says which record each item of the readings, and each reversal that
// may be concerned, belongs to.
func owners(readings []reading, have map[string][]*entry) map[models.Ref]string {
	owner := map[models.Ref]string{}
	for i := range readings {
		r := &readings[i]
		if r.repeated || r.older(have[r.name()]) {
			continue
		}
		for _, e := range have[r.name()] {
			if _, moved := owner[e.reversalRef()]; !moved {
				owner[e.reversalRef()] = r.name()
			}
		}
	}
	for i := range readings {
		r := &readings[i]
		if r.repeated || r.older(have[r.name()]) {
			continue
		}
		for _, c := range r.items {
			e := entry{Kind: c.ref.Kind, Key: c.ref.Key}
			owner[e.ref()], owner[e.reversalRef()] = r.name(), r.name()
		}
	}
	return owner
}

// older reports whether the ledger holds a newer version of the record.
func (r *reading) older(have []*entry) bool { return !r.vanished && newest(have) > r.record.Version }

func without(entries []*entry, ref models.Ref) []*entry {
	var rest []*entry
	for _, e := range entries {
		if e.ref() != ref {
			rest = append(rest, e)
		}
	}
	return rest
}

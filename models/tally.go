package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Sum is a number of items and their money. Refunds count negative.
type Sum struct {
	Items          int64
	SalesAmount    Amount
	SalesTax       Amount
	ShippingAmount Amount
	ShippingTax    Amount
}

// Add adds other to the sum.
func (s *Sum) Add(other Sum) {
	s.Items += other.Items
	s.SalesAmount += other.SalesAmount
	s.SalesTax += other.SalesTax
	s.ShippingAmount += other.ShippingAmount
	s.ShippingTax += other.ShippingTax
}

// Tally is what was read, and what became of it.
type Tally struct {
	// Readings, repeats included; New, Changed and Unchanged ones among them.
	Fetched, New, Changed, Unchanged int64
	// The current state of the ledger.
	Pending, Delivered, Bad Sum
	Skipped                 map[string]Sum // by reason
}

func (t *Tally) add(other Tally) {
	t.Fetched += other.Fetched
	t.New += other.New
	t.Changed += other.Changed
	t.Unchanged += other.Unchanged
	t.Pending.Add(other.Pending)
	t.Delivered.Add(other.Delivered)
	t.Bad.Add(other.Bad)
	for reason, sum := range other.Skipped {
		t.skip(reason, sum)
	}
}

func (t *Tally) skip(reason string, sum Sum) {
	if t.Skipped == nil {
		t.Skipped = map[string]Sum{}
	}
	all := t.Skipped[reason]
	all.Add(sum)
	t.Skipped[reason] = all
}

// count puts a sum of the ledger under its state.
func (t *Tally) count(state EntryState, reason string, sum Sum) {
	switch state {
	case EntryPending:
		t.Pending.Add(sum)
	case EntrySent:
		t.Delivered.Add(sum)
	case EntryBad:
		t.Bad.Add(sum)
	case EntrySkipped:
		t.skip(reason, sum)
	}
}

// Recount is what one reconciliation of a transaction day found.
type Recount struct {
	Day         time.Time
	At          time.Time
	HostRecords int64 // listed by the host
	Missing     int64 // listed there, unknown or older here: fetched then
	Vanished    int64 // known here, no longer there: compensated
}

// Gap reports whether host and ledger differed.
func (r Recount) Gap() bool { return r.Missing > 0 || r.Vanished > 0 }

// DayTally is the tally of one transaction day.
type DayTally struct {
	Day time.Time
	Tally
	Recount *Recount // the newest; nil: not recounted yet
}

// Completeness is the account of a connection: every record that was read, and
// where it is now.
type Completeness struct {
	Days    []DayTally // oldest first
	Undated Tally      // records without a transaction day: refused before we knew it, or without items
	Totals  Tally      // of Days and Undated
	Gaps    []Recount  // all recounts that found a difference, newest first
}

// maxGaps bounds the list of gaps: about three years of one each night.
const maxGaps = 1000

// Completeness counts by transaction day, from and to inside (nil: open). With
// a bound, what has no day is left out.
func (s *Store) Completeness(ctx context.Context, connectionID int64, from, to *time.Time) (*Completeness, error) {
	t := tallier{days: map[time.Time]*DayTally{}, args: pgx.NamedArgs{"id": connectionID, "from": from, "to": to, "gaps": maxGaps}}
	// One snapshot, so that the figures belong together.
	err := pgx.BeginTxFunc(ctx, s.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, read := range []func(context.Context, pgx.Tx) error{t.readings, t.states, t.recounts, t.gaps} {
			if err := read(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("completeness: %w", err)
	}
	return t.done(), nil
}

// tallier gathers a Completeness.
type tallier struct {
	args pgx.NamedArgs
	days map[time.Time]*DayTally
	out  Completeness
}

func (t *tallier) day(day time.Time) *DayTally {
	if t.days[day] == nil {
		t.days[day] = &DayTally{Day: day}
	}
	return t.days[day]
}

const withinDays = ` (@from::date IS NULL OR day >= @from) AND (@to::date IS NULL OR day <= @to) `

func (t *tallier) readings(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT day, fetched, new, changed, unchanged FROM tallies
		WHERE connection_id = @id AND`+withinDays, t.args)
	if err != nil {
		return err
	}
	var day time.Time
	var r Tally
	_, err = pgx.ForEachRow(rows, []any{&day, &r.Fetched, &r.New, &r.Changed, &r.Unchanged}, func() error {
		t.day(day).add(r)
		return nil
	})
	return err
}

func (t *tallier) states(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT day, state, coalesce(reason, ''), count(*),
			sum(sign * sales_amount)::bigint, sum(sign * sales_tax)::bigint,
			sum(sign * shipping_amount)::bigint, sum(sign * shipping_tax)::bigint
		FROM entries, LATERAL (SELECT CASE kind WHEN 'refund' THEN -1 ELSE 1 END AS sign) s
		WHERE connection_id = @id AND`+withinDays+`GROUP BY 1, 2, 3`, t.args)
	if err != nil {
		return err
	}
	var day *time.Time
	var state, reason string
	var m Sum
	into := []any{&day, &state, &reason, &m.Items, &m.SalesAmount, &m.SalesTax, &m.ShippingAmount, &m.ShippingTax}
	_, err = pgx.ForEachRow(rows, into, func() error {
		if day == nil {
			t.out.Undated.count(EntryState(state), reason, m)
		} else {
			t.day(*day).count(EntryState(state), reason, m)
		}
		return nil
	})
	return err
}

func (t *tallier) recounts(ctx context.Context, tx pgx.Tx) error {
	list, err := t.listRecounts(ctx, tx, `SELECT DISTINCT ON (day) day, at, host_records, missing, vanished FROM recounts
		WHERE connection_id = @id AND`+withinDays+`ORDER BY day, at DESC`)
	for i := range list {
		t.day(list[i].Day).Recount = &list[i]
	}
	return err
}

func (t *tallier) gaps(ctx context.Context, tx pgx.Tx) (err error) {
	t.out.Gaps, err = t.listRecounts(ctx, tx, `SELECT day, at, host_records, missing, vanished FROM recounts
		WHERE connection_id = @id AND (missing > 0 OR vanished > 0) AND`+withinDays+`ORDER BY at DESC, day DESC LIMIT @gaps`)
	return err
}

func (t *tallier) listRecounts(ctx context.Context, tx pgx.Tx, sql string) ([]Recount, error) {
	rows, err := tx.Query(ctx, sql, t.args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Recount])
}

func (t *tallier) done() *Completeness {
	for _, d := range t.days {
		t.out.Days = append(t.out.Days, *d)
		t.out.Totals.add(d.Tally)
	}
	slices.SortFunc(t.out.Days, func(a, b DayTally) int { return cmp.Compare(a.Day.Unix(), b.Day.Unix()) })
	t.out.Totals.add(t.out.Undated)
	return &t.out
}

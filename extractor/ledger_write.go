package extractor

import (
	"bytes"
	"compress/gzip"
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// writer gathers what a page changes and writes it in a handful of statements.
type writer struct {
	connection int64
	mapping    int
	today      string // for readings without a date of their own
	inserts    []*entry
	updates    []*entry
	tallies    map[string]*counts
	bad        []*reading
	settled    []models.Ref
	result     committed
}

func newWriter(connection int64, mapping int, today string) *writer {
	return &writer{connection: connection, mapping: mapping, today: today, tallies: map[string]*counts{}}
}

// take adds one reading's decision.
func (w *writer) take(r *reading, d decision) {
	for _, e := range d.entries {
		if e.op == opInsert {
			w.inserts = append(w.inserts, e)
		} else {
			w.updates = append(w.updates, e)
		}
		w.result.pending = w.result.pending || e.State == models.EntryPending
	}
	if d.refused {
		w.bad = append(w.bad, r)
	}
	w.settled = append(w.settled, d.settled...)
	w.result.counts.add(d.counts)
	w.result.gaps += d.counts.New + d.counts.Changed
	day := w.today
	if len(r.items) > 0 && r.items[0].day != "" {
		day = r.items[0].day
	}
	if w.tallies[day] == nil {
		w.tallies[day] = &counts{}
	}
	w.tallies[day].add(d.counts)
}

// flush writes it all. The order of rows is the same for every writer, so that
// two of them never wait for each other in a circle.
func (w *writer) flush(ctx context.Context, tx pgx.Tx) error {
	for _, f := range []func(context.Context, pgx.Tx) error{w.insert, w.update, w.tally, w.settleBad, w.keepBad} {
		if err := f(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insert(ctx context.Context, tx pgx.Tx) error {
	if len(w.inserts) == 0 {
		return nil
	}
	return copyEntries(ctx, tx, w.connection, w.inserts)
}

const updateSQL = `UPDATE entries e SET record = x.record, version = x.version, state = x.state, reason = x.reason, hash = x.hash, day = x.day::date,
	sales_amount = x.sales, sales_tax = x.sales_tax, shipping_amount = x.shipping, shipping_tax = x.shipping_tax, compensated = x.compensated,
	prior_payload = CASE WHEN x.bump AND x.flying THEN e.payload ELSE e.prior_payload END,
	held_payload = CASE WHEN x.bump AND e.sent_seq > 1 THEN coalesce(e.held_payload, e.payload) ELSE e.held_payload END, -- 1: maybeSent
	payload = coalesce(x.payload, e.payload),
	seq = CASE WHEN x.bump THEN nextval('entry_seq') ELSE e.seq END,
	changed_at = CASE WHEN x.bump THEN now() ELSE e.changed_at END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::text[],
	$10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[], $15::boolean[], $16::boolean[], $17::text[])
	x(c, kind, key, record, version, state, reason, hash, day, sales, sales_tax, shipping, shipping_tax, compensated, bump, flying, payload)
WHERE e.connection_id = x.c AND e.kind = x.kind AND e.key = x.key`

func (w *writer) update(ctx context.Context, tx pgx.Tx) error {
	n := len(w.updates)
	if n == 0 {
		return nil
	}
	kinds, keys, records, versions, states := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	reasons, days, payloads := make([]*string, n), make([]*string, n), make([]*string, n)
	hashes := make([][]byte, n)
	sales, salesTax, shipping, shippingTax := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	compensated, bump, flying := make([]bool, n), make([]bool, n), make([]bool, n)
	for i, e := range w.updates {
		kinds[i], keys[i], records[i], versions[i], states[i] = e.Kind, e.Key, e.Record, e.Version, string(e.State)
		reasons[i], days[i], payloads[i], hashes[i] = orNull(e.Reason), orNull(e.Day), text(e.Payload), e.Hash
		sales[i], salesTax[i], shipping[i], shippingTax[i] = int64(e.Sales), int64(e.SalesTax), int64(e.Shipping), int64(e.ShippingTax)
		compensated[i], bump[i], flying[i] = e.Compensated, e.bump, e.flying
	}
	_, err := tx.Exec(ctx, updateSQL, repeat(w.connection, n), kinds, keys, records, versions, states, reasons, hashes, days,
		sales, salesTax, shipping, shippingTax, compensated, bump, flying, payloads)
	return err
}

func (w *writer) tally(ctx context.Context, tx pgx.Tx) error {
	days := slices.Sorted(maps.Keys(w.tallies))
	n := len(days)
	if n == 0 {
		return nil
	}
	fetched, fresh, changed, unchanged := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, day := range days {
		c := w.tallies[day]
		fetched[i], fresh[i], changed[i], unchanged[i] = int64(c.Fetched), int64(c.New), int64(c.Changed), int64(c.Unchanged)
	}
	_, err := tx.Exec(ctx, `INSERT INTO tallies AS t (connection_id, day, fetched, new, changed, unchanged)
		SELECT * FROM unnest($1::bigint[], $2::text[]::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
		ON CONFLICT (connection_id, day) DO UPDATE SET fetched = t.fetched + excluded.fetched, new = t.new + excluded.new,
			changed = t.changed + excluded.changed, unchanged = t.unchanged + excluded.unchanged`,
		repeat(w.connection, n), days, fetched, fresh, changed, unchanged)
	return err
}

// settleBad closes bad items that a newer reading made good.
func (w *writer) settleBad(ctx context.Context, tx pgx.Tx) error {
	return settleBadItems(ctx, tx, w.connection, w.settled)
}

func settleBadItems(ctx context.Context, tx pgx.Tx, connection int64, refs []models.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	kinds, keys := split(refs)
	_, err := tx.Exec(ctx, `UPDATE bad_items b SET settled_at = now(), body = NULL FROM unnest($1::bigint[], $2::text[], $3::text[]) x(c, kind, key)
		WHERE b.connection_id = x.c AND b.kind = x.kind AND b.key = x.key AND b.settled_at IS NULL`, repeat(connection, len(refs)), kinds, keys)
	return err
}

// keepBad keeps refused records with their bodies, to be tried again.
func (w *writer) keepBad(ctx context.Context, tx pgx.Tx) error {
	for _, r := range w.bad {
		body, err := pack(r.record.Body)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO bad_items AS b (connection_id, stage, kind, key, record, version, message, friendly_message, body, mapping)
			VALUES ($1, 'transform', $2, $3, $3, $4, $5, $5, $6, $7)
			ON CONFLICT (connection_id, kind, key) WHERE settled_at IS NULL DO UPDATE SET at = CASE WHEN b.version = excluded.version THEN b.at ELSE now() END,
				version = excluded.version, message = excluded.message, friendly_message = excluded.friendly_message, body = excluded.body, mapping = excluded.mapping`,
			w.connection, models.KindRecord, r.name(), r.record.Version, r.refusal.Message, body, w.mapping)
		if err != nil {
			return err
		}
	}
	return nil
}

// pack compresses a body; one that was not kept stays nil.
func pack(body []byte) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	err := z.Close()
	return buf.Bytes(), err
}

func split(refs []models.Ref) (kinds, keys []string) {
	kinds, keys = make([]string, len(refs)), make([]string, len(refs))
	for i, ref := range refs {
		kinds[i], keys[i] = ref.Kind, ref.Key
	}
	return kinds, keys
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

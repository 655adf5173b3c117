package extractor

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"extractor/models"
)

// copied are entries of all shapes: more than fit in one message, and one that
// is larger than any.
func copied() (all []*entry) {
	for i := range 500 {
		key := strings.Repeat("k", i%90+1) + string(rune('a'+i%26))
		all = append(all, &entry{
			Kind: models.KindSale, Key: key, Record: "order/" + key, Version: "v", State: models.EntryPending, Hash: []byte{0, 1, 2}, Day: "2026-02-28",
			Sales: 1, SalesTax: -2, Shipping: 3, ShippingTax: 1 << 40, Payload: []byte(`{"a":"` + strings.Repeat("ü", i) + `"}`),
		})
	}
	return append(all,
		&entry{Kind: models.KindRecord, Key: "bare", Record: "bare", State: models.EntrySkipped, Reason: "nothing to send"},
		&entry{Kind: models.KindRefund, Key: "first~reversal", Record: "order/first", State: models.EntryPending, Reverses: "first", Day: "0001-01-01", Hash: []byte{}},
		&entry{Kind: models.KindSale, Key: "last", Record: "order/last", State: models.EntryPending, Day: "9999-12-31", Payload: []byte(strings.Repeat("x", 300_000))},
		&entry{Kind: models.KindSale, Key: "odd", Record: "order/odd", State: models.EntryBad, Reason: "no day", Day: "2026-02-30"},
	)
}

func TestEntriesAreCopiedAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	wrote := copied()
	if err := w.Store.InPgxTx(t.Context(), func(tx pgx.Tx) error { return copyEntries(t.Context(), tx, w.conn, wrote) }); err != nil {
		t.Fatal(err)
	}
	expect(t, "entries", w.one(`SELECT count(*)::int FROM entries WHERE connection_id = $1`, w.conn), "504")
	for _, e := range wrote {
		day := e.Day
		if day == "2026-02-30" { // there is none
			day = ""
		}
		expect(t, "entry "+e.Key+" as it is", w.one(`SELECT count(*)::int FROM entries WHERE connection_id = $1 AND kind = $2 AND key = $3 AND record = $4
				AND version = $5 AND state = $6 AND reason IS NOT DISTINCT FROM $7 AND hash IS NOT DISTINCT FROM $8 AND day IS NOT DISTINCT FROM nullif($9, '')::date
				AND sales_amount = $10 AND sales_tax = $11 AND shipping_amount = $12 AND shipping_tax = $13
				AND payload IS NOT DISTINCT FROM $14 AND reverses IS NOT DISTINCT FROM $15 AND seq > 1 AND sent_seq = 0`,
			w.conn, e.Kind, e.Key, e.Record, e.Version, string(e.State), orNull(e.Reason), e.Hash, day,
			int64(e.Sales), int64(e.SalesTax), int64(e.Shipping), int64(e.ShippingTax), text(e.Payload), orNull(e.Reverses)), "1")
	}
}

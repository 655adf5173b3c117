package extractor

import (
	"strings"
	"testing"

	"extractor/models"
)

func (w *world) ask(kind models.PrivacyKind, records ...string) {
	w.t.Helper()
	err := w.Store.RecordNotice(w.t.Context(), models.Notice{Host: "memory",
		Privacy: []models.PrivacyRequest{{Kind: kind, Account: "c-1", Records: records}}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.privacyDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if left := w.one(`SELECT count(*) FROM privacy_requests WHERE done_at IS NULL`); left != "0" {
		w.t.Fatalf("%s requests are left", left)
	}
}

// streets is how many entries hold a street line anywhere.
func (w *world) streets() string {
	w.t.Helper()
	return w.one(`SELECT count(*) FROM entries WHERE coalesce(payload, '') || coalesce(prior_payload, '') || coalesce(held_payload, '') LIKE '%Main St%'`)
}

func TestRedactedPendingEntryIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.host.put("o2", 1, thing{Key: "o2", Day: today(), Cents: 800})
	w.pullFor(1)
	hash := w.one(`SELECT encode(hash, 'hex') FROM entries WHERE key = 'o1'`)
	w.ask(models.PrivacyRedact, "o1", "unknown")
	expect(t, "streets", w.streets(), "1")
	w.work()
	sale := w.target.items["c-1"][models.Ref{Kind: models.KindSale, Key: "o1"}]
	expect(t, "the address at the target", sale.ShipTo, models.Address{State: "NY", Zip: "12207", Country: "US"})
	expect(t, "amount and neighbour", w.cents("sale", "o1")+w.cents("sale", "o2"), 1500)
	w.sync() // the host lists it again
	expect(t, "the hash", w.one(`SELECT encode(hash, 'hex') FROM entries WHERE key = 'o1'`), hash)
	expect(t, "effects", w.effects("sale", "o1"), 1)
}

func TestRedactionSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.host.put("bad", 1, thing{Key: "bad", Day: today(), Cents: 5, Refuse: "It has no address."})
	w.sync()
	w.host.put("o1", 2, thing{Key: "o1", Day: today(), Cents: 900})
	w.pullFor(1) // the newer content waits, the older one is held
	expect(t, "contents with a street", w.one(`SELECT (payload LIKE '%Main%')::int + (held_payload LIKE '%Main%')::int FROM entries WHERE key = 'o1'`), "2")
	w.ask(models.PrivacyRedact, "o1", "bad")
	expect(t, "streets", w.streets(), "0")
	expect(t, "bodies", w.one(`SELECT count(*) FROM bad_items WHERE body IS NOT NULL`), "0")
	expect(t, "still refused", w.one(`SELECT count(*) FROM bad_items WHERE settled_at IS NULL`), "1")
	w.sync()
	w.sync()
	expect(t, "effects", w.effects("sale", "o1"), 2)
	w.ask(models.PrivacyForget)
	w.work()
	expect(t, "effects after all", w.effects("sale", "o1"), 2)
	w.host.mapping = 2
	w.exec(`UPDATE connections SET authorized = true, pause = ''`)
	if err := w.retryOutdated(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "the refused record is read from the host again", w.at("sale", "bad"), "pending")
}

func TestForgetStopsTheConnectionAndDropsWhatIdentifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.host.put("bad", 1, thing{Key: "bad", Day: today(), Cents: 5, Refuse: "It has no address."})
	w.pullFor(1)
	w.ask(models.PrivacyForget)
	expect(t, "streets and bodies", w.streets()+w.one(`SELECT count(*) FROM bad_items WHERE body IS NOT NULL`), "00")
	expect(t, "state", w.one(`SELECT authorized || ' ' || pause FROM connections`), "false "+string(models.PauseUnauthorised))
	if _, err := w.Store.Authorize(t.Context(), w.conn, w.grant()); err != nil {
		t.Fatal(err)
	}
	w.work()
	expect(t, "what was owed is delivered", w.cents("sale", "o1"), 700)
	if err := w.Store.DeleteConnection(t.Context(), "c-1", false); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE privacy_requests SET done_at = now() - interval '2 days'`)
	w.ask(models.PrivacyForget) // of an account whose connection is deleted
}

func TestDeletedConnectionsAreRedactedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.pullFor(1)
	if err := w.Store.DeleteConnection(t.Context(), "c-1", false); err != nil {
		t.Fatal(err)
	}
	w.ask(models.PrivacyRedact, "o1")
	expect(t, "streets", w.streets(), "0")
}

func TestOperatorLearnsWhatIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.sync()
	w.ask(models.PrivacyTell, "o1")
	told := w.one(`SELECT message FROM failures WHERE type = 'CONNECTION'`)
	for _, part := range []string{"c-1", "o1", "7.00", "NY", "12207", today(), "30 days"} {
		if !strings.Contains(told, part) {
			t.Errorf("%q lacks %q", told, part)
		}
	}
	if strings.Contains(told, "Main St") || strings.Contains(told, "Albany") {
		t.Errorf("%q holds an address", told)
	}
	expect(t, "activities", w.one(`SELECT count(*) FROM activities WHERE action LIKE 'A customer asks%'`), "1")
	w.ask(models.PrivacyTell, "o7")
	expect(t, "nothing is held", w.one(`SELECT count(*) FROM failures WHERE message LIKE '%(records o7)%Nothing is held.'`), "1")
}

func TestKindsOfRecordsAreFoundByJumping(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	for _, record := range []string{"a/1", "a/2", "a-b/1", "order/1", "order/x/1", "refund/1"} {
		w.exec(`INSERT INTO entries (connection_id, kind, key, record, version, state) VALUES ($1, 'sale', $2, $2, '', 'skipped')`, w.conn, record)
	}
	tx, err := w.Store.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	names, err := recordNames(t.Context(), tx, w.conn, []string{"1"})
	expect(t, "error", err, nil)
	for _, want := range []string{"a/1", "a-b/1", "order/1", "refund/1"} {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+want+" ") {
			t.Errorf("%q lacks %s", names, want)
		}
	}
	expect(t, "names", len(names), 4)
}

package extractor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/models"
)

// preview previews the world's connection.
func (w *world) preview(start string) (*models.Preview, error) {
	w.t.Helper()
	c, err := w.Store.FindConnection(w.t.Context(), "c-1")
	if err != nil {
		w.t.Fatal(err)
	}
	if start == "" {
		return w.Preview(w.t.Context(), c, nil)
	}
	day, err := time.Parse(time.DateOnly, start)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Preview(w.t.Context(), c, &day)
}

func (w *world) mustPreview(start string) *models.Preview {
	w.t.Helper()
	p, err := w.preview(start)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// figures are a preview's figures, comparable with those of the ledger.
func figures(p *models.Preview) string {
	var b strings.Builder
	fmt.Fprintf(&b, "new %d, changed %d, unchanged %d", p.New, p.Changed, p.Unchanged)
	for _, m := range p.Months {
		fmt.Fprintf(&b, "; %s %d sales %d refunds %s", m.Month, m.Sales, m.Refunds, m.SalesAmount)
	}
	fmt.Fprintf(&b, "; bad %v; skipped %v", p.Bad, p.Skipped)
	return b.String()
}

// ledger counts the entries as a preview does, from the table.
func (w *world) ledger() string {
	w.t.Helper()
	p := &models.Preview{Bad: w.reasons(models.EntryBad), Skipped: w.reasons(models.EntrySkipped)}
	err := w.Store.Pool.QueryRow(w.t.Context(), `SELECT count(*) FILTER (WHERE state = 'pending' AND sent_seq = 0),
		count(*) FILTER (WHERE state = 'pending' AND sent_seq > 0), count(*) FILTER (WHERE state = 'sent') FROM entries WHERE connection_id = $1`, w.conn).
		Scan(&p.New, &p.Changed, &p.Unchanged)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := w.Store.Pool.Query(w.t.Context(), `SELECT to_char(day, 'YYYY-MM'), count(*) FILTER (WHERE kind = 'sale'), count(*) FILTER (WHERE kind = 'refund'),
		sum(CASE kind WHEN 'refund' THEN -sales_amount ELSE sales_amount END)::bigint
		FROM entries WHERE connection_id = $1 AND state = 'pending' GROUP BY 1 ORDER BY 1`, w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	var m models.PreviewMonth
	if _, err = pgx.ForEachRow(rows, []any{&m.Month, &m.Sales, &m.Refunds, &m.SalesAmount}, func() error {
		p.Months = append(p.Months, m)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return figures(p)
}

func (w *world) reasons(state models.EntryState) []models.PreviewReason {
	w.t.Helper()
	rows, err := w.Store.Pool.Query(w.t.Context(), `SELECT reason, count(*) FROM entries WHERE connection_id = $1 AND state = $2
		GROUP BY 1 ORDER BY 2 DESC, reason COLLATE "C"`, w.conn, state)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[models.PreviewReason])
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// everything is the content of every table.
func (w *world) everything() string {
	w.t.Helper()
	rows, err := w.Store.Pool.Query(w.t.Context(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 10 {
		w.t.Fatal(tables, err)
	}
	var all strings.Builder
	for _, table := range tables {
		name := pgx.Identifier{table}.Sanitize()
		fmt.Fprintln(&all, table, w.one(`SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM `+name+` t`))
	}
	return all.String()
}

// change puts some record of the host in another form, by chance. Items wander
// between records, vanish, come back, are refused and left out.
func change(r *rand.Rand, h *memoryHost, version int) {
	var things []thing
	for range r.IntN(4) {
		x := thing{
			Kind: []string{models.KindSale, models.KindRefund}[r.IntN(2)], Key: string(rune('a' + r.IntN(6))),
			Day: []string{today(), closed(), "2019-12-30"}[r.IntN(3)], Cents: models.Amount(1 + r.IntN(500)),
		}
		switch r.IntN(10) {
		case 0:
			x.Skip = "test order"
		case 1:
			x.Refuse = "No address is known."
		}
		things = append(things, x)
	}
	h.put(fmt.Sprint("o", r.IntN(4)), version, things...)
}

func TestPreviewForetellsWhatIsRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		w, r := newWorld(t, "2020-01-01"), rand.New(rand.NewPCG(seed, 1))
		w.host.pageSize = 2
		for version := range 25 {
			for range 1 + r.IntN(3) {
				change(r, w.host, 1+version)
			}
			before := w.everything()
			foretold := w.mustPreview("")
			if after := w.everything(); after != before {
				t.Fatalf("something was written:\n%s\nbefore:\n%s", after, before)
			}
			w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'incremental'`)
			w.work(models.LaneIncremental)
			if got, want := figures(foretold), w.ledger(); got != want || foretold.Stopped != "" {
				t.Fatalf("seed %d, version %d: foretold\n%s %s\nand then it was\n%s", seed, version, got, foretold.Stopped, want)
			}
			if r.IntN(2) == 0 {
				w.work(models.LaneDelivery)
			}
		}
	}
}

func TestPreviewShowsWhatIsToBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.put("o1", 1, thing{Key: "s1", Day: "2020-03-05", Cents: 1250}, thing{Kind: models.KindRefund, Key: "r1", Day: "2020-04-01", Cents: 250})
	w.host.put("o2", 1, thing{Key: "s2", Day: "2019-12-31", Cents: 1})
	w.host.put("o3", 1, thing{Key: "s3", Day: "2020-03-06", Refuse: "No address is known."})
	w.host.put("o4", 1, thing{Key: "s4", Skip: "test order"})
	w.host.put("o5", 1)
	got := figures(w.mustPreview(""))
	want := "new 2, changed 0, unchanged 0; 2020-03 1 sales 0 refunds 12.50; 2020-04 0 sales 1 refunds -2.50; " +
		"bad [{No address is known. 1}]; skipped [{before start date 1} {nothing to send 1} {test order 1}]"
	expect(t, "the figures", got, want)
	items := w.mustPreview("").Items
	if len(items) != 2 || items[0].Key != "s1" || items[0].Sale.ShipTo.Zip != "12207" || items[1].Kind != models.KindRefund || items[1].Sale.SalesAmount != 250 {
		t.Errorf("items %+v", items)
	}
	expect(t, "from a later day on", figures(w.mustPreview("2020-04-01")),
		"new 1, changed 0, unchanged 0; 2020-04 0 sales 1 refunds -2.50; bad [{No address is known. 1}]; skipped [{before start date 2} {nothing to send 1} {test order 1}]")
	w.work()
	if p := w.mustPreview("2019-12-01"); p.New != 1 || p.Unchanged != 2 || len(p.Items) != 1 || p.Items[0].Key != "s2" || p.Items[0].Sale.SalesAmount != 1 {
		t.Errorf("from an earlier day on than was synchronised: %s %+v", figures(p), p.Items)
	}
	w.host.put("o1", 2, thing{Key: "s1", Day: "2020-03-05", Cents: 1350}, thing{Kind: models.KindRefund, Key: "r1", Day: "2020-04-01", Cents: 250})
	if p := w.mustPreview(""); p.New != 0 || p.Changed != 1 || p.Unchanged != 1 || p.Items[0].Sale.SalesAmount != 1350 {
		t.Errorf("after a change: %s", figures(p))
	}
}

func TestPreviewStopsEarlyAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.host.pageSize = 1
	for i := range previewPages + 1 {
		w.host.put(fmt.Sprint("o", i), 1, thing{Key: fmt.Sprint("s", i), Day: today(), Cents: 1})
	}
	p := w.mustPreview("")
	if p.New != previewPages || len(p.Items) != previewItems || !strings.Contains(p.Stopped, "200 pages") {
		t.Errorf("%s: %s", figures(p), p.Stopped)
	}
	w.Timing.Preview = 30 * time.Millisecond
	w.host.reread = func(hostapi.Cursor) { time.Sleep(20 * time.Millisecond) }
	if p = w.mustPreview(""); p.New == 0 || p.New > 3 || !strings.Contains(p.Stopped, "30ms") {
		t.Errorf("%s: %s", figures(p), p.Stopped)
	}
	w.Timing.Preview, w.host.reread = time.Minute, nil
	w.failOn("1", models.Errorf(models.Unsure, "Memory has a fault of its own just now."))
	if p = w.mustPreview(""); p.New != 1 || !strings.HasPrefix(p.Stopped, "Memory has a fault of its own just now. Only") {
		t.Errorf("%s: %s", figures(p), p.Stopped)
	}
	w.host.reread, w.host.failures, w.host.history = nil, nil, 24*time.Hour
	if p = w.mustPreview(""); !strings.Contains(p.Stopped, "200 pages") {
		t.Error(p.Stopped)
	}
	w.host.pageSize = 1000
	if p = w.mustPreview(""); p.New != previewPages+1 || !strings.HasPrefix(p.Stopped, "Memory tells nothing that changed before ") {
		t.Error(p.Stopped)
	}
}

func TestPreviewThatCannotBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	for _, kind := range []models.Kind{models.Throttled, models.Unauthorised, models.Unavailable, models.Unsure} {
		w.host.fail(models.Errorf(kind, "Memory says no."))
		before := w.everything()
		if _, err := w.preview(""); models.KindOf(err) != kind {
			t.Errorf("%s became %v", kind, err)
		}
		expect(t, "tables", w.everything(), before)
	}
	w.exec(`UPDATE connections SET start_date = NULL`)
	if _, err := w.preview(""); models.KindOf(err) != models.Conflict || !strings.Contains(err.Error(), "start date") {
		t.Error(err)
	}
	if p := w.mustPreview("2020-01-01"); p.StartDate.Year() != 2020 {
		t.Error(p.StartDate)
	}
	if p := w.mustPreview("2999-01-01"); p.Stopped != "" || p.New != 0 {
		t.Error(p.Stopped)
	}
	w.exec(`UPDATE connections SET authorized = false`)
	if _, err := w.preview("2020-01-01"); models.KindOf(err) != models.Conflict || !strings.Contains(err.Error(), "Authenticate") {
		t.Error(err)
	}
}

func TestFewPreviewsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.connect("c-2", "2020-01-01")
	w.connect("c-3", "2020-01-01")
	inside, onward, done := make(chan bool), make(chan bool), make(chan error)
	w.host.reread = func(hostapi.Cursor) { inside <- true; <-onward }
	preview := func(id string) error {
		c, err := w.Store.FindConnection(t.Context(), id)
		if err == nil {
			_, err = w.Preview(t.Context(), c, nil)
		}
		return err
	}
	refused := func(id, words string) {
		t.Helper()
		if err := preview(id); !errors.Is(err, models.ErrPreviewBusy) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", id, err)
		}
	}
	go func() { done <- preview("c-1") }()
	<-inside
	refused("c-1", "of this connection")
	go func() { done <- preview("c-2") }()
	<-inside
	refused("c-3", "Other previews")
	close(onward)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	w.host.reread = nil
	if err := preview("c-1"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

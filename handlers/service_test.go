package handlers

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"extractor/models"
)

func TestActivities(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.exec(`DELETE FROM activities`)
	b.exec(`INSERT INTO activities (connection_id, at, action) SELECT $1, now() - make_interval(days => d), 'day ' || d FROM generate_series(0, 400) d`, id)
	b.exec(`INSERT INTO activities (connection_id, action) VALUES ($1 + 1, 'of another')`, id)
	count := func(query string) int {
		var l struct{ Activities []activity }
		b.call("GET", "/connections/a/activities"+query, "").is(200).into(&l)
		if len(l.Activities) > 0 && l.Activities[0].Action != "day 0" {
			t.Errorf("%q begins with %v", query, l.Activities[0])
		}
		return len(l.Activities)
	}
	for query, want := range map[string]int{
		"": 14, "?days=1": 1, "?days=30": 30, "?days=30&limit=10": 10, "?days=400&limit=1000": 365, "?limit=0": 0, "?days=0": 0,
		"?days=365": 100, "?days=99999999999999999999999&limit=99999999999999999999999": 365, "?days=007": 7,
	} {
		if got := count(query); got != want {
			t.Errorf("%q lists %d, want %d", query, got, want)
		}
	}
	for _, query := range []string{"?days=x", "?days=", "?days=-1", "?days=%2B5", "?days=1.5", "?limit=ten", "?limit=%201", "?days=1&days=2"} {
		b.call("GET", "/connections/a/activities"+query, "").is(400)
	}
	b.call("GET", "/connections/nobody/activities", "").is(404)
	b.exec(`ALTER TABLE activities RENAME TO gone`)
	b.call("GET", "/connections/a/activities", "").is(500, `{"message":"Unable to retrieve activity logs."}`)
}

func TestCreationIsTheFirstActivity(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	var l struct{ Activities []activity }
	b.call("GET", "/connections/a/activities", "").is(200).into(&l)
	if len(l.Activities) != 1 || !strings.Contains(l.Activities[0].Action, "created") {
		t.Errorf("%v", l.Activities)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("GET", "/errors", "").is(200, `{"errors":{"integration":[],"connection":[],"system":[]}}`)
	id := b.create("a", "2018-04-01")
	record := func(kind models.FailureType, id *int64, text string) {
		if err := b.store.RecordFailure(t.Context(), kind, id, text); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // a storm of the same is one line
		record(models.FailureIntegration, &id, "Shop asked us to slow down.")
	}
	record(models.FailureConnection, &id, "Shop no longer lets us in.")
	record(models.FailureSystem, nil, "TrustFile does not accept our token.")
	b.exec(`UPDATE failures SET at = '2015-07-06 22:26:28+00'`)
	want := `{"errors":{
		"integration":[{"type":"INTEGRATION","timestamp":"2015-07-06T22:26:28+00:00","message":"Connection a: Shop asked us to slow down."}],
		"connection":[{"type":"CONNECTION","timestamp":"2015-07-06T22:26:28+00:00","message":"Connection a: Shop no longer lets us in."}],
		"system":[{"type":"SYSTEM","timestamp":"2015-07-06T22:26:28+00:00","message":"TrustFile does not accept our token."}]}}`
	none := `{"errors":{"integration":[],"connection":[],"system":[]}}`
	for date, body := range map[string]string{
		"": want, "?date=2015-07-06": want, "?date=2015-07-07": none, "?date=2015-07-06T22:26:28+00:00": want,
		"?date=" + url.QueryEscape("2015-07-06T22:26:28+00:00"): want, "?date=2015-07-06T22:26:29Z": none,
	} {
		b.call("GET", "/errors"+date, "").is(200, body)
	}
	b.call("GET", "/errors?date=soon", "").is(400).says("yyyy-mm-dd")
	b.exec(`ALTER TABLE failures RENAME TO gone`)
	b.call("GET", "/errors", "").is(500, `{"message":"Unable to retrieve error logs"}`)
}

func TestBadItems(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("GET", "/baditems", "").is(200, `{"errors":[]}`)
	id := b.create("a", "2018-04-01")
	b.exec(`INSERT INTO entries (connection_id, kind, key, record, version, state, payload) VALUES
		($1, 'refund', 'o1-r1', 'refund/r1', '1', 'bad', $2)`, id,
		`{"transactionDate":"2018-04-02T23:30:00","at":"2018-04-03T06:30:00Z","shipToAddress":{"line1":"1 Main St","city":"Reno","state":"NV","zip":"89501","country":"US"},
		"salesAmount":515.30,"salesTax":0.07,"shippingAmount":5.00,"shippingTax":0.00,"currency":"USD","description":"boots","reviewMessage":"No tax was told."}`)
	b.exec(`INSERT INTO bad_items (connection_id, at, stage, kind, key, record, message, friendly_message, settled_at) VALUES
		($1, '2018-05-02', 'target', 'refund', 'o1-r1', 'refund/r1', 'salesTax is odd', 'Look at the refund.', NULL),
		($1, '2018-05-01', 'transform', 'record', 'order/o2', 'order/o2', 'no ZIP', 'Add a ZIP code.', NULL),
		($1, '2018-05-03', 'target', 'sale', 'o3', 'order/o3', 'settled', 'Nothing.', now())`, id)
	item := `{"itemId":"o1-r1","transactionDate":"2018-04-02T23:30:00","shipToAddress":{"line1":"1 Main St","city":"Reno","state":"NV","zip":"89501"},
		"salesAmount":515.30,"salesTax":0.07,"shippingAmount":5.00,"shippingTax":0.00,"refund":true,"description":"boots","reviewRequired":true,"reviewMessage":"No tax was told."}`
	refused := `{"timestamp":"2018-05-02T00:00:00+00:00","message":"salesTax is odd","connectionId":"a","badItems":[` + item + `],"friendlyMessage":"Look at the refund."}`
	raw := `{"timestamp":"2018-05-01T00:00:00+00:00","message":"no ZIP","connectionId":"a","badItems":[{"itemId":"o2"}],"friendlyMessage":"Add a ZIP code."}`
	a := b.call("GET", "/baditems", "").is(200, `{"errors":[`+refused+`,`+raw+`]}`)
	if !strings.Contains(string(a.Body), `"salesAmount":515.30,`) {
		t.Errorf("money is not exact in %s", a.Body)
	}
	b.call("GET", "/baditems?date=2018-05-02", "").is(200, `{"errors":[`+refused+`]}`)
	b.call("GET", "/baditems?date=x", "").is(400)
	b.call("GET", "/baditems?date=2018-05-02&date=2018-05-03", "").is(400)
	b.call("DELETE", "/connections/a", "").is(200)
	b.call("GET", "/baditems", "").is(200, `{"errors":[]}`)
	b.exec(`ALTER TABLE bad_items RENAME TO gone`)
	b.call("GET", "/baditems", "").is(500, `{"message":"Unable to retrieve error logs"}`)
}

func TestRetryBadItems(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.retries.n = 3
	b.call("POST", "/connections/a/baditems/retry", "").is(200, `{"retried":3}`)
	if b.retries.asked != id {
		t.Errorf("asked for %d", b.retries.asked)
	}
	b.call("POST", "/connections/nobody/baditems/retry", "").is(404)
	b.retries.err = errors.New("broken")
	b.call("POST", "/connections/a/baditems/retry", "").is(500).says("Unable to retry")
}

func TestConnector(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	b.create("b", "2018-04-01")
	b.call("DELETE", "/connections/b", "").is(200)
	b.exec(`INSERT INTO deliveries (connection_id, minute, items) SELECT 1, now() - make_interval(mins => n * 30), 1 FROM generate_series(0, 99) n`)
	b.exec(`INSERT INTO river_job (kind, max_attempts, state, args, queue, priority, attempted_at, finalized_at)
		SELECT 'pull', 25, 'completed', '{}', 'default', 1, now() - make_interval(secs => n), now() FROM unnest(ARRAY[1, 3]) n`)
	b.exec(`INSERT INTO river_job (kind, max_attempts, state, args, queue, priority) VALUES ('pull', 25, 'available', '{}', 'default', 1)`)
	var c connector
	b.call("GET", "/connector", "").is(200).into(&c)
	m := c.Metrics
	if !c.Enabled || c.UserCount != 1 || m.HourlySyncedCount != 2 || m.DailySyncedCount != 48 || m.JobsPending != 1 {
		t.Errorf("%+v", c)
	}
	if m.JobsDurationMin == nil || *m.JobsDurationMin != 1000 || *m.JobsDurationMax != 3000 || *m.JobsDurationAvg != 2000 {
		t.Errorf("durations of %+v", m)
	}
}

func TestSwitchConnector(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	enabled := func(a *answer) bool {
		var c connector
		a.is(200).into(&c)
		return c.Enabled
	}
	if enabled(b.call("PUT", "/connector", `{"enabled":false}`)) || enabled(b.call("GET", "/connector", "")) {
		t.Error("off is not off")
	}
	if !enabled(b.call("PUT", "/connector?enabled=true", ``)) || !enabled(b.call("GET", "/connector", "")) {
		t.Error("on is not on")
	}
	if enabled(b.call("PUT", "/connector?enabled=false", `{"enabled":false}`)) {
		t.Error("off is not off")
	}
	for path, body := range map[string]string{
		"/connector": ``, "/connector?": `{}`, "/connector?a": `{"enabled":null}`, "/connector?b": `{"enabled":"false"}`,
		"/connector?enabled=true": `{"enabled":false}`, "/connector?enabled=": ``, "/connector?enabled=true&c": `[]`,
		"/connector?enabled=true&enabled=true": ``,
	} {
		b.call("PUT", path, body).is(400)
	}
	b.exec(`UPDATE service SET pause = 'token'`)
	if enabled(b.call("PUT", "/connector", `{"enabled":true}`)) || one[*bool](b, `SELECT probe_at <= now() FROM service`) == nil {
		t.Error("our own pause was lifted without a probe")
	}
	b.exec(`ALTER TABLE service RENAME TO gone`)
	b.call("GET", "/connector", "").is(500, `{"message":"Unable to get status."}`)
	b.call("PUT", "/connector", `{"enabled":true}`).is(500, `{"message":"Unable to enable/disable connector"}`)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	all := func(connector, host, target string) [3]string { return [3]string{connector, host, target} }
	active := `INSERT INTO connections (external_id, host, authorized, start_date, trouble_since)
		SELECT 'c' || n, 'shop', true, '2018-04-01', CASE WHEN n <= %d THEN now() END FROM generate_series(1, 10) n`
	ten := fmt.Sprintf(active, 0)
	lanes := ten + `; INSERT INTO lanes (connection_id, kind, due_at, failures) SELECT id, '%s', now() - interval '%s', %d FROM connections`
	for name, h := range map[string]struct {
		sql  string
		want [3]string
	}{
		"all well":               {`SELECT 1`, all("OK", "OK", "OK")},
		"hosts well":             {ten, all("OK", "OK", "OK")},
		"no worker yet":          {`DELETE FROM workers`, all("FAIL", "OK", "OK")},
		"dead workers":           {`UPDATE workers SET seen_at = now() - interval '36 seconds'`, all("FAIL", "OK", "OK")},
		"one worker of two":      {`INSERT INTO workers VALUES (gen_random_uuid(), now(), now() - interval '1 hour')`, all("OK", "OK", "OK")},
		"work is done":           {fmt.Sprintf(lanes, "delivery", "4 minutes", 3), all("OK", "OK", "OK")},
		"work waits":             {fmt.Sprintf(lanes, "delivery", "6 minutes", 0), all("DEGRADED", "OK", "OK")},
		"the past waits":         {fmt.Sprintf(lanes, "backfill", "1 day", 0), all("OK", "OK", "OK")},
		"stopped work waits":     {fmt.Sprintf(lanes, "delivery", "6 minutes", 0) + `; UPDATE connections SET wish = 'off'`, all("OK", "OK", "OK")},
		"work fails":             {fmt.Sprintf(lanes, "reconcile", "-1 minutes", 4), all("DEGRADED", "OK", "OK")},
		"pulls fail at hosts":    {fmt.Sprintf(lanes, "incremental", "-1 minutes", 4) + `; UPDATE connections SET trouble_since = now()`, all("OK", "FAIL", "OK")},
		"sending fails there":    {fmt.Sprintf(lanes, "delivery", "-1 minutes", 4) + `; UPDATE service SET target_failing_since = now()`, all("OK", "OK", "DEGRADED")},
		"a merchant left":        {ten + `; UPDATE connections SET pause = 'unauthorised', authorized = false WHERE id = 1`, all("OK", "DEGRADED", "OK")},
		"it left long ago":       {ten + `; UPDATE connections SET pause = 'unauthorised', status_changed_at = now() - interval '61 minutes' WHERE id = 1`, all("OK", "OK", "OK")},
		"all are shut out":       {ten + `; UPDATE connections SET pause = 'unauthorised', authorized = false`, all("OK", "FAIL", "OK")},
		"unknown at the target":  {ten + `; UPDATE connections SET pause = 'unknown at target' WHERE id = 1`, all("OK", "OK", "DEGRADED")},
		"some have to wait":      {ten + `; UPDATE connections SET throttled_until = now() + interval '1 minute' WHERE id < 6`, all("OK", "OK", "OK")},
		"most have to wait":      {ten + `; UPDATE connections SET throttled_until = now() + interval '1 minute' WHERE id < 7`, all("OK", "DEGRADED", "OK")},
		"waited long enough":     {ten + `; UPDATE connections SET throttled_until = now() - interval '1 second'`, all("OK", "OK", "OK")},
		"some hosts fail":        {fmt.Sprintf(active, 4), all("OK", "DEGRADED", "OK")},
		"most hosts fail":        {fmt.Sprintf(active, 5), all("OK", "FAIL", "OK")},
		"switched off":           {`UPDATE service SET enabled = false`, all("DEGRADED", "OK", "OK")},
		"token doubted":          {`UPDATE service SET doubted_at = now()`, all("OK", "OK", "DEGRADED")},
		"token refused":          {`UPDATE service SET doubted_at = now(), pause = 'token refused'`, all("FAIL", "OK", "FAIL")},
		"target silent":          {`UPDATE service SET target_failing_since = now() - interval '1 hour', pause = 'target silent'`, all("FAIL", "OK", "FAIL")},
		"target began to fail":   {`UPDATE service SET target_failing_since = now()`, all("OK", "OK", "DEGRADED")},
		"target fails for hours": {`UPDATE service SET target_failing_since = now() - interval '2 hours'`, all("OK", "OK", "FAIL")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.exec(h.sql)
			var got struct{ Statuses []health }
			b.call("GET", "/health", "").is(200).into(&got)
			for i, kind := range all("connector", "hostSystem", "trustfile") {
				s := got.Statuses[i]
				if s.Type != kind || s.Status != h.want[i] || (s.Description == nominal) != (s.Status == healthOK) {
					t.Errorf("%+v, want %s", s, h.want[i])
				}
			}
		})
	}
}

// TestWhatLiesOverAStatus: what keeps everything from being synchronised is
// said on each connection that is concerned, and of the connector.
func TestWhatLiesOverAStatus(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]struct{ sql, connection, connector string }{
		"all well":      {`SELECT 1`, "own words", "There is nothing to do"},
		"switched off":  {`UPDATE service SET enabled = false`, "whole connector", "Switch it on"},
		"token refused": {`UPDATE service SET pause = 'token refused'`, "whole connector", "EXTRACTOR_TO_AVALARA_TOKEN"},
		"target silent": {`UPDATE service SET pause = 'target silent'`, "whole connector", "for an hour"},
		"target fails":  {`UPDATE service SET target_failing_since = now()`, "what we read waits", "keep trying"},
		"token doubted": {`UPDATE service SET doubted_at = now()`, "what we read waits", "keep trying"},
		"no worker yet": {`DELETE FROM workers`, "workers are not running", "extractor worker"},
		"dead workers":  {`UPDATE workers SET seen_at = '2020-01-02 03:04:05+00'`, "workers are not running", "since 2020-01-02 03:04:05 UTC"},
		"made to wait":  {`UPDATE connections SET throttled_until = now() + interval '1 minute'`, "Shop makes us wait", "There is nothing to do"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.authorise(b.create("a", "2018-04-01"))
			b.create("b", "2018-04-01")
			b.exec(`UPDATE connections SET status_message = 'its own words'`)
			b.exec(over.sql)
			var a, other detail
			var c connector
			b.call("GET", "/connections/a", "").is(200).into(&a)
			b.call("GET", "/connections/b", "").is(200).into(&other)
			b.call("GET", "/connector", "").is(200).into(&c)
			if !strings.Contains(a.StatusMessage, over.connection) || !strings.Contains(c.StatusMessage, over.connector) {
				t.Errorf("connection: %s\nconnector: %s", a.StatusMessage, c.StatusMessage)
			}
			if other.StatusMessage != "its own words" {
				t.Errorf("one that waits for its merchant says %s", other.StatusMessage)
			}
		})
	}
}

// TestRefusedSalesShowInTheStatus: as long as one is open, and only where the
// merchant would else be told that there is nothing to do.
func TestRefusedSalesShowInTheStatus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	working, waiting := b.create("a", "2018-04-01"), b.create("b", "2018-04-01")
	b.authorise(working)
	b.exec(`UPDATE connections SET last_sync_at = now()`)
	for _, id := range []int64{working, waiting} {
		if err := b.store.Restate(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	says := func(id, want string) {
		t.Helper()
		var d detail
		b.call("GET", "/connections/"+id, "").is(200).into(&d)
		if !strings.HasSuffix(d.StatusMessage, want) {
			t.Errorf("%s says %s", id, d.StatusMessage)
		}
	}
	says("a", "sent from Shop to TrustFile. There is nothing to do for you.")
	b.exec(`INSERT INTO bad_items (connection_id, stage, kind, key, record, version, message, friendly_message, mapping)
		SELECT id, 'target', 'sale', 'o1', 'order/o1', '1', 'no', 'no', 1 FROM connections`)
	says("a", "sent from Shop to TrustFile. Some of them could not be sent as they are; TrustFile lists them as bad items. Correct them at their source, or adjust your return by hand.")
	says("b", "Connect the Shop account to begin.")
	b.exec(`UPDATE bad_items SET settled_at = now()`)
	says("a", "There is nothing to do for you.")
}

// TestHealthIsCached: monitors may ask as often as they like, and need no bearer.
func TestHealthIsCached(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.call("GET", "/health", "").is(200)
	b.exec(`UPDATE service SET enabled = false`)
	req := b.request("GET", "/orangez/health", "")
	req.Header.Del("Authorization")
	b.send(req).is(200, string(first.Body))
}

func TestHealthWithoutADatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`ALTER TABLE service RENAME TO gone`)
	b.call("GET", "/health", "").is(500, `{"message":"Unable to get statuses"}`)
}

func TestFailuresOfOursAreApologies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	b.exec(`ALTER TABLE lanes RENAME TO gone`)
	b.call("PUT", "/connections/a", `{"enabled":true}`).is(500).says("Something went wrong on our side")
	b.call("DELETE", "/connections/a", ``).is(500)
	b.call("POST", "/connections", `{"connectionId":"b","startDate":"2018-04-01"}`).is(500).says("Something went wrong")
	b.exec(`ALTER TABLE connections RENAME TO gone_too`)
	b.call("GET", "/connections", ``).is(500)
	b.call("HEAD", "/connections/a", ``).is(500)
	b.call("GET", "/connections/a/completeness", ``).is(500)
}

func TestCompleteness(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.call("GET", "/connections/nobody/completeness", "").is(404)
	b.exec(`INSERT INTO tallies (connection_id, day, fetched, new, changed, unchanged) VALUES
		($1, '2018-04-01', 10, 4, 1, 5), ($1, '2018-04-02', 3, 3, 0, 0), ($1 + 1, '2018-04-01', 99, 99, 0, 0)`, id)
	b.exec(`INSERT INTO entries (connection_id, kind, key, record, version, state, reason, day, sales_amount, sales_tax, shipping_amount, shipping_tax) VALUES
		($1, 'sale', '1', '1', '', 'sent', NULL, '2018-04-01', 10001, 700, 500, 35),
		($1, 'refund', '1', '1', '', 'sent', NULL, '2018-04-01', 5000, 350, 0, 0),
		($1, 'sale', '2', '2', '', 'pending', NULL, '2018-04-02', 100, 7, 0, 0),
		($1, 'sale', '3', '3', '', 'skipped', 'before start date', '2018-03-31', 100, 7, 0, 0),
		($1, 'sale', '4', '4', '', 'skipped', 'other currency', '2018-04-02', 200, 0, 0, 0),
		($1, 'sale', '5', '5', '', 'bad', NULL, '2018-04-02', 300, 0, 0, 0),
		($1, 'record', '6', '6', '', 'bad', NULL, NULL, 0, 0, 0, 0),
		($1 + 1, 'sale', '1', '1', '', 'sent', NULL, '2018-04-01', 777, 0, 0, 0)`, id)
	b.exec(`INSERT INTO recounts (connection_id, day, at, host_records, missing, vanished) VALUES
		($1, '2018-04-01', '2018-04-05', 3, 1, 0), ($1, '2018-04-01', '2018-04-06', 3, 0, 0), ($1, '2018-04-02', '2018-04-06', 3, 0, 2)`, id)

	var c completeness
	b.call("GET", "/connections/a/completeness", "").is(200).into(&c)
	if len(c.Days) != 3 || c.Days[0].Day != "2018-03-31" || c.Days[2].Day != "2018-04-02" {
		t.Fatalf("days %+v", c.Days)
	}
	first := c.Days[1]
	if want := (sum{Items: 2, SalesAmount: 5001, SalesTax: 350, ShippingAmount: 500, ShippingTax: 35}); first.Delivered != want {
		t.Errorf("delivered %+v, want %+v", first.Delivered, want)
	}
	if first.Fetched != 10 || first.New != 4 || first.Changed != 1 || first.Unchanged != 5 {
		t.Errorf("readings %+v", first)
	}
	if first.Recount == nil || first.Recount.Timestamp != "2018-04-06T00:00:00+00:00" || c.Days[0].Recount != nil {
		t.Errorf("recount %+v", first.Recount)
	}
	total := c.Totals
	if total.Fetched != 13 || total.Delivered.Items != 2 || total.Pending.SalesAmount != 100 || total.Bad.Items != 2 || c.Undated.Bad.Items != 1 {
		t.Errorf("totals %+v", total)
	}
	if total.Skipped["before start date"].Items != 1 || total.Skipped["other currency"].SalesAmount != 200 {
		t.Errorf("skipped %+v", total.Skipped)
	}
	if len(c.Gaps) != 2 || c.Gaps[0].Vanished != 2 || c.Gaps[1].Missing != 1 {
		t.Errorf("gaps %+v", c.Gaps)
	}

	var part completeness
	b.call("GET", "/connections/a/completeness?from=2018-04-02&to=2018-04-02", "").is(200).into(&part)
	if len(part.Days) != 1 || part.Totals.Fetched != 3 || part.Totals.Bad.Items != 1 || part.Undated.Bad.Items != 0 || len(part.Gaps) != 1 {
		t.Errorf("part %+v", part)
	}
	for _, q := range []string{"from=x", "to=2018-02-30", "from=2018-04-01T00:00:00Z", "from=2018-04-01&from=2018-04-02"} {
		b.call("GET", "/connections/a/completeness?"+q, "").is(400)
	}
	b.call("GET", "/connections/a/completeness?from=2018-04-02&to=2018-04-01", "").is(400, `{"message":"The day from is later than the day to. Exchange them."}`)
}

package handlers

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCreateConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("POST", "/connections", `{"connectionId":"a-1","startDate":"2018-04-01"}`).
		is(200, `{"connectionId":"a-1","startDate":"2018-04-01","enabled":false}`)
	b.call("POST", "/connections", `{"connectionId":"a-1","startDate":"2018-04-01"}`).is(500, `{"message":"User already exists"}`)

	var d detail
	b.call("GET", "/connections/a-1", "").is(200).into(&d)
	if d.Enabled || d.Authorized || d.HostSystemIdentifier != nil || d.LastSyncAt != nil || d.NextSyncAt != nil {
		t.Errorf("a new connection is %+v", d)
	}
	if !strings.Contains(d.StatusMessage, "Connect the Shop account") {
		t.Errorf("status %q", d.StatusMessage)
	}
	if n := one[int](b, `SELECT count(*) FROM activities WHERE action = 'created the connection with start date 2018-04-01'`); n != 1 {
		t.Errorf("%d first activities", n)
	}
}

func TestCreateConnectionOfAnotherHostWithSettings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("POST", "/connections", `{"connectionId":"a","startDate":"2018-04-01","settings":{"location":"L1"}}`).is(200)
	b.call("POST", "/connections", `{"connectionId":"b","startDate":"2018-04-01","host":"till"}`).is(200)
	if s := one[string](b, `SELECT settings->>'location' FROM connections WHERE external_id = 'a'`); s != "L1" {
		t.Errorf("location %q", s)
	}
	if h := one[string](b, `SELECT host FROM connections WHERE external_id = 'b'`); h != "till" {
		t.Errorf("host %q", h)
	}
}

func TestCreateConnectionRefusesWhatIsNotRight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, text := range map[string]string{
		``:                                    "not complete",
		`{`:                                   "not complete",
		`[]`:                                  "one JSON object",
		`null`:                                "one JSON object",
		`"x"`:                                 "one JSON object",
		`{}`:                                  "connectionId",
		`{"startDate":"2018-04-01"}`:          "connectionId",
		`{"connectionId":"a"}`:                "startDate is missing",
		`{"connectionId":"","startDate":"x"}`: "connectionId",
		`{"connectionId":"a","startDate":""}`: "startDate",
		`{"connectionId":null,"startDate":"2018-04-01"}`:                                               "a text in quotes",
		`{"connectionId":1,"startDate":"2018-04-01"}`:                                                  "a text in quotes",
		`{"connectionId":"a","startDate":20180401}`:                                                    "a text in quotes",
		`{"connectionId":"a","startDate":null}`:                                                        "a text in quotes",
		`{"connectionId":"a","startDate":"tomorrow"}`:                                                  "yyyy-mm-dd",
		`{"connectionId":"a","startDate":"2018-02-30"}`:                                                "day that exists",
		`{"connectionId":"a","startDate":"9999-12-31T23:59:59-01:00"}`:                                 "1970 to 9999",
		`{"connectionId":"a","startDate":"0001-01-01"}`:                                                "1970",
		`{"connectionId":"a/b","startDate":"2018-04-01"}`:                                              "letters, digits",
		`{"connectionId":"a b","startDate":"2018-04-01"}`:                                              "letters, digits",
		`{"connectionId":"..","startDate":"2018-04-01"}`:                                               "letters, digits",
		`{"connectionId":"a","connectionId":"b","startDate":"2018-04-01"}`:                             "more than once",
		`{"connectionId":"a","ConnectionId":"b","startDate":"2018-04-01"}`:                             "exactly so",
		`{"connectionid":"a","startDate":"2018-04-01"}`:                                                "exactly so",
		`{"connectionId":"a","startDate":"2018-04-01"} {}`:                                             "nothing after",
		`{"connectionId":"a","startDate":"2018-04-01","host":"nowhere"}`:                               "Known: shop, till",
		`{"connectionId":"a","startDate":"2018-04-01","host":7}`:                                       "a text in quotes",
		`{"connectionId":"a","startDate":"2018-04-01","settings":{"color":"red"}}`:                     "Known: location, channel",
		`{"connectionId":"a","startDate":"2018-04-01","settings":{"location":1}}`:                      "whose values are texts",
		`{"connectionId":"a","startDate":"2018-04-01","settings":{"location":null}}`:                   "whose values are texts",
		`{"connectionId":"a","startDate":"2018-04-01","settings":{"location":"a\u0000b"}}`:             "zero character",
		`{"connectionId":"a","startDate":"2018-04-01","settings":[]}`:                                  "whose values are texts",
		`{"connectionId":"a","startDate":"2018-04-01","x":{"y":1,"y":2}}`:                              "more than once",
		`{"connectionId":"a","startDate":"2018-04-01","x":` + strings.Repeat("[", 99):                  "nests deeper",
		`{"connectionId":"a","startDate":"2018-04-01","x":[` + strings.Repeat("0,", maxValues) + `0]}`: "more than 10000 values",
		`{"connectionId":"a","startDate":"2018-04-01",}`:                                               "JSON",
		"{\"connectionId\":\"a\xff\",\"startDate\":\"2018-04-01\"}":                                    "UTF-8",
		`{"connectionId":"` + strings.Repeat("a", 201) + `","startDate":"2018-04-01"}`:                 "200 characters",
		`{"connectionId":"a","startDate":"2018-04-01","x":"` + strings.Repeat("a", bodyLimit) + `"}`:   "larger",
	} {
		b.call("POST", "/connections", body).is(400).says(text)
	}
	if n := one[int](b, `SELECT count(*) FROM connections`); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestBodiesAreJSONWhateverTheContentType(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, kind := range []string{"", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data"} {
		req := b.request("POST", "/connections", fmt.Sprintf(`{"connectionId":"a%d","startDate":"5/1/10","unknown":{"x":null}}`, i))
		req.Header.Set("Content-Type", kind)
		b.send(req).is(200, fmt.Sprintf(`{"connectionId":"a%d","startDate":"2010-05-01","enabled":false}`, i))
	}
	req := b.request("POST", "/connections", `{}`)
	req.Header.Set("Content-Encoding", "gzip")
	b.send(req).is(400).says("Content-Encoding")
}

// TestCreateTheSameConnectionAtOnce: one wins, the others hear that it exists.
func TestCreateTheSameConnectionAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const callers = 8
	var made, known sync.Map
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			a := b.call("POST", "/connections", `{"connectionId":"a","startDate":"2018-04-01"}`)
			if a.Status == 200 {
				made.Store(i, true)
			} else if a.Status == 500 && strings.Contains(string(a.Body), "User already exists") {
				known.Store(i, true)
			}
		})
	}
	wg.Wait()
	if size(&made) != 1 || size(&known) != callers-1 {
		t.Errorf("%d made it, %d heard that it exists", size(&made), size(&known))
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

func TestListConnections(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("GET", "/connections", "").is(200, `{"connections":[]}`)
	b.authorise(b.create("on", "2018-04-01"))
	b.create("off", "2018-04-01")
	b.exec(`INSERT INTO connections (host) VALUES ('shop')`) // not signed up yet: has no name
	b.call("GET", "/connections", "").is(200, `{"connections":["on"]}`)
	b.call("GET", "/connections?enabled=true", "").is(200, `{"connections":["on"]}`)
	b.call("GET", "/connections?enabled=false", "").is(200, `{"connections":["off"]}`)
	b.call("GET", "/connections?unknown=1", "").is(200, `{"connections":["on"]}`)
	for _, q := range []string{"enabled=", "enabled=1", "enabled=TRUE", "enabled=yes"} {
		b.call("GET", "/connections?"+q, "").is(400).says("true or false")
	}
	b.call("GET", "/connections?enabled=true&enabled=false", "").is(400).says("more than once")
	b.call("GET", "/connections?enabled=%zz", "").is(400).says("cannot be read")
}

func TestHeadConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	for path, status := range map[string]int{"/connections/a": 200, "/connections/b": 404} {
		if a := b.call("HEAD", path, "").is(status); len(a.Body) != 0 {
			t.Errorf("%s has a body", path)
		}
	}
	req := b.request("HEAD", "/connections/a", "")
	req.Header.Del("Authorization")
	b.send(req).is(401)
}

func TestShowConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.authorise(id)
	b.exec(`UPDATE connections SET last_sync_at = '2015-07-06 22:26:28.9+00', next_sync_at = '2015-07-07 00:26:28+02',
		status_changed_at = '2015-07-06 20:00:00+00', status_message = 'm' WHERE id = $1`, id)
	b.call("GET", "/connections/a", "").is(200, `{"enabled":true,"authorized":true,"hostSystemIdentifier":"account 13222432",
		"startDate":"2018-04-01","statusChangedAt":"2015-07-06T20:00:00+00:00","lastSyncAt":"2015-07-06T22:26:28+00:00",
		"nextSyncAt":"2015-07-06T22:26:28+00:00","statusMessage":"m"}`)
	b.call("GET", "/connections/b", "").is(404).says("no connection")
	b.call("PUT", "/connector", `{"enabled":false}`).is(200)
	var d detail
	b.call("GET", "/connections/a", "").is(200).into(&d)
	if !strings.Contains(d.StatusMessage, "whole connector") || d.NextSyncAt != nil {
		t.Errorf("with the connector off: %+v", d)
	}
}

// TestOneProvisionedConnection has no start date, and says what comes next.
func TestOneProvisionedConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`INSERT INTO connections (external_id, host, wish, authorized) VALUES ('token', 'shop', 'off', true)`)
	var d detail
	b.call("GET", "/connections/token", "").is(200).into(&d)
	if d.Enabled || d.StartDate != nil || d.StatusMessage == "" {
		t.Errorf("%+v", d)
	}
	b.call("PUT", "/connections/token", `{"enabled":true}`).is(400).says("start date")
	b.call("PUT", "/connections/token", `{"startDate":null}`).is(200, `{"connectionId":"token","startDate":null,"enabled":false}`)
	b.call("PUT", "/connections/token", `{"enabled":true,"startDate":"2018-04-01"}`).
		is(200, `{"connectionId":"token","startDate":"2018-04-01","enabled":true}`)
	if n := one[int](b, `SELECT count(*) FROM lanes WHERE due_at IS NOT NULL`); n < 3 {
		t.Errorf("%d lanes are due", n)
	}
}

func TestChangeEnabled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.call("PUT", "/connections/a", `{"enabled":true}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":true}`)
	b.call("PUT", "/connections/a", `{"enabled":false}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":false}`)
	if w := one[string](b, `SELECT wish FROM connections WHERE id = $1`, id); w != "off" {
		t.Errorf("wish %q", w)
	}
	if g := one[int](b, `SELECT generation FROM connections WHERE id = $1`, id); g != 2 {
		t.Errorf("generation %d", g)
	}
	b.authorise(id) // a popup does not undo an explicit off
	b.call("PUT", "/connections/a", `{}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":false}`)
	b.call("PUT", "/connections/a", `{"enabled":true}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":true}`)
	if n := one[int](b, `SELECT count(*) FROM lanes WHERE connection_id = $1 AND due_at IS NOT NULL`, id); n < 3 {
		t.Errorf("%d lanes are due", n)
	}
	b.call("PUT", "/connections/a", `{"enabled":false}`).is(200)
	if n := one[int](b, `SELECT count(*) FROM lanes WHERE due_at IS NOT NULL`); n != 0 {
		t.Errorf("%d lanes are due after off", n)
	}
	if n := one[int](b, `SELECT count(*) FROM activities WHERE action LIKE 'switched synchronising o%'`); n != 4 {
		t.Errorf("%d activities of switching", n)
	}
}

func TestOurPauseIsNotLiftedByAWish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.exec(`UPDATE connections SET authorized = true, pause = 'unknown at target', pause_probe_at = now() + interval '1 hour' WHERE id = $1`, id)
	b.call("PUT", "/connections/a", `{"enabled":true}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":false}`)
	if !one[bool](b, `SELECT pause_probe_at <= now() FROM connections WHERE id = $1`, id) {
		t.Error("the pause is not looked at soon")
	}
}

func TestChangeStartDate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.authorise(id)
	b.call("PUT", "/connections/a", `{"enabled":true}`).is(200)
	windows := func() int {
		return one[int](b, `SELECT count(*) FROM lanes WHERE connection_id = $1 AND kind = 'backfill'`, id)
	}
	before := windows()
	b.call("PUT", "/connections/a", `{"startDate":"2015-09-30 17:00:00-07"}`).
		is(200, `{"connectionId":"a","startDate":"2015-10-01","enabled":true}`)
	if windows() <= before {
		t.Error("an earlier start date opened no window")
	}
	after := windows()
	b.call("PUT", "/connections/a", `{"startDate":"2019-01-01"}`).is(200, `{"connectionId":"a","startDate":"2019-01-01","enabled":true}`)
	if windows() != after {
		t.Error("a later start date changed the windows")
	}
	if n := one[int](b, `SELECT count(*) FROM activities WHERE action LIKE 'changed the start date to %'`); n != 2 {
		t.Errorf("%d activities", n)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("a", "2018-04-01")
	b.create("taken", "2018-04-01")
	b.call("PUT", "/connections/a", `{"connectionId":"a"}`).is(200)
	b.call("PUT", "/connections/a", `{"connectionId":"b"}`).is(200, `{"connectionId":"b","startDate":"2018-04-01","enabled":false}`)
	b.call("GET", "/connections/a", "").is(404)
	b.call("GET", "/connections/b", "").is(200)
	b.call("PUT", "/connections/b", `{"connectionId":"taken","enabled":true}`).is(400).says("already in use")
	b.call("PUT", "/connections/b", `{"connectionId":"","enabled":true}`).is(400)
	b.call("PUT", "/connections/b", `{"connectionId":null}`).is(400)
	b.call("GET", "/connections?enabled=true", "").is(200, `{"connections":[]}`) // nothing of the refused changes
	if g := one[int](b, `SELECT generation FROM connections WHERE id = $1`, id); g != 2 {
		t.Errorf("generation %d", g)
	}
	b.call("POST", "/connections", `{"connectionId":"a","startDate":"2018-04-01"}`).is(200) // the old name is free
}

func TestAllChangesApplyTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	b.call("PUT", "/connections/a", `{"enabled":true,"connectionId":"b","startDate":"5/1/10"}`).
		is(200, `{"connectionId":"b","startDate":"2010-05-01","enabled":true}`)
}

func TestChangeConnectionRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	b.call("PUT", "/connections/nobody", `{"enabled":true}`).is(404)
	for _, body := range []string{
		``, `{`, `[]`, `null`, `{"enabled":null}`, `{"enabled":"true"}`, `{"enabled":1}`, `{"enabled":false,"ENABLED":true}`,
		`{"Enabled":true}`, `{"enabled":true,"enabled":true}`, `{"startDate":"x"}`, `{"startDate":5}`, `{"connectionId":5}`,
	} {
		b.call("PUT", "/connections/a", body).is(400)
	}
	b.call("PUT", "/connections/a", `{"unknown":1,"hostSystemIdentifier":null}`).is(200, `{"connectionId":"a","startDate":"2018-04-01","enabled":false}`)
}

func TestDeleteAndCreateAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.create("a", "2018-04-01")
	b.authorise(old)
	b.exec(`INSERT INTO tokens (connection_id, access, refresh) VALUES ($1, 'sealed', 'sealed too')`, old)
	b.call("DELETE", "/connections/a", "").is(200, `{"success":true}`)
	for _, method := range []string{"DELETE", "GET", "HEAD", "PUT"} {
		b.call(method, "/connections/a", `{}`).is(404)
	}
	if n := one[int](b, `SELECT count(*) FROM tokens`); n != 0 {
		t.Error("the tokens are still there")
	}
	if n := one[int](b, `SELECT count(*) FROM revocations WHERE access = 'sealed' AND refresh = 'sealed too'`); n != 1 {
		t.Error("the grant was not kept for being given back")
	}
	b.call("GET", "/connections?enabled=false", "").is(200, `{"connections":[]}`)
	again := b.create("a", "2019-04-01")
	if again == old {
		t.Error("the internal id was used again")
	}
	var l struct{ Activities []activity }
	b.call("GET", "/connections/a/activities", "").is(200).into(&l)
	if len(l.Activities) != 1 {
		t.Errorf("activities of the old one: %v", l.Activities)
	}
	var d detail
	b.call("GET", "/connections/a", "").is(200).into(&d)
	if d.Authorized || d.HostSystemIdentifier != nil {
		t.Errorf("something of the old one: %+v", d)
	}
}

func TestDeleteAtAHostThatTakesNothingBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call("POST", "/connections", `{"connectionId":"a","startDate":"2018-04-01","host":"till"}`).is(200)
	b.exec(`INSERT INTO tokens (connection_id, access) SELECT id, 'sealed' FROM connections`)
	b.call("DELETE", "/connections/a", "").is(200)
	if n := one[int](b, `SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM revocations)`); n != 0 {
		t.Error("a token was kept")
	}
}

// TestStoppingWaitsForARequestUnderWay: the answer comes after the request to the target has ended.
func TestStoppingWaitsForARequestUnderWay(t *testing.T) {
	t.Parallel()
	const under = 600 * time.Millisecond
	for name, stop := range map[string][2]string{
		"delete": {"DELETE", ``}, "disable": {"PUT", `{"enabled":false}`}, "rename": {"PUT", `{"connectionId":"b"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.create("a", "2018-04-01")
			begun := time.Now()
			b.exec(`INSERT INTO batches (connection_id, epoch, kinds, keys, seqs, posting_until) VALUES ($1, 1, '{}', '{}', '{}', now() + $2::interval)`, id, under.String())
			b.call(stop[0], "/connections/a", stop[1]).is(200)
			if took := time.Since(begun); took < under*9/10 {
				t.Errorf("answered after %v", took)
			}
		})
	}
}

// TestIDsThatPostgresRefusesDoNotExist: text that is not UTF-8 or holds a zero.
func TestIDsThatPostgresRefusesDoNotExist(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, id := range []string{"%00", "a%00", "%ff", "%c3%28"} {
		b.call("GET", "/connections/"+id, "").is(404).says("There is no connection")
		b.call("PUT", "/connections/"+id, `{}`).is(404)
		b.call("DELETE", "/connections/"+id, "").is(404)
		b.call("GET", "/connections/"+id+"/activities", "").is(404)
		b.call("POST", "/connections/"+id+"/baditems/retry", "").is(404)
	}
}

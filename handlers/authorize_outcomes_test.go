package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"extractor/models"
)

func TestDeniedConsentCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	c := d.connection("company-1")
	b := d.browser()
	denied := b.get(b.consent(b.press(b.open("company-1")), false))
	denied.wants(t, http.StatusForbidden, "You did not allow access")
	d.untouched("company-1")
	acts, err := d.store.Activities(t.Context(), c.ID, 1, 10)
	if err != nil || acts[0].Action != "access at Testshop was declined" {
		t.Errorf("%+v, %v", acts, err)
	}
	again := b.press(denied)
	if again.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", again.status, again.body)
	}
	page := b.get(again.location())
	page.wants(t, http.StatusOK, "Connect Testshop")
	done := b.get(b.consent(b.press(page), true))
	if done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d to %q", done.status, done.location())
	}
}

func TestExpiredAttemptCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	page := b.open("company-1")
	d.exec(`UPDATE attempts SET expires_at = now()`)
	late := b.press(page)
	late.wants(t, http.StatusBadRequest, "took longer than ten minutes")
	again := b.get(b.press(late).location())
	again.wants(t, http.StatusOK, "Connect Testshop")
	d.exec(`UPDATE attempts SET expires_at = now() - interval '61 minutes'`)
	if err := d.store.ForgetAttempts(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.press(again).wants(t, http.StatusNotFound, "does not belong to an attempt")
}

func TestTryAgainNeedsTheSameBrowser(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b, other := d.browser(), d.browser()
	denied := b.get(b.consent(b.press(b.open("company-1")), false))
	other.open("company-1")
	other.press(denied).wants(t, http.StatusNotFound, "does not belong to an attempt")
}

func TestHostThatFailsAfterTheConsent(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		answer int
		body   string
		status int
		text   string
	}{
		"down":         {500, ``, http.StatusBadGateway, "Testshop did not answer as it should"},
		"code refused": {400, `{"error":"invalid_grant"}`, http.StatusBadGateway, "Testshop did not accept the sign-in"},
		"our secret":   {401, `{"error":"invalid_client"}`, http.StatusInternalServerError, "Something went wrong on our side"},
		"no account":   {200, `{"access_token":"unknown to the api"}`, http.StatusBadGateway, "Testshop did not accept the sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			d.connection("company-1")
			d.shop.Do(func() {
				d.shop.Before = func(w http.ResponseWriter, _ *http.Request) bool {
					w.WriteHeader(v.answer)
					_, _ = w.Write([]byte(v.body))
					return true
				}
			})
			b := d.browser()
			failed := b.connect("company-1")
			failed.wants(t, v.status, v.text)
			d.untouched("company-1")
			d.shop.Do(func() { d.shop.Before = nil })
			done := b.get(b.consent(b.press(b.get(b.press(failed).location())), true))
			if done.status != http.StatusSeeOther {
				t.Fatalf("%d:\n%s", done.status, done.body)
			}
		})
	}
}

func TestOtherAccountThanBeforeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	c := d.connection("company-1")
	b := d.browser()
	b.connect("company-1")
	before, err := d.store.Token(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.shop.Do(func() { d.shop.Account = "acc-2" })
	b.connect("company-1").wants(t, http.StatusConflict, "belongs to account acc-1 at Testshop, but you signed in with account acc-2")
	after, err := d.store.Token(t.Context(), c.ID)
	if err != nil || after.Access != before.Access || *d.now("company-1").HostAccount != "acc-1" || !d.now("company-1").Authorized {
		t.Fatalf("changed: %v", err)
	}
}

func TestAccountOfAnotherConnectionIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	d.connection("company-2")
	d.browser().connect("company-1")
	d.browser().connect("company-2").wants(t, http.StatusConflict, "account acc-1 is connected already, by another connection")
	d.untouched("company-2")
	if err := d.store.DeleteConnection(t.Context(), "company-1", false); err != nil {
		t.Fatal(err)
	}
	if s := d.browser().connect("company-2"); s.status != http.StatusSeeOther {
		t.Fatalf("after the other one is gone: %d\n%s", s.status, s.body)
	}
}

func TestWhatAuthenticatingEnables(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		before  string
		enabled bool
	}{
		"new":                     {`UPDATE connections SET wish = wish`, true},
		"switched off":            {`UPDATE connections SET wish = 'off'`, false},
		"no start date":           {`UPDATE connections SET start_date = NULL`, false},
		"no longer let in":        {`UPDATE connections SET pause = 'unauthorised', wish = 'on'`, true},
		"unknown at the target":   {`UPDATE connections SET pause = 'unknown at target'`, false},
		"no longer let in, unset": {`UPDATE connections SET pause = 'unauthorised'`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			c := d.connection("company-1")
			d.exec(v.before)
			if s := d.browser().connect("company-1"); s.status != http.StatusSeeOther {
				t.Fatalf("%d:\n%s", s.status, s.body)
			}
			now := d.now("company-1")
			if !now.Authorized || now.Enabled != v.enabled || now.Active != v.enabled {
				t.Fatalf("%+v", now)
			}
			var due int
			if err := d.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM lanes WHERE connection_id = $1 AND due_at <= now()`, c.ID).Scan(&due); err != nil {
				t.Fatal(err)
			}
			if v.enabled != (due > 0) {
				t.Errorf("%d lanes are due", due)
			}
		})
	}
}

func TestRenameAndDeleteDuringThePopup(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	back := b.throughConsent("company-1")
	renamed := "company-renamed"
	if _, err := d.store.ChangeConnection(t.Context(), "company-1", models.Change{ExternalID: &renamed}); err != nil {
		t.Fatal(err)
	}
	if s := b.get(back); s.status != http.StatusSeeOther || !d.now(renamed).Enabled {
		t.Fatalf("%d:\n%s", s.status, s.body)
	}
	d.connection("company-2")
	back = b.throughConsent("company-2")
	if err := d.store.DeleteConnection(t.Context(), "company-2", false); err != nil {
		t.Fatal(err)
	}
	b.get(back).wants(t, http.StatusNotFound, "deleted meanwhile")
}

func TestRedirectWithACodeInsteadOfTheID(t *testing.T) {
	t.Parallel()
	d := newDoorway(t, func(c *PopupConfig) { c.RedirectID = RedirectCode })
	d.connection("company-1")
	to, err := url.Parse(d.browser().connect("company-1").location())
	if err != nil || to.Host != "app.trustfile.avalara.com" {
		t.Fatalf("%v, %v", to, err)
	}
	if id := to.Query().Get("id"); len(id) != 43 || to.Query().Get("x") != "1" {
		t.Fatalf("%s", to)
	}
}

// ticket asks for a ticket as the consumer does.
func (d *doorway) ticket(id, body, bearer string) (status int, address string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+"/connections/"+id+"/authentication-tickets", bytes.NewBufferString(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ URL string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, out.URL
}

func TestTickets(t *testing.T) {
	t.Parallel()
	d := newDoorway(t, func(c *PopupConfig) { c.RequireTicket = true })
	d.connection("company-1")
	d.connection("company-2")
	d.browser().open("company-1").wants(t, http.StatusForbidden, "begins in TrustFile")
	body := `{"redirectUri":"` + trustfileReturn + `"}`
	for _, v := range []struct {
		id, body, bearer string
		status           int
	}{
		{"company-1", body, "wrong", http.StatusUnauthorized},
		{"nobody", body, testBearer, http.StatusNotFound},
		{"company-1", `{"redirectUri":"evil.example/"}`, testBearer, http.StatusBadRequest},
		{"company-1", `{"redirectUri":`, testBearer, http.StatusBadRequest},
		{"company-1", `{"redirectUri":7}`, testBearer, http.StatusBadRequest},
		{"company-1", `{"redirecturi":"` + trustfileReturn + `"}`, testBearer, http.StatusBadRequest}, // two readers could differ
		{"company-1", `{"redirectUri":"evil.example/","redirectUri":"` + trustfileReturn + `"}`, testBearer, http.StatusBadRequest},
	} {
		if status, address := d.ticket(v.id, v.body, v.bearer); status != v.status || address != "" {
			t.Errorf("%v: %d, %q", v, status, address)
		}
	}
	_, address := d.ticket("company-1", body, testBearer)
	b := d.browser()
	b.get(strings.Replace(address, "company-1", "company-2", 1)).wants(t, http.StatusNotFound, "used already")
	onward := b.get(address)
	if onward.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", onward.status, onward.body)
	}
	d.browser().get(address).wants(t, http.StatusNotFound, "used already or is older")
	d.browser().get(onward.location()).wants(t, http.StatusNotFound, "does not belong to an attempt")
	b.get(onward.location())
	page := b.get(onward.location()) // reloaded
	if done := b.get(b.consent(b.press(page), true)); done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d to %q", done.status, done.location())
	}
}

func TestTicketWithoutARedirectLeavesItToTheLink(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	_, address := d.ticket("company-1", "", testBearer)
	b := d.browser()
	b.get(address+"&redirectUri=evil.example").wants(t, http.StatusBadRequest, "REDIRECT_ALLOWLIST")
	onward := b.get(address + "&redirectUri=" + url.QueryEscape(trustfileReturn))
	if done := b.get(b.consent(b.press(b.get(onward.location())), true)); done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d to %q", done.status, done.location())
	}
	_, late := d.ticket("company-1", "", testBearer)
	d.exec(`UPDATE tickets SET expires_at = now()`)
	b.get(late+"&redirectUri="+url.QueryEscape(trustfileReturn)).wants(t, http.StatusNotFound, "older than ten minutes")
}

func TestOneAddressCannotBeginWithoutEnd(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	for range startsAtOnce {
		if !l.allow("203.0.113.9") {
			t.Fatal("refused too early")
		}
	}
	if l.allow("203.0.113.9") {
		t.Fatal("not limited")
	}
	if !l.allow("203.0.113.10") {
		t.Fatal("another address pays for it")
	}
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	var last shown
	for range startsAtOnce + startsPerMinute {
		if last = b.get("/connections/nobody/authentication?redirectUri=x"); last.status == http.StatusTooManyRequests {
			break
		}
	}
	last.wants(t, http.StatusTooManyRequests, "Wait a minute")
	if last.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSecretsOfThePopupAreNotInTheDatabase(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	u, err := url.Parse(b.throughConsent("company-1"))
	if err != nil {
		t.Fatal(err)
	}
	d.ticket("company-1", `{"redirectUri":"`+trustfileReturn+`"}`, testBearer)
	var all string
	err = d.store.Pool.QueryRow(t.Context(), `SELECT (SELECT string_agg(a::text || encode(secrets, 'escape'), ' ') FROM attempts a) ||
		(SELECT string_agg(t::text || encode(redirect, 'escape'), ' ') FROM tickets t)`).Scan(&all)
	if err != nil || all == "" {
		t.Fatal(err)
	}
	for _, secret := range []string{u.Query().Get("state"), u.Query().Get("code"), "b-token"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in the database", secret)
		}
	}
	b.get(u.String())
	var left int
	if err := d.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM attempts WHERE secrets IS NOT NULL`).Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d attempts keep their secrets, %v", left, err)
	}
}

// TestAccountsStayOutOfTheLog: their names are for the page of the one who signed in.
func TestAccountsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	conflict := models.Errorf(models.Conflict, "This connection belongs to account acc-1.")
	if text := loggableCause(anonymous(conflict)); strings.Contains(text, "acc-1") || !strings.Contains(text, "conflict") {
		t.Errorf("a conflict is logged as %q", text)
	}
	down := models.Errorf(models.Unavailable, "Testshop is down.")
	if !errors.Is(anonymous(down), down) {
		t.Error("another failure is not logged as it is")
	}
}

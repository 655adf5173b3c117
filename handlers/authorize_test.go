package handlers

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestPopupConnectsAndReturns(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	page := b.open("company-1")
	page.wants(t, http.StatusOK, "Connect Testshop to your TrustFile company")
	toHost := b.press(page)
	for _, secret := range []string{"code_verifier", "a%2Fb-token", "a/b-token"} {
		if strings.Contains(toHost.location(), secret) {
			t.Errorf("the host learns %s", secret)
		}
	}
	done := b.get(b.consent(toHost, true))
	if done.status != http.StatusSeeOther || done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d to %q", done.status, done.location())
	}
	c := d.now("company-1")
	if !c.Authorized || !c.Enabled || *c.HostLabel != "account acc-1" || c.Zone != "America/New_York" {
		t.Fatalf("%+v", c)
	}
	if !strings.Contains(c.StatusMessage, "Testshop is connected") {
		t.Errorf("status: %s", c.StatusMessage)
	}
	acts, err := d.store.Activities(t.Context(), c.ID, 1, 10)
	if err != nil || acts[0].Action != "connected to Testshop (account acc-1)" {
		t.Errorf("%+v, %v", acts, err)
	}
	if log := d.log.String(); strings.Contains(log, "b-token") || strings.Contains(log, "state=") {
		t.Errorf("logged: %s", log)
	}
}

func TestPopupNamesTheCompany(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	d.exec(`UPDATE connections SET company_name = 'Best Company <Ever>'`)
	page := d.browser().open("company-1")
	page.wants(t, http.StatusOK, "<h1>Connect Testshop to Best Company <Ever></h1>")
	if strings.Contains(page.body, "<Ever>") {
		t.Error("the name is not escaped")
	}
}

func TestPopupHeadersOfEveryPage(t *testing.T) {
	t.Parallel()
	d := newDoorway(t, func(c *PopupConfig) {
		c.Redirects = []string{"app.trustfile.avalara.com/connectors/success", "https://tfo.example/a", "https://tfo.example/b"}
	})
	d.connection("company-1")
	b := d.browser()
	start := b.open("company-1")
	toHost := b.press(start)
	for name, s := range map[string]shown{
		"question": start, "to the host": toHost, "denied": b.get(b.consent(toHost, false)),
		"unknown id": b.open("nobody"), "no redirect": b.get("/connections/company-1/authentication"),
		"unknown state": b.get("/oauth/shop/callback?state=x&code=y"), "unknown host": b.get("/install/nowhere"),
	} {
		h := s.header
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, h)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors https://app.trustfile.avalara.com https://tfo.example") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", name, csp)
		}
		if h.Get("Cross-Origin-Opener-Policy") != "" {
			t.Errorf("%s: cuts the opener off", name)
		}
	}
}

func TestPopupCookie(t *testing.T) {
	t.Parallel()
	for public, want := range map[string][]string{
		"https://extractor.example": {"__Host-attempt=", "Path=/", "Max-Age=3600", "HttpOnly", "Secure", "SameSite=Lax"},
		"http://localhost:8080":     {"attempt=", "Path=/", "HttpOnly", "SameSite=Lax"},
	} {
		d := newDoorway(t, func(c *PopupConfig) { c.PublicURL = public })
		d.connection("company-1")
		got := d.browser().open("company-1").header.Get("Set-Cookie")
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q lacks %q", public, got, part)
			}
		}
		if strings.Contains(got, "Domain") {
			t.Errorf("%s: %q is for more than this origin", public, got)
		}
	}
}

func TestPopupRefusals(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	unknown := b.open("nobody")
	unknown.wants(t, http.StatusNotFound, "Please start again")
	if strings.Contains(unknown.body, "connectionId") {
		t.Errorf("a merchant reads of a connectionId:\n%s", unknown.body)
	}
	lost := b.get("/oauth/shop/callback?state=x&code=y")
	lost.wants(t, http.StatusNotFound, "Begin where you came from")
	if strings.Contains(lost.body, "Nothing was changed") { // another browser may have connected the account
		t.Errorf("more is said than is known:\n%s", lost.body)
	}
	missing := b.get("/connections/company-1/authentication")
	missing.wants(t, http.StatusBadRequest, "redirectUri")
	missing.wants(t, http.StatusBadRequest, "Begin where you came from")
	b.get("/connections/company-1/authentication?redirectUri=evil.example/x").wants(t, http.StatusBadRequest, "REDIRECT_ALLOWLIST")
	for _, address := range []string{"/connections/%00/authentication?redirectUri=" + url.QueryEscape(trustfileReturn), "/oauth/%00/callback?state=x", "/oauth/%ff/start?attempt=x"} {
		b.get(address).wants(t, http.StatusNotFound, "Please start again")
	}
	twice := "redirectUri=" + url.QueryEscape(trustfileReturn)
	b.get("/connections/company-1/authentication?"+twice+"&"+twice).wants(t, http.StatusBadRequest, "redirectUri")
	res, err := http.Get(d.url + "/connections/company-1/authentication")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var m struct{ Message string }
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil || res.StatusCode != http.StatusBadRequest || m.Message == "" {
		t.Fatalf("a program got %d, %q, %v", res.StatusCode, m.Message, err)
	}
}

func TestPopupInAFrameOffersAWindow(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	req := httptest.NewRequest(http.MethodGet, d.url+"/connections/company-1/authentication?redirectUri="+url.QueryEscape(trustfileReturn), nil)
	req.RequestURI = ""
	req.Header.Set("Sec-Fetch-Dest", "iframe")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if !bytes.Contains(body, []byte(`target="_blank"`)) || res.Header.Get("Set-Cookie") != "" {
		t.Fatalf("%s", body)
	}
}

// untouched fails the test if the connection was linked to anything.
func (d *doorway) untouched(id string) {
	d.t.Helper()
	if c := d.now(id); c.Authorized || c.HostAccount != nil || c.Enabled {
		d.t.Fatalf("linked: %+v", c)
	}
}

// TestCallbackByPostIsNotTaken: a host that posts its answer would come without
// our cookie, which is of the same site, and must not make us give that up.
func TestCallbackByPostIsNotTaken(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	back, err := url.Parse(b.throughConsent("company-1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.do(http.MethodPost, back.Path, back.Query()); got.status != http.StatusMethodNotAllowed {
		t.Errorf("answered %d", got.status)
	}
	d.untouched("company-1")
	if done := b.get(back.String()); done.location() != "https://"+trustfileReturn {
		t.Errorf("%d to %q", done.status, done.location())
	}
}

func TestNothingIsLinkedUnlessTheBrowserThatBeganComesBack(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]func(d *doorway) shown{
		"other browser's cookie": func(d *doorway) shown {
			victim := d.browser()
			victim.open("company-2")
			return victim.get(d.browser().throughConsent("company-1"))
		},
		"no cookie": func(d *doorway) shown { return d.browser().get(d.browser().throughConsent("company-1")) },
		"callback before the start": func(d *doorway) shown {
			b := d.browser()
			state := formParts.FindStringSubmatch(b.open("company-1").body)[2]
			return b.get("/oauth/shop/callback?code=x&state=" + state)
		},
		"callback of another host": func(d *doorway) shown {
			b := d.browser()
			return b.get(strings.Replace(b.throughConsent("company-1"), "/oauth/shop/", "/oauth/other/", 1))
		},
		"no state": func(d *doorway) shown {
			b := d.browser()
			b.throughConsent("company-1")
			return b.get("/oauth/shop/callback?code=x")
		},
		"too late": func(d *doorway) shown {
			b := d.browser()
			back := b.throughConsent("company-1")
			d.exec(`UPDATE attempts SET expires_at = now()`)
			return b.get(back)
		},
		"a made-up code": func(d *doorway) shown {
			b := d.browser()
			u, _ := url.Parse(b.throughConsent("company-1"))
			return b.get("/oauth/shop/callback?code=made-up&state=" + u.Query().Get("state"))
		},
		"the code of another attempt": func(d *doorway) shown { // PKCE
			attacker, _ := url.Parse(d.browser().throughConsent("company-2"))
			b := d.browser()
			u, _ := url.Parse(b.throughConsent("company-1"))
			return b.get("/oauth/shop/callback?code=" + attacker.Query().Get("code") + "&state=" + u.Query().Get("state"))
		},
		"start by another browser": func(d *doorway) shown {
			page := d.browser().open("company-1")
			other := d.browser()
			other.open("company-2")
			return other.press(page)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			d.connection("company-1")
			d.connection("company-2")
			got := attack(d)
			if got.status < 400 || got.location() != "" || !strings.Contains(got.body, "<h1>") {
				t.Errorf("answered %d to %q:\n%s", got.status, got.location(), got.body)
			}
			d.untouched("company-1")
			d.untouched("company-2")
		})
	}
}

func TestCallbackTwice(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	back := b.throughConsent("company-1")
	var all sync.WaitGroup
	got := make([]shown, 8)
	for i := range got {
		all.Go(func() { got[i] = b.get(back) })
	}
	all.Wait()
	var done int
	for _, s := range got {
		if s.status == http.StatusSeeOther {
			done++
		}
	}
	if done != 1 || d.shop.Calls() != 1 {
		t.Fatalf("%d of 8 went through, after %d token calls", done, d.shop.Calls())
	}
	b.get(back).wants(t, http.StatusConflict, "Testshop is connected already")
}

func TestBackButton(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	page := b.open("company-1")
	b.press(page)
	back := b.consent(b.press(page), true) // back from the host, and on again
	if s := b.get(back); s.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", s.status, s.body)
	}
	b.press(page).wants(t, http.StatusConflict, "connected already") // all the way back
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	first, second := b.open("company-1"), b.open("company-1")
	backOfSecond := b.consent(b.press(second), true)
	backOfFirst := b.consent(b.press(first), true)
	for _, back := range []string{backOfFirst, backOfSecond} {
		if s := b.get(back); s.status != http.StatusSeeOther {
			t.Fatalf("%d:\n%s", s.status, s.body)
		}
	}
	if c := d.now("company-1"); !c.Enabled {
		t.Fatalf("%+v", c)
	}
}

func TestManyAttemptsSideBySide(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	ids := []string{"c-0", "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7"}
	for _, id := range ids {
		d.connection(id)
	}
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			b := d.browser()
			toHost := b.press(b.open(id))
			back := func() string {
				consentLock.Lock()
				defer consentLock.Unlock()
				d.shop.Do(func() { d.shop.Account = "acc-" + ids[i] })
				return b.consent(toHost, true)
			}()
			if s := b.get(back); s.status != http.StatusSeeOther {
				t.Errorf("%s: %d\n%s", id, s.status, s.body)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if c := d.now(id); c.HostAccount == nil || *c.HostAccount != "acc-"+id {
			t.Errorf("%s has account %v", id, c.HostAccount)
		}
	}
}

// consentLock makes choosing the account and consenting one step.
var consentLock sync.Mutex

package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
	"extractor/models"
)

// consentShop is a host entered by OAuth.
type consentShop struct{ server *oauthtest.Server }

func (consentShop) Info() hostapi.Info { return hostapi.Info{Title: "Testshop"} }
func (consentShop) Transform(hostapi.Record) ([]models.Item, error) {
	return nil, models.Errorf(models.Internal, "the popup transforms nothing")
}
func (s consentShop) OAuth(hostapi.Account) *oauth2.Config { return s.server.Config() }
func (s consentShop) Identify(ctx context.Context, c *http.Client, _ url.Values) (hostapi.Identity, error) {
	who, err := s.server.Me(ctx, c, false)
	return hostapi.Identity{Account: who.ID, Label: "account " + who.ID, Zone: "America/New_York",
		Company: who.Title, Email: who.Email, Address: oauthtest.Shipping}, err
}

// doorway is a running service with the popup, in front of an OAuth server.
type doorway struct {
	t     *testing.T
	store *models.Store
	shop  *oauthtest.Server
	url   string
	log   *journal
}

// trustfileReturn is where Trustfile wants its users back, in its own writing.
const trustfileReturn = "app.trustfile.avalara.com/connectors/success?id=a%2Fb-token&x=1"

func newDoorway(t *testing.T, adjust ...func(*PopupConfig)) *doorway {
	t.Helper()
	d := &doorway{t: t, store: pgtest.Store(t), shop: oauthtest.New(t), log: &journal{}}
	d.store.Titles = map[string]string{"shop": "Testshop"}
	server := httptest.NewUnstartedServer(nil)
	d.url = "http://" + server.Listener.Addr().String()
	hosts := map[string]hostapi.Host{"shop": consentShop{d.shop}, "other": consentShop{d.shop}}
	cfg := PopupConfig{Store: d.store, Hosts: hosts, PublicURL: d.url, AppURL: "https://app.trustfile.example"}
	for _, f := range adjust {
		f(&cfg)
	}
	popup, err := NewPopup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = New(Config{Store: d.store, Hosts: hosts, DefaultHost: "shop", Tokens: []string{testBearer},
		Retrier: &retries{}, PublicURL: cfg.PublicURL, Logger: slog.New(slog.NewJSONHandler(d.log, nil)),
		Mount: []func(gin.IRouter){popup.Mount}, MountAuthorised: []func(gin.IRouter){popup.MountAuthorised}})
	if strings.HasPrefix(cfg.PublicURL, "https://127.0.0.1:") {
		d.url = cfg.PublicURL
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	d.shop.Do(func() { d.shop.Redirects = []string{d.url + "/oauth/shop/callback"} })
	return d
}

// connection makes a connection as the consumer does.
func (d *doorway) connection(id string) *models.Connection {
	d.t.Helper()
	c, err := d.store.CreateConnection(d.t.Context(), models.NewConnection{ExternalID: id, Host: "shop", StartDate: time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// now is the connection as it is now.
func (d *doorway) now(id string) *models.Connection {
	d.t.Helper()
	c, err := d.store.FindConnection(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *doorway) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Pool.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatal(err)
	}
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	d      *doorway
	client *http.Client
}

func (d *doorway) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &browser{d, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// shown is what a browser got.
type shown struct {
	status int
	header http.Header
	body   string
}

func (s shown) location() string { return s.header.Get("Location") }

func (b *browser) do(method, address string, form url.Values) shown {
	b.d.t.Helper()
	req, err := http.NewRequestWithContext(b.d.t.Context(), method, b.d.absolute(address), strings.NewReader(form.Encode()))
	if err != nil {
		b.d.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("X-Forwarded-Proto", "https") // as the router in front says it
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return shown{res.StatusCode, res.Header, string(body)}
}

func (d *doorway) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return d.url + address
	}
	return address
}

func (b *browser) get(address string) shown {
	b.d.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

var formParts = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">\s*<input type="hidden" name="attempt" value="([^"]*)">`)

// press presses the page's button.
func (b *browser) press(s shown) shown {
	b.d.t.Helper()
	parts := formParts.FindStringSubmatch(s.body)
	if parts == nil {
		b.d.t.Fatalf("no button on the page (%d):\n%s", s.status, s.body)
	}
	return b.do(http.MethodPost, html.UnescapeString(parts[1]), url.Values{"attempt": {html.UnescapeString(parts[2])}})
}

// open opens the popup of a connection.
func (b *browser) open(id string) shown {
	b.d.t.Helper()
	return b.get("/connections/" + id + "/authentication?redirectUri=" + url.QueryEscape(trustfileReturn))
}

// consent answers the host's consent page and gives the callback's address.
func (b *browser) consent(toHost shown, allow bool) string {
	b.d.t.Helper()
	if toHost.status != http.StatusSeeOther {
		b.d.t.Fatalf("not sent to the host (%d):\n%s", toHost.status, toHost.body)
	}
	back, err := b.d.shop.ConsentForm(toHost.location(), allow)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return back.String()
}

// throughConsent goes all the way up to the callback's address.
func (b *browser) throughConsent(id string) string {
	b.d.t.Helper()
	return b.consent(b.press(b.open(id)), true)
}

// connect goes all the way.
func (b *browser) connect(id string) shown {
	b.d.t.Helper()
	return b.get(b.throughConsent(id))
}

func (s shown) wants(t *testing.T, status int, text string) {
	t.Helper()
	if s.status != status || !strings.Contains(html.UnescapeString(s.body), text) {
		t.Fatalf("got %d, want %d with %q:\n%s", s.status, status, text, s.body)
	}
}

func TestPopupConnectsAndReturns(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connection("company-1")
	b := d.browser()
	page := b.open("company-1")
	page.wants(t, http.StatusOK, "Connect Testshop to your Trustfile company")
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
	b.open("nobody").wants(t, http.StatusNotFound, "There is nothing here")
	b.get("/connections/company-1/authentication").wants(t, http.StatusBadRequest, "redirectUri")
	b.get("/connections/company-1/authentication?redirectUri=evil.example/x").wants(t, http.StatusBadRequest, "REDIRECT_ALLOWLIST")
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

package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

// keyServer is a shop that hands out keys.
type keyServer struct {
	URL     string
	mu      sync.Mutex
	silent  bool   // it cannot reach us
	opens   string // the account that its keys open; empty: none
	answers []int  // what we answered to its posts
}

func newKeyServer(t *testing.T) *keyServer {
	s := &keyServer{opens: "corner.example"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /grant", s.ask)
	mux.HandleFunc("POST /grant", s.decide)
	mux.HandleFunc("GET /api/me", s.me)
	mux.HandleFunc("GET /favicon.ico", http.NotFound) // browsers ask
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *keyServer) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

var grantPage = template.Must(template.New("").Parse(`<!doctype html><title>Keys</title><h1>Give keys?</h1>
<form method="post" action="/grant?{{.}}"><button id="allow" name="allow" value="1">Allow</button></form>`))

func (s *keyServer) ask(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = grantPage.Execute(w, template.URL(r.URL.RawQuery))
}

// decide posts the keys from server to server and sends the browser back.
func (s *keyServer) decide(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, success := r.URL.Query(), "0"
	if r.FormValue("allow") != "" {
		success = "1"
		if !s.silent {
			s.answers = append(s.answers, postKeys(q.Get("callback_url"), keysOf(q.Get("user_id"), "ck_1", "cs_1")))
		}
	}
	http.Redirect(w, r, q.Get("return_url")+"?"+url.Values{"success": {success}, "user_id": {q.Get("user_id")}}.Encode(), http.StatusFound)
}

func (s *keyServer) me(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, secret, ok := r.BasicAuth(); !ok || name != "ck_1" || secret != "cs_1" || s.opens == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"ID": s.opens})
}

func keysOf(state, key, secret string) string {
	return fmt.Sprintf(`{"user_id":%q,"consumer_key":%q,"consumer_secret":%q}`, state, key, secret)
}

// postKeys is a server's post; its answer's status.
func postKeys(address, body string) int {
	res, err := http.Post(address, "application/json", strings.NewReader(body)) //nolint:gosec,noctx // a test's own server
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// keyShop is entered by keys.
type keyShop struct{ server *keyServer }

var (
	_ hostapi.Granter   = keyShop{}
	_ hostapi.Starter   = keyShop{}
	_ hostapi.Presenter = keyShop{}
)

func (keyShop) Info() hostapi.Info { return hostapi.Info{Title: "Keyshop"} }
func (keyShop) Transform(hostapi.Record) ([]models.Item, error) {
	return nil, models.Errorf(models.Internal, "the popup transforms nothing")
}
func (keyShop) Question() hostapi.Question {
	return hostapi.Question{Label: "Your shop's address"}
}
func (keyShop) Account(typed string) (string, error) { return strings.ToLower(typed), nil }
func (s keyShop) GrantURL(g hostapi.Grant) string {
	return s.server.URL + "/grant?" + url.Values{"shop": {g.Account}, "user_id": {g.State}, "callback_url": {g.KeysURL}, "return_url": {g.Returned}}.Encode()
}
func (keyShop) ReadKeys(body []byte) (string, models.Token, error) {
	var in struct {
		UserID         string `json:"user_id"`
		ConsumerKey    string `json:"consumer_key"`
		ConsumerSecret string `json:"consumer_secret"`
	}
	if json.Unmarshal(body, &in) != nil || in.ConsumerKey == "" {
		return "", models.Token{}, models.Errorf(models.Invalid, "These are not keys.")
	}
	return in.UserID, models.Token{Access: in.ConsumerKey + ":" + in.ConsumerSecret}, nil
}
func (keyShop) Present(h http.Header, access string) {
	name, secret, _ := strings.Cut(access, ":")
	r := http.Request{Header: h}
	r.SetBasicAuth(name, secret)
}
func (s keyShop) Identify(ctx context.Context, c *http.Client, a hostapi.Account) (hostapi.Identity, error) {
	var who struct{ ID string }
	err := rest.Caller{Client: c, Title: "Keyshop"}.JSON(ctx, http.MethodGet, s.server.URL+"/api/me?shop="+a.HostID, nil, nil, &who)
	return hostapi.Identity{Account: who.ID, Label: "shop " + who.ID, Email: "owner@shop.example", Company: "Corner Shop"}, err
}

// atKeyShop goes up to the shop's page.
func (b *browser) atKeyShop(id string) (toHost shown, state string) {
	b.d.t.Helper()
	toHost = b.enter(b.open(id), "Corner.example")
	u, err := url.Parse(toHost.location())
	if err != nil || toHost.status != http.StatusSeeOther {
		b.d.t.Fatalf("%d to %s: %v\n%s", toHost.status, toHost.location(), err, toHost.body)
	}
	return toHost, u.Query().Get("user_id")
}

// giveKeys answers the shop's page and gives the address to come back to.
func (b *browser) giveKeys(toHost shown, allow bool) string {
	b.d.t.Helper()
	form := url.Values{"allow": {""}}
	if allow {
		form.Set("allow", "1")
	}
	return b.do(http.MethodPost, toHost.location(), form).location()
}

func TestKeysConnectAndReturn(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("keys", "company-1")
	b := d.browser()
	toHost, state := b.atKeyShop("company-1")
	for _, part := range []string{"shop=corner.example", "callback_url=" + url.QueryEscape(d.url+"/oauth/keys/keys"), "return_url=" + url.QueryEscape(d.url+"/oauth/keys/callback")} {
		if !strings.Contains(toHost.location(), part) {
			t.Errorf("%s lacks %s", toHost.location(), part)
		}
	}
	back := b.giveKeys(toHost, true)
	d.untouched("company-1") // keys alone do nothing
	var all string
	if err := d.store.Pool.QueryRow(t.Context(), `SELECT a::text || encode(secrets, 'escape') FROM attempts a`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{state, "ck_1", "cs_1", "corner"} {
		if strings.Contains(all, secret) || strings.Contains(d.log.String(), secret) {
			t.Errorf("%s lies open", secret)
		}
	}
	d.browser().get(back).wants(t, http.StatusNotFound, "does not belong to an attempt") // without the cookie
	if done := b.get(back); done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d to %s:\n%s", done.status, done.location(), done.body)
	}
	b.get(back).wants(t, http.StatusConflict, "Keyshop is connected already")
	now := d.now("company-1")
	if !now.Enabled || *now.HostAccount != "corner.example" || *now.HostLabel != "shop corner.example" {
		t.Fatalf("%+v", now)
	}
	if len(d.keys.answers) != 1 || d.keys.answers[0] != http.StatusOK {
		t.Errorf("the shop got %v", d.keys.answers)
	}
	client := hostapi.NewClient(d.store, keyShop{d.keys}, now, nil)
	if _, err := (keyShop{d.keys}).Identify(t.Context(), client, hostapi.Account{}); err != nil {
		t.Errorf("the stored keys: %v", err)
	}
	if log := d.log.String(); strings.Contains(log, "cs_1") || strings.Contains(log, state) {
		t.Errorf("logged: %s", log)
	}
}

func TestKeysThatDoNotLetUsIn(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		setup  func(*keyServer)
		allow  bool
		status int
		text   string
	}{
		"denied":  {func(*keyServer) {}, false, http.StatusForbidden, "You did not allow access"},
		"none":    {func(s *keyServer) { s.silent = true }, true, http.StatusBadGateway, "Keyshop did not send its keys"},
		"useless": {func(s *keyServer) { s.opens = "" }, true, http.StatusBadGateway, "Keyshop did not accept the sign-in"},
		"other":   {func(s *keyServer) { s.opens = "other.example" }, true, http.StatusConflict, "You asked to connect corner.example, but at Keyshop you signed in with shop other.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			d.connectionAt("keys", "company-1")
			d.keys.do(func() { v.setup(d.keys) })
			b := d.browser()
			toHost, _ := b.atKeyShop("company-1")
			failed := b.get(b.giveKeys(toHost, v.allow))
			failed.wants(t, v.status, v.text)
			d.untouched("company-1")
			d.keys.do(func() { d.keys.silent, d.keys.opens = false, "corner.example" })
			again := b.get(b.press(failed).location())
			toHost = b.enter(again, "corner.example")
			if done := b.get(b.giveKeys(toHost, true)); done.status != http.StatusSeeOther || !d.now("company-1").Enabled {
				t.Fatalf("%d:\n%s", done.status, done.body)
			}
		})
	}
}

func TestReturnThatSaysNothing(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("keys", "company-1")
	b := d.browser()
	toHost, state := b.atKeyShop("company-1")
	b.giveKeys(toHost, true)
	b.get("/oauth/keys/callback?state="+state+"&code=x").wants(t, http.StatusNotFound, "Please start again") // that is OAuth's
	b.get("/oauth/keys/callback?user_id="+state).wants(t, http.StatusForbidden, "Keyshop did not give access")
	d.untouched("company-1")
}

func TestKeysAreTakenOnceAndOnlyWhileAwaited(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("keys", "company-1")
	b := d.browser()
	page := b.open("company-1")
	state := formParts.FindStringSubmatch(page.body)[2]
	secrets := func() string {
		var s string
		if err := d.store.Pool.QueryRow(t.Context(), `SELECT encode(secrets, 'hex') FROM attempts ORDER BY id LIMIT 1`).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	refused := func(name string, want int, path, body string) {
		t.Helper()
		before := secrets()
		if got := postKeys(d.url+path, body); got != want {
			t.Errorf("%s: answered %d, want %d", name, got, want)
		}
		if secrets() != before {
			t.Errorf("%s: something was stored", name)
		}
	}
	const path = "/oauth/keys/keys"
	refused("before the start", http.StatusNotFound, path, keysOf(state, "ck_1", "cs_1"))
	b.enter(page, "corner.example")
	refused("unknown", http.StatusNotFound, path, keysOf("made-up", "ck_1", "cs_1"))
	refused("not keys", http.StatusBadRequest, path, `{"user_id":"`+state+`"}`)
	refused("torn", http.StatusBadRequest, path, `{"user_id":`)
	refused("no name", http.StatusBadRequest, path, keysOf("", "ck_1", "cs_1"))
	refused("too large", http.StatusBadRequest, path, keysOf(state, strings.Repeat("k", formLimit), "cs_1"))
	refused("another host's", http.StatusNotFound, "/oauth/shop/keys", keysOf(state, "ck_1", "cs_1"))
	refused("no host", http.StatusNotFound, "/oauth/nowhere/keys", keysOf(state, "ck_1", "cs_1"))
	d.exec(`UPDATE attempts SET expires_at = now()`)
	refused("too late", http.StatusNotFound, path, keysOf(state, "ck_1", "cs_1"))
	d.exec(`UPDATE attempts SET expires_at = now() + interval '1 minute'`)

	var all sync.WaitGroup
	got := make([]int, 8)
	for i := range got {
		all.Go(func() { got[i] = postKeys(d.url+path, keysOf(state, "ck_1", "cs_1")) })
	}
	all.Wait()
	taken := 0
	for _, status := range got {
		if status == http.StatusOK {
			taken++
		} else if status != http.StatusConflict {
			t.Errorf("answered %d", status)
		}
	}
	if taken != 1 {
		t.Fatalf("%d of 8 were taken", taken)
	}
	refused("others", http.StatusConflict, path, keysOf(state, "ck_2", "cs_2"))
	if done := b.get("/oauth/keys/callback?success=1&user_id=" + state); done.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
	if got := postKeys(d.url+path, keysOf(state, "ck_2", "cs_2")); got != http.StatusNotFound {
		t.Errorf("after the end: answered %d", got)
	}
}

// TestKeysOfAnotherShopDoNotCount: whoever goes back and names another shop
// must not have the first one's keys tried there.
func TestKeysOfAnotherShopDoNotCount(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("keys", "company-1")
	b := d.browser()
	page := b.open("company-1")
	b.giveKeys(b.enter(page, "corner.example"), true)
	d.keys.do(func() { d.keys.silent, d.keys.opens = true, "second.example" })
	back := b.giveKeys(b.enter(page, "second.example"), true)
	b.get(back).wants(t, http.StatusBadGateway, "did not send its keys")
	d.untouched("company-1")
}

func TestUsedKeysLeaveTheAttempt(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("keys", "company-1")
	d.keys.do(func() { d.keys.opens = "" })
	b := d.browser()
	toHost, state := b.atKeyShop("company-1")
	b.get(b.giveKeys(toHost, true))
	used, err := d.store.FindAttempt(t.Context(), "keys", state, b.cookie())
	if used == nil || used.Keys != nil || used.Account != "corner.example" {
		t.Fatalf("%+v, %v", used, err)
	}
}

// cookie is what the service gave this browser.
func (b *browser) cookie() string {
	b.d.t.Helper()
	u, err := url.Parse(b.d.url)
	if err != nil {
		b.d.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "attempt" {
			return c.Value
		}
	}
	b.d.t.Fatal("no cookie")
	return ""
}

func TestInstallByKeys(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	b := d.browser()
	toHost := b.enter(b.get("/install/keys"), "corner.example")
	onward := b.get(b.giveKeys(toHost, true))
	b.get(onward.location()).wants(t, http.StatusOK, "Setting up TrustFile")
	d.is(1, `SELECT count(*) FROM connections c JOIN tokens t ON t.connection_id = c.id
		WHERE c.host_account = 'corner.example' AND c.authorized AND t.refresh IS NULL AND t.expires_at IS NULL`)
}

func TestPostsOfKeysAreLimited(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	for range startsAtOnce + startsPerMinute {
		if postKeys(d.url+"/oauth/keys/keys", keysOf("made-up", "ck_1", "cs_1")) == http.StatusTooManyRequests {
			return
		}
	}
	t.Fatal("not limited")
}

package sandbox

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const callback = "http://localhost:8080/oauth/sandbox/callback"

// newClient is the extractor's side of OAuth.
func newOAuth(w *World) *oauth2.Config {
	return &oauth2.Config{
		ClientID: w.ClientID(), ClientSecret: w.ClientSecret(), RedirectURL: callback, Scopes: []string{scopeOrders, scopeOffline},
		Endpoint: oauth2.Endpoint{
			AuthURL: w.HostURL() + authorizePath, TokenURL: w.HostURL() + tokenPath, AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// decide walks a browser through the consent page and gives the callback's query.
func decide(t *testing.T, w *World, address, account, decision string) url.Values {
	t.Helper()
	r := ask(t, "GET", address, "", nil)
	if r.status != http.StatusFound {
		t.Fatalf("authorize: %d %s", r.status, r.body)
	}
	page := ask(t, "GET", w.HostURL()+r.header.Get("Location"), "", nil)
	request := regexp.MustCompile(`name="request" value="([^"]+)"`).FindSubmatch(page.body)
	if request == nil || !strings.Contains(string(page.body), "Harbor Goods") {
		t.Fatalf("no consent page: %s", page.body)
	}
	r = postForm(t, w.HostURL()+consentPath, url.Values{
		"request": {html.UnescapeString(string(request[1]))}, "account": {account}, "decision": {decision},
	})
	for r.status == http.StatusSeeOther {
		r = ask(t, "GET", w.HostURL()+r.header.Get("Location"), "", nil)
	}
	to, err := url.Parse(r.header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), callback) {
		t.Fatalf("%d to %q: %s", r.status, to, r.body)
	}
	return to.Query()
}

func postForm(t *testing.T, address string, form url.Values) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(req)
}

// consented goes through the whole dance.
func consented(t *testing.T, w *World, account string) *oauth2.Token {
	t.Helper()
	c, verifier := newOAuth(w), oauth2.GenerateVerifier()
	back := decide(t, w, c.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)), account, "allow")
	if back.Get("state") != "state-1" {
		t.Fatalf("the state came back as %q", back.Get("state"))
	}
	token, err := c.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func shopWith(t *testing.T, w *World, token string) int {
	t.Helper()
	return ask(t, "GET", w.HostURL()+"/api/shop", token, nil).status
}

// refreshed asks for new tokens.
func refreshed(t *testing.T, w *World, refresh string) (*oauth2.Token, error) {
	t.Helper()
	return newOAuth(w).TokenSource(t.Context(), &oauth2.Token{RefreshToken: refresh}).Token()
}

func TestOAuthDance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Grace: -1})
	first := consented(t, w, "shop-2")
	if first.RefreshToken == "" || time.Until(first.Expiry) > 5*time.Minute || time.Until(first.Expiry) < 4*time.Minute {
		t.Fatalf("refresh token %v, expiry in %v", first.RefreshToken != "", time.Until(first.Expiry))
	}
	who := into[struct{ Shop Shop }](t, ask(t, "GET", w.HostURL()+"/api/shop", first.AccessToken, nil))
	if who.Shop.ID != "shop-2" || who.Shop.Zone != "America/Los_Angeles" {
		t.Errorf("the token opens %+v", who.Shop)
	}
	second, err := refreshed(t, w, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == first.RefreshToken || shopWith(t, w, second.AccessToken) != http.StatusOK {
		t.Error("the refresh token did not rotate, or the new access token does not work")
	}
	wantInvalidGrant(t, w, first.RefreshToken)
	stats := w.Host.Stats()["shop-2"]
	if stats.Grants != 1 || stats.Refreshes != 1 || stats.Refused != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func wantInvalidGrant(t *testing.T, w *World, refresh string) {
	t.Helper()
	_, err := refreshed(t, w, refresh)
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("a dead refresh token: %v", err)
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	for _, which := range []string{"access_token", "refresh_token"} {
		token := consented(t, w, "shop-1")
		shown := map[string]string{"access_token": token.AccessToken, "refresh_token": token.RefreshToken}[which]
		form := url.Values{"token": {shown}, "client_id": {w.ClientID()}, "client_secret": {"wrong"}}
		if r := postForm(t, w.HostURL()+revokePath, form); r.status != http.StatusUnauthorized {
			t.Errorf("revocation with a wrong secret: %d", r.status)
		}
		form.Set("client_secret", w.ClientSecret())
		if r := postForm(t, w.HostURL()+revokePath, form); r.status != http.StatusOK {
			t.Errorf("revocation by %s: %d %s", which, r.status, r.body)
		}
		if got := shopWith(t, w, token.AccessToken); got != http.StatusUnauthorized {
			t.Errorf("after revocation by %s: %d", which, got)
		}
		wantInvalidGrant(t, w, token.RefreshToken)
	}
	if n := w.Host.Stats()["shop-1"].Revocations; n != 2 {
		t.Errorf("%d revocations counted", n)
	}
}

func TestExpiryAndGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{TokenLife: 30 * time.Millisecond, Grace: time.Hour})
	token := consented(t, w, "shop-1")
	time.Sleep(40 * time.Millisecond)
	if got := shopWith(t, w, token.AccessToken); got != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", got)
	}
	for range 3 { // the answers to the first and the second may have been lost
		if _, err := refreshed(t, w, token.RefreshToken); err == nil {
			continue
		}
		t.Error("within the grace time the former refresh token still works")
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	address := newOAuth(w).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	back := decide(t, w, address, "shop-1", "deny")
	if back.Get("error") != "access_denied" || back.Get("state") != "s" || back.Has("code") {
		t.Errorf("denied: %v", back)
	}
}

func TestOAuthRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	c := newOAuth(w)
	t.Run("without PKCE", func(t *testing.T) {
		r := ask(t, "GET", c.AuthCodeURL("s"), "", nil)
		if to := r.header.Get("Location"); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("%d %s", r.status, to)
		}
	})
	t.Run("foreign redirect", func(t *testing.T) {
		foreign := *c
		foreign.RedirectURL = "https://evil.example/callback"
		r := ask(t, "GET", foreign.AuthCodeURL("s", oauth2.S256ChallengeOption("v")), "", nil)
		if r.status != http.StatusBadRequest {
			t.Errorf("%d %s", r.status, r.header.Get("Location"))
		}
	})
	t.Run("wrong verifier, then twice", func(t *testing.T) {
		verifier := oauth2.GenerateVerifier()
		code := decide(t, w, c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "shop-1", "allow").Get("code")
		if _, err := c.Exchange(context.Background(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Error("a wrong verifier was taken")
		}
		if _, err := c.Exchange(context.Background(), code, oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
		if _, err := c.Exchange(context.Background(), code, oauth2.VerifierOption(verifier)); err == nil {
			t.Error("a code was taken twice")
		}
	})
	t.Run("expired page", func(t *testing.T) {
		if r := ask(t, "GET", w.HostURL()+consentPath+"?request=none", "", nil); r.status != http.StatusBadRequest {
			t.Errorf("%d", r.status)
		}
	})
	t.Run("no token", func(t *testing.T) {
		for _, token := range []string{"", "nonsense"} {
			if got := shopWith(t, w, token); got != http.StatusUnauthorized {
				t.Errorf("%q: %d", token, got)
			}
		}
	})
}

func TestRefreshRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Grace: -1})
	g, err := w.Host.Grant("shop-1")
	if err != nil {
		t.Fatal(err)
	}
	const racers = 8
	won := make(chan bool, racers)
	for range racers {
		go func() {
			_, err := refreshed(t, w, g.RefreshToken)
			won <- err == nil
		}()
	}
	n := 0
	for range racers {
		if <-won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of %d refreshes with one token succeeded", n, racers)
	}
}

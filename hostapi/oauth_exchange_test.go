package hostapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
	"extractor/models"
)

// basicShop says who it is in the header.
type basicShop struct{ shop }

func (s basicShop) OAuth(a hostapi.Account) *oauth2.Config {
	c := s.shop.OAuth(a)
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return c
}

const callbackURL = "https://extractor.example/oauth/shop/callback"

// redeem goes through consent and exchange.
func redeem(t *testing.T, server *oauthtest.Server, host hostapi.Host) (models.Token, hostapi.Identity, error) {
	t.Helper()
	c := &models.Connection{ID: 1, Host: "shop"}
	consent := hostapi.Consent{RedirectURL: callbackURL, State: "state", Verifier: models.RandomToken()}
	address := hostapi.ConsentURL(host, c, consent)
	if strings.Contains(address, consent.Verifier) {
		t.Error("the browser sees the verifier")
	}
	back, err := server.ConsentForm(address, true)
	if err != nil {
		t.Fatal(err)
	}
	return hostapi.Redeem(t.Context(), host, c, consent, back.Query(), nil)
}

func TestExchangesOfEveryKind(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		setup func(*oauthtest.Server)
		host  func(*oauthtest.Server) hostapi.Host
	}{
		"plain": {func(*oauthtest.Server) {}, func(s *oauthtest.Server) hostapi.Host { return shop{server: s} }},
		"JSON": {func(s *oauthtest.Server) { s.JSON = true }, func(s *oauthtest.Server) hostapi.Host {
			return shop{s, hostapi.Exchange{JSON: true}}
		}},
		"no PKCE": {func(s *oauthtest.Server) { s.NoPKCE = true }, func(s *oauthtest.Server) hostapi.Host {
			return shop{s, hostapi.Exchange{NoPKCE: true}}
		}},
		"client in the header": {func(*oauthtest.Server) {}, func(s *oauthtest.Server) hostapi.Host { return basicShop{shop{server: s}} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, store := oauthtest.New(t), pgtest.Store(t)
			server.Do(func() { v.setup(server) })
			host := v.host(server)
			token, who, err := redeem(t, server, host)
			if err != nil || who.Account != "acc-1" || token.Refresh == "" || time.Until(token.ExpiresAt) < 59*time.Minute {
				t.Fatalf("%+v, %v", who, err)
			}
			c := connect(t, store, token)
			server.ExpireAccess()
			if _, err := server.Me(t.Context(), hostapi.NewClient(store, host, c, nil), true); err != nil {
				t.Fatalf("refreshed: %v", err)
			}
		})
	}
}

func TestAddedParametersAndHeaders(t *testing.T) {
	t.Parallel()
	server := oauthtest.New(t)
	host := shop{server, hostapi.Exchange{AuthParams: url.Values{"session": {"false"}}, Header: http.Header{"Square-Version": {"2026-05-20"}}}}
	address := hostapi.ConsentURL(host, &models.Connection{}, hostapi.Consent{State: "s", Verifier: "v"})
	if !strings.Contains(address, "session=false") || !strings.Contains(address, "code_challenge_method=S256") {
		t.Error(address)
	}
	var got string
	server.Do(func() {
		server.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			got = r.Header.Get("Square-Version")
			return false
		}
	})
	if _, _, err := redeem(t, server, host); err != nil || got != "2026-05-20" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestLifeOfAnAccessToken(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		answer string // IN30DAYS stands for that time
		way    hostapi.Exchange
		want   time.Duration // 0 = for ever
	}{
		"seconds":         {`"expires_in":3600`, hostapi.Exchange{}, time.Hour},
		"text":            {`"expires_in":"3600"`, hostapi.Exchange{}, time.Hour},
		"decimals":        {`"expires_in":3600.0`, hostapi.Exchange{}, time.Hour},
		"a date":          {`"expires_at":"IN30DAYS"`, hostapi.Exchange{ExpiresAt: "expires_at"}, 30 * 24 * time.Hour},
		"a date past":     {`"expires_at":"2001-01-01T00:00:00Z"`, hostapi.Exchange{ExpiresAt: "expires_at"}, time.Second},
		"nothing":         {`"x":1`, hostapi.Exchange{}, 0},
		"nothing, a rule": {`"x":1`, hostapi.Exchange{Life: time.Hour}, time.Hour},
		"null":            {`"expires_in":null`, hostapi.Exchange{Life: time.Hour}, time.Hour},
		"zero":            {`"expires_in":0`, hostapi.Exchange{}, 0},
		"absurd":          {`"expires_in":1e300`, hostapi.Exchange{}, 10 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, store := oauthtest.New(t), pgtest.Store(t)
			c := connect(t, store, models.Token{Access: "old", Refresh: "r"})
			exec(t, store, `UPDATE tokens SET refreshed_at = now() - interval '2 days'`)
			began := time.Now() // not earlier: a database of one's own can take its time
			answer := strings.ReplaceAll(v.answer, "IN30DAYS", began.Add(30*24*time.Hour).UTC().Format(time.RFC3339))
			server.Do(func() { server.Before = status(200, `{"access_token":"new",`+answer+`}`) })
			if err := hostapi.KeepAlive(t.Context(), store, map[string]hostapi.Host{"shop": shop{server, v.way}}, nil, unexpected(t)); err != nil {
				t.Fatal(err)
			}
			token, err := store.Token(t.Context(), c.ID)
			if err != nil || token.Access != "new" {
				t.Fatal(err)
			}
			if v.want == 0 {
				if !token.ExpiresAt.IsZero() {
					t.Fatalf("expires at %v", token.ExpiresAt)
				}
				return
			}
			// Whole seconds are lost in writing a date; the exchange itself takes a while.
			if off := token.ExpiresAt.Sub(began) - v.want; off < -2*time.Second || off > time.Since(began)+2*time.Second {
				t.Fatalf("expires at %v", token.ExpiresAt)
			}
		})
	}
}

func TestWordsThatSayTheGrantIsGone(t *testing.T) {
	t.Parallel()
	way := hostapi.Exchange{Withdrawn: []string{"ACCESS_TOKEN_REVOKED"}}
	for body, want := range map[string]models.Kind{
		`{"error":"invalid_grant"}`:                      models.Unauthorised,
		`{"errors":[{"code":"ACCESS_TOKEN_REVOKED"}]}`:   models.Unauthorised,
		`{"errors":[{"code":"RATE_LIMITED"}]}`:           models.Internal,
		`{"type":"service.not_authorized"}`:              models.Internal,
		`{"error":{"message":"some object"}}`:            models.Internal,
		`{"error":"<script>invalid_grant</script>"}`:     models.Internal,
		`not JSON, although it says "invalid_grant" too`: models.Internal,
	} {
		server, store := oauthtest.New(t), pgtest.Store(t)
		c := connect(t, store, expired(server))
		server.Do(func() { server.Before = status(401, body) })
		_, err := server.Me(t.Context(), hostapi.NewClient(store, shop{server, way}, c, nil), false)
		if models.KindOf(err) != want || strings.Contains(err.Error(), "<script>") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestOddRequestsForATokenByACode(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		way  hostapi.Exchange
		want string // the form without code, code_verifier and client_secret
	}{
		"plain": {hostapi.Exchange{}, "client_id=test-client&grant_type=authorization_code&redirect_uri=" + url.QueryEscape(callbackURL)},
		"more": {hostapi.Exchange{CodeParams: url.Values{"expiring": {"1"}}},
			"client_id=test-client&expiring=1&grant_type=authorization_code&redirect_uri=" + url.QueryEscape(callbackURL)},
		"less": {hostapi.Exchange{Omit: []string{"grant_type", "redirect_uri"}}, "client_id=test-client"},
		"an echo": {hostapi.Exchange{Echo: []string{"state"}, Omit: []string{"redirect_uri"}},
			"client_id=test-client&grant_type=authorization_code&state=state"},
		"no client": {hostapi.Exchange{NoClient: true, Omit: []string{"redirect_uri"}}, "grant_type=authorization_code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := oauthtest.New(t)
			var got url.Values
			server.Do(func() {
				server.Before = func(w http.ResponseWriter, r *http.Request) bool {
					_ = r.ParseForm()
					got = r.PostForm
					return status(400, `{"error":"invalid_grant"}`)(w, r) // what it says is looked at, not whether it is right
				}
			})
			if _, _, err := redeem(t, server, shop{server, v.way}); models.KindOf(err) != models.Unauthorised {
				t.Fatalf("got %v", err)
			}
			if got.Get("code") == "" || got.Get("code_verifier") == "" || got.Has("client_secret") == v.way.NoClient {
				t.Errorf("sent %v", got)
			}
			for _, known := range []string{"code", "code_verifier", "client_secret"} {
				got.Del(known)
			}
			if got.Encode() != v.want {
				t.Errorf("sent %s, want %s", got.Encode(), v.want)
			}
		})
	}
}

// TestWhoWeAreInAHeaderAlone: such a host takes the same for a refresh.
func TestWhoWeAreInAHeaderAlone(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	header := http.Header{}
	(&http.Request{Header: header}).SetBasicAuth(oauthtest.ClientID, oauthtest.ClientSecret)
	host := shop{server, hostapi.Exchange{NoClient: true, Header: header}}
	token, _, err := redeem(t, server, host)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, store, token)
	server.ExpireAccess()
	if _, err := server.Me(t.Context(), hostapi.NewClient(store, host, c, nil), false); err != nil {
		t.Fatalf("refreshed: %v", err)
	}
	if header.Get("Content-Type") != "" {
		t.Error("the host's own header was written into")
	}
}

func TestConsentThatEnds(t *testing.T) {
	t.Parallel()
	server := oauthtest.New(t)
	years := 5 * 365 * 24 * time.Hour
	token, _, err := redeem(t, server, shop{server, hostapi.Exchange{Consent: years}})
	if off := time.Until(token.ConsentEnds) - years; err != nil || off > 0 || off < -time.Minute {
		t.Fatalf("ends at %v, %v", token.ConsentEnds, err)
	}
	if token, _, err = redeem(t, server, shop{server: server}); err != nil || !token.ConsentEnds.IsZero() {
		t.Fatalf("ends at %v, %v", token.ConsentEnds, err)
	}
}

// oddShop shows its token, is reached and signs its callback in ways of its own.
type oddShop struct {
	shop
	reached *atomic.Int32
}

var (
	_ hostapi.Presenter       = oddShop{}
	_ hostapi.Transporter     = oddShop{}
	_ hostapi.CallbackChecker = oddShop{}
)

func (oddShop) Present(h http.Header, access string) { h.Set("X-Access-Token", access) }
func (s oddShop) Transport() http.RoundTripper       { return s }
func (oddShop) CheckCallback(callback url.Values) error {
	if callback.Get("signature") != "good" {
		return models.Errorf(models.Refused, "This is not from Testshop.")
	}
	return nil
}

// RoundTrip sees to it that the API gets the token as it reads it.
func (s oddShop) RoundTrip(r *http.Request) (*http.Response, error) {
	s.reached.Add(1)
	if strings.HasSuffix(r.URL.Path, "/api/me") {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Access-Token") == "" {
			return nil, errors.New("the token is not where this host reads it")
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+r.Header.Get("X-Access-Token"))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestHostWithWaysOfItsOwn(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	host := oddShop{shop{server: server}, new(atomic.Int32)}
	if _, _, err := redeem(t, server, host); models.KindOf(err) != models.Refused || server.Calls() != 0 {
		t.Fatalf("an unsigned callback: %v after %d token calls", err, server.Calls())
	}
	consent := hostapi.Consent{RedirectURL: callbackURL, State: "state", Verifier: models.RandomToken()}
	back, err := server.ConsentForm(hostapi.ConsentURL(host, &models.Connection{}, consent), true)
	if err != nil {
		t.Fatal(err)
	}
	callback := back.Query()
	callback.Set("signature", "good")
	token, who, err := hostapi.Redeem(t.Context(), host, &models.Connection{}, consent, callback, nil)
	if err != nil || who.Account != "acc-1" || host.reached.Load() != 2 { // the code, and whose it is
		t.Fatalf("%+v, %v, reached %d times", who, err, host.reached.Load())
	}
	c := connect(t, store, token)
	server.ExpireAccess()
	if _, err := server.Me(t.Context(), hostapi.NewClient(store, host, c, nil), true); err != nil || host.reached.Load() != 5 {
		t.Fatalf("%v, reached %d times", err, host.reached.Load())
	}
	exec(t, store, `UPDATE tokens SET refreshed_at = now() - interval '2 days'`)
	if err := hostapi.KeepAlive(t.Context(), store, map[string]hostapi.Host{"shop": host}, nil, unexpected(t)); err != nil || host.reached.Load() != 6 {
		t.Fatalf("kept alive: %v, reached %d times", err, host.reached.Load())
	}
}

// namedShop has a token endpoint per account.
type namedShop struct{ shop }

func (s namedShop) OAuth(a hostapi.Account) *oauth2.Config {
	c := s.shop.OAuth(a)
	c.Endpoint.AuthURL += "?shop=" + a.HostID
	c.Endpoint.TokenURL += "?shop=" + a.HostID
	return c
}

func TestAccountKnownBeforeConsent(t *testing.T) {
	t.Parallel()
	server := oauthtest.New(t)
	var asked []string
	server.Do(func() {
		server.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			asked = append(asked, r.URL.Query().Get("shop"))
			return false
		}
	})
	known := "known"
	for want, c := range map[string]*models.Connection{"typed": {}, "known": {HostAccount: &known}} {
		consent := hostapi.Consent{RedirectURL: callbackURL, State: "state", Verifier: models.RandomToken(), Account: "typed"}
		address := hostapi.ConsentURL(namedShop{shop{server: server}}, c, consent)
		back, err := server.ConsentForm(address, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := hostapi.Redeem(t.Context(), namedShop{shop{server: server}}, c, consent, back.Query(), nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(address, "shop="+want+"&") || asked[len(asked)-1] != want {
			t.Errorf("asked %v at %s, want %s", asked, address, want)
		}
	}
}

// keyShop is entered by keys, which never run out.
type keyShop struct{ server *oauthtest.Server }

func (keyShop) Info() hostapi.Info                              { return hostapi.Info{Title: "Keyshop"} }
func (keyShop) Transform(hostapi.Record) ([]models.Item, error) { return nil, nil }
func (keyShop) GrantURL(g hostapi.Grant) string                 { return "https://" + g.Account }
func (keyShop) ReadKeys([]byte) (string, models.Token, error)   { return "", models.Token{}, nil }
func (s keyShop) Identify(ctx context.Context, c *http.Client, a hostapi.Account) (hostapi.Identity, error) {
	_, err := s.server.Me(ctx, c, false)
	return hostapi.Identity{Account: a.HostID}, err
}

func TestKeysNeedNoRenewal(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	host := keyShop{server}
	if got := hostapi.GrantURL(host, &models.Connection{}, hostapi.Grant{Account: "corner.example"}); got != "https://corner.example" {
		t.Error(got)
	}
	keys := models.Token{Access: server.Grant().Access}
	who, err := hostapi.Prove(t.Context(), host, &models.Connection{}, "corner.example", keys, nil)
	if err != nil || who.Account != "corner.example" {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := hostapi.Prove(t.Context(), host, &models.Connection{}, "", keys, nil); models.KindOf(err) != models.Unavailable {
		t.Errorf("nobody's keys: %v", err)
	}
	c := connect(t, store, keys)
	exec(t, store, `UPDATE tokens SET refreshed_at = now() - interval '10 years'`)
	if err := hostapi.KeepAlive(t.Context(), store, map[string]hostapi.Host{"shop": host}, nil, unexpected(t)); err != nil {
		t.Fatal(err)
	}
	client := hostapi.NewClient(store, host, c, nil)
	if _, err := server.Me(t.Context(), client, true); err != nil {
		t.Fatal(err)
	}
	server.Revoke()
	if _, err := server.Me(t.Context(), client, true); models.KindOf(err) != models.Unauthorised || server.Calls() != 0 {
		t.Fatalf("got %v after %d token calls", err, server.Calls())
	}
}

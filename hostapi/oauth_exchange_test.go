package hostapi_test

import (
	"net/http"
	"net/url"
	"strings"
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

// redeem goes through consent and exchange.
func redeem(t *testing.T, server *oauthtest.Server, host hostapi.Host) (models.Token, hostapi.Identity, error) {
	t.Helper()
	c := &models.Connection{ID: 1, Host: "shop"}
	consent := hostapi.Consent{RedirectURL: "https://extractor.example/oauth/shop/callback", State: "state", Verifier: models.RandomToken()}
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

package hostapi_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
	"extractor/models"
)

// shop is a host behind an OAuth server.
type shop struct {
	server *oauthtest.Server
	way    hostapi.Exchange
}

var (
	_ hostapi.Authorizer = shop{}
	_ hostapi.Exchanger  = shop{}
)

func (s shop) Info() hostapi.Info                              { return hostapi.Info{Title: "Testshop"} }
func (s shop) Transform(hostapi.Record) ([]models.Item, error) { return nil, nil }
func (s shop) OAuth(hostapi.Account) *oauth2.Config            { return s.server.Config() }
func (s shop) Exchange() hostapi.Exchange                      { return s.way }
func (s shop) Identify(ctx context.Context, c *http.Client, _ url.Values) (hostapi.Identity, error) {
	who, err := s.server.Me(ctx, c, false)
	return hostapi.Identity{Account: who.ID, Label: "account " + who.ID}, err
}

// connect makes a connection with a token in the store.
func connect(t *testing.T, store *models.Store, token models.Token) *models.Connection {
	t.Helper()
	id := models.RandomToken()
	c := &models.Connection{ExternalID: &id, Host: "shop", Authorized: true, Zone: "UTC"}
	if err := store.DB(t.Context()).Create(c).Error; err != nil {
		t.Fatal(err)
	}
	if err := store.PutToken(t.Context(), c.ID, token); err != nil {
		t.Fatal(err)
	}
	return c
}

// expired is a token of a real grant whose access token has run out.
func expired(server *oauthtest.Server) models.Token {
	token := server.Grant()
	server.ExpireAccess()
	token.ExpiresAt = time.Now().Add(-time.Minute)
	return token
}

// twin is a second store on the same database, as another process has it.
func twin(t *testing.T, store *models.Store) *models.Store {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(t.Context(), store.Pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	other, err := models.NewStore(pool, store.Sealer)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestManyProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	stores := []*models.Store{store, twin(t, store)}
	c := connect(t, store, expired(server))
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for i := range 64 {
		wg.Go(func() {
			client := hostapi.NewClient(stores[i%2], shop{server: server}, c, nil)
			_, err := server.Me(context.Background(), client, i%3 == 0)
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if n := server.Calls(); n != 1 {
		t.Errorf("%d token calls, want 1", n)
	}
	server.ExpireAccess()
	if _, err := server.Me(t.Context(), hostapi.NewClient(store, shop{server: server}, c, nil), false); err != nil {
		t.Errorf("the grant is dead afterwards: %v", err)
	}
}

func TestUnauthorizedAnswerRefreshesOnce(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	c := connect(t, store, server.Grant())
	server.ExpireAccess() // earlier than it said
	var wg sync.WaitGroup
	client := hostapi.NewClient(store, shop{server: server}, c, nil)
	for i := range 32 {
		wg.Go(func() {
			if _, err := server.Me(context.Background(), client, i%2 == 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := server.Calls(); n != 1 {
		t.Errorf("%d token calls, want 1", n)
	}
}

func TestWithdrawnGrantIsUnauthorised(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	c := connect(t, store, server.Grant())
	server.Revoke()
	_, err := server.Me(t.Context(), hostapi.NewClient(store, shop{server: server}, c, nil), false)
	if models.KindOf(err) != models.Unauthorised || !strings.Contains(models.Sentence(err, ""), "Testshop no longer lets us in") {
		t.Fatalf("got %v", err)
	}
}

func TestRefreshWithoutRefreshToken(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	token := server.Grant()
	token.Refresh = ""
	c := connect(t, store, token)
	client := hostapi.NewClient(store, shop{server: server}, c, nil)
	if _, err := server.Me(t.Context(), client, true); err != nil {
		t.Fatal(err)
	}
	server.ExpireAccess()
	if _, err := server.Me(t.Context(), client, true); models.KindOf(err) != models.Unauthorised {
		t.Fatalf("got %v", err)
	}
	if n := server.Calls(); n != 0 {
		t.Errorf("%d token calls, want none", n)
	}
}

func TestTroubleOfTheTokenEndpointNeverDeauthorises(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":      status(500, `{"error":"server_error"}`),
		"502 html": status(502, `<html>`),
		"429":      status(429, `{}`),
		"408":      status(408, ``),
		"cut":      func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		"torn":     status(200, `{"access_tok`),
		"empty":    status(200, `{}`),
		"client":   status(401, `{"error":"invalid_client"}`),
		"request":  status(400, `{"error":"invalid_request"}`),
		"403 html": status(403, `<html>blocked`),
		"redirect": status(302, ``),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, store := oauthtest.New(t), pgtest.Store(t)
			c := connect(t, store, expired(server))
			server.Do(func() { server.Before = trouble })
			client := hostapi.NewClient(store, shop{server: server}, c, nil)
			_, err := server.Me(t.Context(), client, false)
			if kind := models.KindOf(err); err == nil || kind == models.Unauthorised || kind == models.Unsure {
				t.Errorf("got %v", err)
			}
			server.Do(func() { server.Before = nil })
			if _, err := server.Me(t.Context(), client, false); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestValidTokenIsUsedWhileItCannotBeRenewed(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	token := server.Grant()
	token.ExpiresAt = time.Now().Add(10 * time.Minute)
	c := connect(t, store, token)
	exec(t, store, `UPDATE tokens SET refreshed_at = now() - interval '50 minutes'`) // in the last fifth of its life
	server.Do(func() { server.Before = status(500, "") })
	client := hostapi.NewClient(store, shop{server: server}, c, nil)
	for range 3 {
		if _, err := server.Me(t.Context(), client, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Calls(); n != 2 { // the try and its repetition, then a pause
		t.Errorf("%d token calls, want 2", n)
	}
}

func TestLostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	c := connect(t, store, expired(server))
	// A lenient server: the reply is lost before the server acts.
	var calls int
	server.Do(func() {
		server.Before = func(http.ResponseWriter, *http.Request) bool {
			if calls++; calls == 1 {
				panic(http.ErrAbortHandler)
			}
			return false
		}
	})
	if _, err := server.Me(t.Context(), hostapi.NewClient(store, shop{server: server}, c, nil), false); err != nil {
		t.Fatal(err)
	}
	if n := server.Calls(); n != 2 {
		t.Errorf("%d token calls, want 2", n)
	}
}

func TestLostAnswerOfAStrictServerNeedsConsent(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	c := connect(t, store, expired(server))
	server.Do(func() { server.Lose = 1 })
	_, err := server.Me(t.Context(), hostapi.NewClient(store, shop{server: server}, c, nil), false)
	if models.KindOf(err) != models.Unauthorised {
		t.Fatalf("got %v", err)
	}
}

func TestPreviousRefreshTokenIsKeptUntilTheNewOneWorked(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	old := expired(server)
	c := connect(t, store, old)
	host := shop{server: server}
	client := hostapi.NewClient(store, host, c, nil)
	server.Do(func() { server.Life = time.Hour })
	// Refreshed, but the API fails before the new access token was of use.
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/me", nil)
	broken := hostapi.NewClient(store, host, c, failing{server.URL + "/api/me"})
	if _, err := broken.Do(req); err == nil {
		t.Fatal("expected a failure")
	}
	token, err := store.Token(t.Context(), c.ID)
	if err != nil || token.Previous != old.Refresh || token.Refresh == old.Refresh {
		t.Fatalf("previous kept: %v, %v", token.Previous == old.Refresh, err)
	}
	if _, err := server.Me(t.Context(), client, false); err != nil {
		t.Fatal(err)
	}
	if token, err = store.Token(t.Context(), c.ID); err != nil || token.Previous != "" {
		t.Fatalf("previous gone: %v, %v", token.Previous == "", err)
	}
}

// failing cannot reach one address.
type failing struct{ address string }

func (f failing) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.String() == f.address {
		return nil, context.DeadlineExceeded
	}
	return http.DefaultTransport.RoundTrip(req)
}

func TestCancelledCallerDoesNotCutARefreshShort(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	c := connect(t, store, expired(server))
	ctx, cancel := context.WithCancel(t.Context())
	server.Do(func() {
		server.Before = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
	})
	_, err := server.Me(ctx, hostapi.NewClient(store, shop{server: server}, c, nil), false)
	if err == nil {
		t.Fatal("the caller was cancelled and noticed nothing")
	}
	token, err := store.Token(t.Context(), c.ID)
	if err != nil || token.Version != 2 {
		t.Fatalf("version %d, %v: the new pair was not stored", token.Version, err)
	}
}

func TestHostThatKeepsItsRefreshToken(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	old := expired(server)
	c := connect(t, store, old)
	server.Do(func() { server.Before = status(200, `{"access_token":"next","expires_in":"3600"}`) })
	host := shop{server, hostapi.Exchange{RefreshDue: time.Millisecond}}
	err := hostapi.KeepAlive(t.Context(), store, map[string]hostapi.Host{"shop": host}, nil, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	token, err := store.Token(t.Context(), c.ID)
	if err != nil || token.Access != "next" || token.Refresh != old.Refresh || token.Previous != "" {
		t.Fatalf("kept: %v, %v", token.Refresh == old.Refresh, err)
	}
	if left := time.Until(token.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v", left)
	}
}

func unexpected(t *testing.T) func(context.Context, *models.Connection, error) {
	return func(_ context.Context, c *models.Connection, err error) { t.Errorf("connection %d: %v", c.ID, err) }
}

func TestKeepAliveRenewsWhatIsOldAndReportsWhatIsGone(t *testing.T) {
	t.Parallel()
	server, store := oauthtest.New(t), pgtest.Store(t)
	hosts := map[string]hostapi.Host{"shop": shop{server: server}}
	fresh, old, gone := connect(t, store, server.Grant()), connect(t, store, server.Grant()), connect(t, store, models.Token{Access: "a", Refresh: "unknown"})
	exec(t, store, `UPDATE tokens SET refreshed_at = now() - interval '25 hours' WHERE connection_id <> $1`, fresh.ID)
	exec(t, store, `UPDATE connections SET wish = 'off'`) // kept alive all the same
	var failed []int64
	run := func() {
		err := hostapi.KeepAlive(t.Context(), store, hosts, nil, func(_ context.Context, c *models.Connection, err error) {
			if models.KindOf(err) != models.Unauthorised {
				t.Errorf("got %v", err)
			}
			failed = append(failed, c.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run()
	run() // the one that failed rests now
	if len(failed) != 1 || failed[0] != gone.ID || server.Calls() != 2 {
		t.Fatalf("failed %v after %d calls", failed, server.Calls())
	}
	if token, err := store.Token(t.Context(), old.ID); err != nil || token.Version != 2 {
		t.Fatalf("version %d, %v", token.Version, err)
	}
}

func exec(t *testing.T, store *models.Store, sql string, args ...any) {
	t.Helper()
	if _, err := store.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

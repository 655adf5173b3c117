package stripe

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := Config{ClientID: "ca_app", SecretKey: "sk_test_hush"}
	wrong := map[string]hostapitest.Wrong{}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no id":         {func(c *Config) { c.ClientID = "" }, "STRIPE_CLIENT_ID"},
		"no key":        {func(c *Config) { c.SecretKey = "" }, "STRIPE_SECRET_KEY"},
		"another key":   {func(c *Config) { c.SecretKey = "pk_live_hush" }, "STRIPE_SECRET_KEY"},
		"address":       {func(c *Config) { c.BaseURL = "api.stripe.com" }, "STRIPE_BASE_URL"},
		"other scheme":  {func(c *Config) { c.BaseURL = "ftp://x" }, "STRIPE_BASE_URL"},
		"whole link":    {func(c *Config) { c.AuthorizeURL = "https://x.example.com/authorize?client_id=1" }, "STRIPE_AUTHORIZE_URL"},
		"no such thing": {func(c *Config) { c.AuthorizeURL = "://" }, "STRIPE_AUTHORIZE_URL"},
	} {
		config := good
		c.change(&config)
		wrong[name] = hostapitest.Wrong{Config: &config, Variable: c.want}
	}
	hostapitest.OpenNames(t, wrong)
	if _, err := good.Open(); err != nil {
		t.Error(err)
	}
}

// wire answers each route, keeps the requests, and fails the test on any other.
type wire struct {
	t       *testing.T
	routes  map[string]string
	headers []http.Header
	bodies  []string
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	w.headers, w.bodies = append(w.headers, r.Header), append(w.bodies, string(body))
	answer, ok := w.routes[r.Method+" "+r.URL.Path]
	if !ok {
		w.t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
	}
	if status, is := strings.CutPrefix(answer, "status "); is {
		rw.WriteHeader(map[string]int{"401": 401, "404": 404, "500": 500}[status])
		return
	}
	if _, err := io.WriteString(rw, answer); err != nil {
		w.t.Error(err)
	}
}

// The way in, from the install link to the token, as the engine goes it.
func TestConsent(t *testing.T) {
	t.Parallel()
	w := &wire{t: t, routes: map[string]string{
		"POST /v1/oauth/token": `{"access_token":"at-1","refresh_token":"rt-1","livemode":true,"scope":"stripe_apps","stripe_user_id":"acct_1","token_type":"bearer"}`,
		"GET /v1/account":      `{"id":"acct_1"}`,
		"GET /v1/events":       `{"data":[{"livemode":true}]}`,
	}}
	server := httptest.NewServer(w)
	defer server.Close()
	h := open(t, server.URL, soon)
	consent := hostapi.Consent{RedirectURL: "https://extractor.example.com/oauth/callback", State: "s1", Verifier: "v1"}
	page, err := url.Parse(hostapi.ConsentURL(h, &models.Connection{}, consent))
	if err != nil {
		t.Fatal(err)
	}
	q := page.Query()
	if page.Scheme+"://"+page.Host+page.Path != "https://marketplace.stripe.com/oauth/v2/authorize" ||
		q.Get("client_id") != "ca_app" || q.Get("redirect_uri") != consent.RedirectURL || q.Get("state") != "s1" || q.Has("code_challenge") {
		t.Errorf("%s", page)
	}
	token, who, err := hostapi.Redeem(t.Context(), h, &models.Connection{}, consent, url.Values{"code": {"ac_1"}}, http.DefaultTransport)
	if err != nil || who.Account != "acct_1" || token.Access != "at-1" || token.Refresh != "rt-1" {
		t.Fatalf("%+v, %v", who, err)
	}
	if left := time.Until(token.ExpiresAt); left > time.Hour || left < 59*time.Minute {
		t.Errorf("the token lives %v, want an hour", left)
	}
	if w.bodies[0] != "code=ac_1&grant_type=authorization_code" {
		t.Errorf("redeemed with %s", w.bodies[0])
	}
	r := http.Request{Header: w.headers[0]}
	if user, password, ok := r.BasicAuth(); !ok || user != "sk_live_app" || password != "" {
		t.Errorf("as %s", w.headers[0].Get("Authorization"))
	}
	if got := w.headers[1].Get("Authorization"); got != "Bearer at-1" {
		t.Errorf("asked as %s", got)
	}
}

func TestInstallLinkOfTesters(t *testing.T) {
	t.Parallel()
	h, err := (&Config{ClientID: "ca_app", SecretKey: "sk_test_x", AuthorizeURL: "https://marketplace.stripe.com/oauth/v2/chnlink_1/authorize"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if got := h.(hostapi.Authorizer).OAuth(hostapi.Account{}).Endpoint.AuthURL; got != "https://marketplace.stripe.com/oauth/v2/chnlink_1/authorize" {
		t.Error(got)
	}
}

const account1 = `{"id":"acct_1","country":"US","email":"books@example.com","business_profile":{"name":"Apple A Day","support_phone":"+16505550100",
 "support_address":{"line1":"100 Main St","city":"Albany","state":"NY","postal_code":"12207","country":"US"}},
 "settings":{"dashboard":{"display_name":"Apple","timezone":"America/Chicago"}}}`

func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account, events string
		callback        url.Values
		want            hostapi.Identity
		kind            models.Kind
	}{
		"all there": {account1, `{"data":[{"livemode":true}]}`, nil, hostapi.Identity{Account: "acct_1", Label: "account acct_1", Zone: "America/Chicago",
			Company: "Apple A Day", Email: "books@example.com", Phone: "+16505550100",
			Address: models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207", Country: "US"}}, ""},
		"new account": {`{"id":"acct_2","country":"US","settings":{"dashboard":{"display_name":"Apple"}},"business_profile":null}`, `{"data":[]}`, nil,
			hostapi.Identity{Account: "acct_2", Label: "account acct_2", Company: "Apple", Address: models.Address{Country: "US"}}, ""},
		"test mode":         {account1, `{"data":[{"livemode":false}]}`, nil, hostapi.Identity{}, models.Refused},
		"told test mode":    {account1, "", url.Values{"livemode": {"false"}}, hostapi.Identity{}, models.Refused},
		"not an account":    {`[]`, "", nil, hostapi.Identity{}, models.Unavailable},
		"events unreadable": {account1, `{}`, nil, hostapi.Identity{}, models.Unavailable},
	} {
		server := httptest.NewServer(&wire{t: t, routes: map[string]string{"GET /v1/account": c.account, "GET /v1/events": c.events}})
		got, err := open(t, server.URL, soon).Identify(t.Context(), server.Client(), c.callback)
		server.Close()
		if got != c.want || (err == nil) != (c.kind == "") || err != nil && models.KindOf(err) != c.kind {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]models.Kind{
		`{"stripe_user_id":"acct_1"}`: "", "status 404": "", "status 401": models.Unauthorised, "status 500": models.Unsure,
	} {
		w := &wire{t: t, routes: map[string]string{"POST /v1/oauth/deauthorize": answer}}
		server := httptest.NewServer(w)
		err := open(t, server.URL, soon).Revoke(t.Context(), hostapi.Account{HostID: "acct_1"}, nil, "at-1")
		server.Close()
		if (err == nil) != (want == "") || err != nil && models.KindOf(err) != want {
			t.Errorf("%s: %v", answer, err)
		}
		if w.bodies[0] != "client_id=ca_app&stripe_user_id=acct_1" || w.headers[0].Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s", w.bodies[0])
		}
	}
}

// What Stripe answers to a request of ours that is wrong is ours to put right,
// and the log has its code without its message.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":{"type":"invalid_request_error","code":"parameter_unknown","message":"canary"}}`) // a client that hangs up does not matter
	}))
	defer server.Close()
	_, err := open(t, server.URL, soon).Pull(t.Context(), hostapi.Account{Client: server.Client()}, window, "")
	if models.KindOf(err) != models.Internal || !strings.Contains(err.Error(), "parameter_unknown") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	info := open(t, "http://127.0.0.1", soon).Info()
	if info.Quota.PerAccount.Requests > 25 || info.Quota.Concurrent != atOnce || info.Lookback <= info.Lag {
		t.Errorf("%+v", info)
	}
	if len(eventTypes) > 20 || !slices.Contains(eventTypes, "refund.failed") {
		t.Errorf("Stripe takes twenty types at most: %d", len(eventTypes))
	}
}

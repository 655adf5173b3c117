package bigcommerce

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/internal/rest"
	"extractor/models"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	hostapitest.OpenNames(t, map[string]hostapitest.Wrong{
		"no id":     {Config: &Config{ClientSecret: hostapitest.Secret}, Variable: "BIGCOMMERCE_CLIENT_ID"},
		"no secret": {Config: &Config{ClientID: "app"}, Variable: "BIGCOMMERCE_CLIENT_SECRET"},
		"login":     {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, LoginURL: "login.bigcommerce.com"}, Variable: "BIGCOMMERCE_LOGIN_URL"},
		"api":       {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "ftp://x"}, Variable: "BIGCOMMERCE_BASE_URL"},
	})
	h, err := (&Config{ClientID: "app", ClientSecret: hostapitest.Secret}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if o := h.(*host).OAuth(hostapi.Account{}); o.Endpoint.TokenURL != "https://login.bigcommerce.com/oauth2/token" || h.(*host).api != "https://api.bigcommerce.com" {
		t.Errorf("%+v", o.Endpoint)
	}
	if i := h.Info(); i.Quota.PerAccount.Requests != 150 || i.Lag <= 0 || i.Lookback <= 0 || i.Mapping <= 0 {
		t.Errorf("%+v", i)
	}
}

// consent is a log-in that gives a token for one code, and the store behind it.
func consent(t *testing.T, seen *map[string]string) *host {
	f := &fakeBigCommerce{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/token" {
			if got := r.Header.Get("X-Auth-Token"); got != "permanent" || r.Header.Get("Authorization") != "" {
				t.Errorf("the token came as %q, %q", got, r.Header.Get("Authorization"))
			}
			f.ServeHTTP(w, r)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(seen); err != nil {
			t.Error(err)
		}
		f.answer(w, map[string]any{"access_token": "permanent", "scope": "store_v2_orders_read_only", "context": "stores/abc123", "user": map[string]any{"id": 7}})
	}))
	t.Cleanup(server.Close)
	return open(t, server.URL).(*host)
}

// A marketplace's installation is redeemed with its own context and scope, and
// opens the store that it names, for ever.
func TestInstall(t *testing.T) {
	t.Parallel()
	var seen map[string]string
	h := consent(t, &seen)
	query := url.Values{"code": {"once"}, "scope": {"store_v2_orders_read_only users_basic_information"}, "context": {"stores/abc123"}, "account_uuid": {"7d2f"}}
	account, redeem, err := h.Installation(query)
	if err != nil || account != fakeStore || !redeem {
		t.Fatalf("%q, %v, %v", account, redeem, err)
	}
	token, who, err := hostapi.Redeem(t.Context(), h, &models.Connection{}, hostapi.Consent{RedirectURL: "https://us.example.com/callback", Verifier: "v", Account: account}, query, rest.NewTransport())
	if err != nil || token.Access != "permanent" || token.Refresh != "" || !token.ExpiresAt.IsZero() {
		t.Fatalf("%+v, %v", token, err)
	}
	if who.Account != fakeStore || who.Company != "A Shop" || who.Email != "admin@example.com" || who.Zone != "America/Chicago" || who.Address.State != "TX" {
		t.Errorf("%+v", who)
	}
	for name, want := range map[string]string{
		"client_id": "app", "client_secret": "hush", "code": "once", "context": "stores/abc123", "grant_type": "authorization_code",
		"scope": "store_v2_orders_read_only users_basic_information", "redirect_uri": "https://us.example.com/callback", "code_verifier": "",
	} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %q", name, seen[name], want)
		}
	}
}

func TestInstallation(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	for name, c := range map[string]struct {
		query   string
		account string
		fails   bool
	}{
		"store":         {"code=x&scope=y&context=stores/abc123", "abc123", false},
		"by himself":    {"", "", false},
		"without code":  {"context=stores/abc123", "", false},
		"no context":    {"code=x", "", true},
		"other context": {"code=x&context=shops/abc123", "", true},
		"path":          {"code=x&context=stores/..%2Fabc", "", true},
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		account, redeem, err := h.Installation(query)
		if account != c.account || redeem != (c.account != "") || c.fails != (models.KindOf(err) == models.Refused) {
			t.Errorf("%s: %q, %v, %v", name, account, redeem, err)
		}
	}
}

// A merchant who comes by himself is sent to BigCommerce's log-in; a store that is known is named there.
func TestConsentURL(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	known := "abc123"
	for _, c := range []struct {
		connection *models.Connection
		context    string
	}{{&models.Connection{}, ""}, {&models.Connection{HostAccount: &known}, "stores/abc123"}} {
		u, err := url.Parse(hostapi.ConsentURL(h, c.connection, hostapi.Consent{RedirectURL: "https://us.example.com/callback", State: "s", Verifier: "v"}))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Path != "/oauth2/authorize" || q.Get("context") != c.context || q.Get("client_id") != "app" || q.Get("state") != "s" || q.Has("code_challenge") {
			t.Errorf("%v", u)
		}
		if scope := q.Get("scope"); scope != "store_v2_orders_read_only store_v2_transactions_read_only store_v2_information_read_only" {
			t.Errorf("scope %q", scope)
		}
	}
}

// A callback that names no store redeems nothing; a store that answers with another name is not entered.
func TestCallbackIsChecked(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1:1").(*host) // no request can succeed there
	for _, context := range []string{"", "stores/", "stores/ABC123", "stores/abc123/", "stores/abc123\n", "x/stores/abc123", "stores/a b", "stores/%2e%2e"} {
		_, _, err := hostapi.Redeem(t.Context(), h, &models.Connection{}, hostapi.Consent{}, url.Values{"code": {"x"}, "context": {context}}, rest.NewTransport())
		if models.KindOf(err) != models.Refused {
			t.Errorf("%q: %v", context, err)
		}
	}
	f := &fakeBigCommerce{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { f.answer(w, fakeInformation()) }))
	t.Cleanup(server.Close)
	_, err := open(t, server.URL).(*host).Identify(t.Context(), server.Client(), url.Values{"context": {"stores/other1"}})
	if models.KindOf(err) != models.Refused {
		t.Errorf("%v", err)
	}
}

func TestStoreAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]models.Address{
		"1 Dock St, Austin, TX 78701":                       {Line1: "1 Dock St", City: "Austin", State: "TX", Zip: "78701", Country: "US"},
		"1 Dock St\r\nAustin, Texas 78701\r\nUnited States": {Line1: "1 Dock St", City: "Austin", State: "Texas", Zip: "78701", Country: "US"},
		"1 Dock St\nSuite 5\nAustin TX 78701-1234, USA":     {Line1: "1 Dock St, Suite 5", City: "Austin", State: "TX", Zip: "78701-1234", Country: "US"},
		"BigCommerce":          {},
		"":                     {},
		"1 Dock St 78701":      {},
		"Main St, 2000 Sydney": {},
	} {
		if got := (information{Address: text, CountryCode: "US"}).place(); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := (information{Address: "1 Dock St, Austin, TX 78701", CountryCode: "AU"}).place(); got != (models.Address{}) {
		t.Errorf("%+v", got)
	}
}

func FuzzContext(f *testing.F) {
	f.Add("stores/abc123")
	f.Add("stores/../x")
	f.Fuzz(func(t *testing.T, context string) {
		if store := storeOf(context); store != "" && (context != "stores/"+store || url.PathEscape(store) != store || strings.Contains(store, ".")) {
			t.Errorf("%q was taken for store %q", context, store)
		}
	})
}

package shopify

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	hostapitest.OpenNames(t, map[string]hostapitest.Wrong{
		"no id":         {Config: &Config{ClientSecret: hostapitest.Secret}, Variable: "SHOPIFY_CLIENT_ID"},
		"no secret":     {Config: &Config{ClientID: "app"}, Variable: "SHOPIFY_CLIENT_SECRET"},
		"address":       {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "myshopify.com"}, Variable: "SHOPIFY_BASE_URL"},
		"other address": {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "ftp://x"}, Variable: "SHOPIFY_BASE_URL"},
	})
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	for all, scope := range map[bool]string{true: "read_orders,read_locations,read_all_orders", false: "read_orders,read_locations"} {
		h, err := (&Config{ClientID: "app", ClientSecret: "hush", AllOrders: all}).Open()
		if err != nil {
			t.Fatal(err)
		}
		consent := hostapi.Consent{RedirectURL: "https://extractor.example.com/callback", State: "s", Account: fakeShop}
		u, err := url.Parse(hostapi.ConsentURL(h, &models.Connection{}, consent))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Scheme+"://"+u.Host+u.Path != "https://my-shop.myshopify.com/admin/oauth/authorize" || q.Get("scope") != scope ||
			q.Get("client_id") != "app" || q.Get("state") != "s" || q.Has("code_challenge") || q.Has("grant_options[]") {
			t.Errorf("%s", u)
		}
	}
}

// A secret goes to nobody whose address is not a shop's.
func TestTokensAreAskedForAtShopsOnly(t *testing.T) {
	t.Parallel()
	h, err := (&Config{ClientID: "app", ClientSecret: "hush"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, shop := range []string{"", "evil.example.com", "my-shop.myshopify.com.evil.example.com", "my-shop.myshopify.com/x", "169.254.169.254"} {
		if e := h.(hostapi.Authorizer).OAuth(hostapi.Account{HostID: shop}).Endpoint; e.AuthURL != "" || e.TokenURL != "" {
			t.Errorf("%q: %+v", shop, e)
		}
		if _, err := h.(hostapi.Puller).Pull(t.Context(), hostapi.Account{HostID: shop}, window, ""); models.KindOf(err) != models.Internal {
			t.Errorf("%q: %v", shop, err)
		}
	}
}

// The code is redeemed and the token presented in Shopify's own way.
func TestRedeem(t *testing.T) {
	t.Parallel()
	f := &fakeShopify{t: t, scopes: []string{"read_orders", "read_locations", "read_all_orders"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		const want = `{"client_id":"app","client_secret":"app-secret","code":"c1","expiring":"1"}`
		if body := bodyOf(t, r); body != want || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("asked for a token with %s", body)
		}
		w.Write([]byte(`{"access_token":"at","scope":"read_orders","expires_in":3600,"refresh_token":"rt","refresh_token_expires_in":7776000}`))
	})
	mux.HandleFunc("/admin/api/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Shopify-Access-Token") != "at" || r.Header.Get("Authorization") != "" {
			t.Errorf("token presented as %v", r.Header)
		}
		f.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	h := open(t, server.URL)
	callback := signedQuery(fakeSecret, url.Values{"code": {"c1"}, "shop": {fakeShop}, "state": {"s"}, "timestamp": {unix(time.Now())}})
	token, who, err := hostapi.Redeem(t.Context(), h, &models.Connection{}, hostapi.Consent{Account: fakeShop}, callback, nil)
	if err != nil || token.Access != "at" || token.Refresh != "rt" || time.Until(token.ExpiresAt) > time.Hour || who.Account != fakeShop {
		t.Errorf("%v, expires %v, %+v, %v", token.Access, token.ExpiresAt, who, err)
	}
	callback.Set("code", "c2")
	if _, _, err := hostapi.Redeem(t.Context(), h, &models.Connection{}, hostapi.Consent{Account: fakeShop}, callback, nil); models.KindOf(err) != models.Refused {
		t.Errorf("another code: %v", err)
	}
}

func identify(t *testing.T, scopes ...string) (hostapi.Identity, error) {
	t.Helper()
	h, a := counter(t, &fakeShopify{t: t, scopes: scopes})
	h.now = func() time.Time { return noon }
	return h.Identify(t.Context(), a.Client, url.Values{"shop": {fakeShop}})
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	got, err := identify(t, "read_orders", "write_locations", "read_all_orders")
	want := hostapi.Identity{Account: fakeShop, Label: fakeShop, Zone: "America/Chicago", Company: "Apple A Day", Email: "books@example.com",
		FirstName: "The Shop", LastName: "Owner", Phone: "+15125550100",
		Address: models.Address{Line1: "100 Main St", City: "Austin", State: "TX", Zip: "78701", Country: "US"}}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// The gap is told, not silent.
func TestWithoutAllOrdersTheMerchantIsTold(t *testing.T) {
	t.Parallel()
	got, err := identify(t, "read_orders", "read_locations")
	if err != nil || !got.History.Equal(noon.AddDate(0, 0, -60)) || !strings.Contains(got.Notice, "60 days") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWithoutOrdersThereIsNoConnection(t *testing.T) {
	t.Parallel()
	for _, scopes := range [][]string{{}, {"read_locations", "read_all_orders"}, {"read_orders"}} {
		if _, err := identify(t, scopes...); models.KindOf(err) != models.Refused || !strings.Contains(models.Sentence(err, ""), "permission read_") {
			t.Errorf("%v: %v", scopes, err)
		}
	}
}

func TestRevokeUninstallsTheApp(t *testing.T) {
	t.Parallel()
	f := &fakeShopify{t: t}
	h, a := counter(t, f)
	if err := h.Revoke(t.Context(), a, a.Client, ""); err != nil || f.calls["Uninstall"] != 1 {
		t.Error(err, f.calls)
	}
	for answer, want := range map[string]models.Kind{
		`{"data":{"appUninstall":{"userErrors":[{"code":"APP_NOT_INSTALLED"}]}}}`: models.Internal,
		`{"errors":"gone"}`: models.Internal,
	} {
		h, a := answering(t, http.StatusOK, answer)
		if err := h.Revoke(t.Context(), a, a.Client, ""); models.KindOf(err) != want {
			t.Errorf("%s: %v", answer, err)
		}
	}
	h, a = answering(t, http.StatusUnauthorized, ``)
	if err := h.Revoke(t.Context(), a, a.Client, ""); err != nil {
		t.Errorf("a grant that is gone already: %v", err)
	}
}

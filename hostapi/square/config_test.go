package square

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	hostapitest.OpenNames(t, map[string]hostapitest.Wrong{
		"no id":         {Config: &Config{ClientSecret: hostapitest.Secret}, Variable: "SQUARE_CLIENT_ID"},
		"no secret":     {Config: &Config{ClientID: "app"}, Variable: "SQUARE_CLIENT_SECRET"},
		"environment":   {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, Environment: "test"}, Variable: "SQUARE_ENVIRONMENT"},
		"half a hook":   {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, WebhookKey: hostapitest.Secret}, Variable: "SQUARE_WEBHOOK_URL"},
		"address":       {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "squareup.com"}, Variable: "SQUARE_BASE_URL"},
		"other address": {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "ftp://x"}, Variable: "SQUARE_BASE_URL"},
	})
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	for environment, want := range map[string]struct{ address, session string }{
		"production": {"https://connect.squareup.com/oauth2/authorize", "false"},
		"sandbox":    {"https://connect.squareupsandbox.com/oauth2/authorize", ""},
	} {
		h, err := (&Config{ClientID: "app", ClientSecret: "hush", Environment: environment}).Open()
		if err != nil {
			t.Fatal(err)
		}
		o, e := h.(hostapi.Authorizer).OAuth(hostapi.Account{}), h.(hostapi.Exchanger).Exchange()
		if o.Endpoint.AuthURL != want.address || e.AuthParams.Get("session") != want.session {
			t.Errorf("%s: %s, session %q", environment, o.Endpoint.AuthURL, e.AuthParams.Get("session"))
		}
		if !e.JSON || !e.NoPKCE || e.ExpiresAt != "expires_at" || e.Header.Get("Square-Version") != apiVersion {
			t.Errorf("%s: %+v", environment, e)
		}
	}
}

// wire answers each route with JSON and keeps the last request; others fail the test.
type wire struct {
	t      *testing.T
	routes map[string]any
	header http.Header
	body   []byte
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	answer, ok := w.routes[r.Method+" "+r.URL.Path]
	if !ok {
		w.t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
	}
	w.header = r.Header
	w.body, _ = io.ReadAll(r.Body)
	if status, is := answer.(int); is {
		rw.WriteHeader(status)
		return
	}
	if err := json.NewEncoder(rw).Encode(answer); err != nil {
		w.t.Error(err)
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	main := fakeLocation(2)
	main.Timezone, main.BusinessEmail, main.PhoneNumber = "America/Chicago", "books@example.com", "+1 650-555-0100"
	server := httptest.NewServer(&wire{t: t, routes: map[string]any{
		"GET /v2/merchants/me": map[string]any{"merchant": merchant{ID: "M1", BusinessName: "Apple A Day", MainLocationID: "L02"}},
		"GET /v2/locations":    map[string]any{"locations": []location{fakeLocation(1), main}},
	}})
	defer server.Close()
	got, err := open(t, server.URL).(*host).Identify(t.Context(), server.Client(), nil)
	want := hostapi.Identity{Account: "M1", Label: "account M1", Zone: "America/Chicago", Company: "Apple A Day",
		Email: "books@example.com", Phone: "+1 650-555-0100", Address: main.Address.plain()}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestIdentifyWithoutAnIdIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&wire{t: t, routes: map[string]any{"GET /v2/merchants/me": map[string]any{}}})
	defer server.Close()
	if _, err := open(t, server.URL).(*host).Identify(t.Context(), server.Client(), nil); models.KindOf(err) != models.Unavailable {
		t.Error(err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for status, want := range map[any]models.Kind{
		"ok": "", http.StatusNotFound: "", http.StatusServiceUnavailable: models.Unsure, http.StatusUnauthorized: models.Unauthorised,
	} {
		answer := status
		if status == "ok" {
			answer = map[string]bool{"success": true}
		}
		w := &wire{t: t, routes: map[string]any{"POST /oauth2/revoke": answer}}
		server := httptest.NewServer(w)
		err := open(t, server.URL).(*host).Revoke(t.Context(), hostapi.Account{}, nil, "merchant-token")
		server.Close()
		if (err == nil) != (want == "") || err != nil && models.KindOf(err) != want {
			t.Errorf("%v: %v", status, err)
		}
		if w.header.Get("Authorization") != "Client app-secret" || string(w.body) != `{"access_token":"merchant-token","client_id":"app"}` {
			t.Errorf("%s %s", w.header.Get("Authorization"), w.body)
		}
	}
}

const revoked = `{"merchant_id":"M1","type":"oauth.authorization.revoked","event_id":"e1"}`

func sign(key, address, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(address + body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestWakeTakesOnlySquaresWord(t *testing.T) {
	t.Parallel()
	const address = "https://extractor.example.com/webhooks/square"
	h := open(t, "http://127.0.0.1").(*host)
	flipped := []byte(sign("new-key", address, revoked))
	flipped[3] ^= 1
	for name, c := range map[string]struct {
		signature, body string
		want            []string
		kind            models.Kind
	}{
		"new key":       {sign("new-key", address, revoked), revoked, []string{"M1"}, ""},
		"old key":       {sign("old-key", address, revoked), revoked, []string{"M1"}, ""},
		"nobody":        {sign("new-key", address, `{}`), `{}`, nil, ""},
		"no key":        {sign("", address, revoked), revoked, nil, models.Unauthorised},
		"other key":     {sign("other", address, revoked), revoked, nil, models.Unauthorised},
		"other address": {sign("new-key", "https://evil.example.com/", revoked), revoked, nil, models.Unauthorised},
		"other body":    {sign("new-key", address, revoked), revoked + " ", nil, models.Unauthorised},
		"one bit":       {string(flipped), revoked, nil, models.Unauthorised},
		"none":          {"", revoked, nil, models.Unauthorised},
		"no JSON":       {sign("new-key", address, `<`), `<`, nil, models.Invalid},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://evil.example.com/", nil)
		r.Header.Set("x-square-hmacsha256-signature", c.signature)
		got, err := h.Wake(r, []byte(c.body))
		if !slices.Equal(got.Wake, c.want) || (err == nil) != (c.kind == "") || err != nil && models.KindOf(err) != c.kind {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWakeWithoutAKeyTakesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{ClientID: "app", ClientSecret: "hush"},
		{ClientID: "app", ClientSecret: "hush", WebhookKey: "key, ", WebhookURL: "https://extractor.example.com/"}, // a key was taken out
		{ClientID: "app", ClientSecret: "hush", WebhookKey: " , ,", WebhookURL: "https://extractor.example.com/"},
	} {
		h, err := c.Open()
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("x-square-hmacsha256-signature", sign("", c.WebhookURL, revoked))
		if _, err := h.(hostapi.Waker).Wake(r, []byte(revoked)); models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q: %v", c.WebhookKey, err)
		}
	}
}

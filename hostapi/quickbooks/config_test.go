package quickbooks

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	hostapitest.OpenNames(t, map[string]hostapitest.Wrong{
		"no id":         {Config: &Config{ClientSecret: hostapitest.Secret}, Variable: "QUICKBOOKS_CLIENT_ID"},
		"no secret":     {Config: &Config{ClientID: "app"}, Variable: "QUICKBOOKS_CLIENT_SECRET"},
		"environment":   {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, Environment: "test"}, Variable: "QUICKBOOKS_ENVIRONMENT"},
		"basis":         {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, Basis: "Cash"}, Variable: "QUICKBOOKS_BASIS"},
		"address":       {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "intuit.com"}, Variable: "QUICKBOOKS_BASE_URL"},
		"other address": {Config: &Config{ClientID: "app", ClientSecret: hostapitest.Secret, BaseURL: "ftp://x"}, Variable: "QUICKBOOKS_BASE_URL"},
	})
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	for environment, api := range map[string]string{"": "https://quickbooks.api.intuit.com", "production": "https://quickbooks.api.intuit.com", "sandbox": "https://sandbox-quickbooks.api.intuit.com"} {
		h, err := (&Config{ClientID: "app", ClientSecret: "hush", Environment: environment}).Open()
		if err != nil {
			t.Fatal(err)
		}
		o, e := h.(hostapi.Authorizer).OAuth(hostapi.Account{}), h.(hostapi.Exchanger).Exchange()
		if h.(*host).at.api != api || o.Endpoint.AuthURL != "https://appcenter.intuit.com/connect/oauth2" ||
			o.Endpoint.TokenURL != "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer" || o.Endpoint.AuthStyle != oauth2.AuthStyleInHeader {
			t.Errorf("%q: %s, %+v", environment, h.(*host).at.api, o.Endpoint)
		}
		if len(o.Scopes) != 1 || o.Scopes[0] != "com.intuit.quickbooks.accounting" || !e.NoPKCE || e.JSON || e.RefreshDue != 24*time.Hour || e.Consent != 5*365*24*time.Hour {
			t.Errorf("%q: %v, %+v", environment, o.Scopes, e)
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	i := open(t, "http://127.0.0.1").Info()
	minute := i.Quota.PerAccount.Requests * int(time.Minute/i.Quota.PerAccount.Per)
	if minute > 500 || i.Quota.PerAccount.Requests > 10 || i.Quota.Concurrent > 10 || i.Quota.Concurrent == 0 {
		t.Errorf("%+v is above what QuickBooks allows", i.Quota)
	}
	if !strings.Contains(i.Help, "both would be filed") {
		t.Error("the help does not warn of sales that are copied into QuickBooks")
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	for id, good := range map[string]bool{
		"1185883450": true, "9130357992222222": true, "": false, "1/../2": false, "12a": false, "-1": false, " 1": false, "1\n": false, strings.Repeat("1", 26): false,
	} {
		if err := h.CheckCallback(url.Values{"realmId": {id}}); (err == nil) != good || err != nil && models.KindOf(err) != models.Refused {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func companyOf(addr map[string]any) map[string]any {
	return map[string]any{
		"CompanyName": "Apple A Day", "Country": "US", "CompanyAddr": addr, "Id": "1",
		"LegalAddr": map[string]any{"Line1": "200 Main St", "City": "Tucson", "CountrySubDivisionCode": "AZ", "PostalCode": "85719"},
		"Email":     map[string]any{"Address": "books@example.com"}, "PrimaryPhone": map[string]any{"FreeFormNumber": "(650) 555-0100"},
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		addr map[string]any
		zone string
		want models.Address
	}{
		"fields": {map[string]any{"Line1": "100 Main St", "City": "Albany", "CountrySubDivisionCode": "New York", "PostalCode": "12207"}, "America/New_York",
			models.Address{Line1: "100 Main St", City: "Albany", State: "New York", Zip: "12207", Country: "US"}},
		"lines": {map[string]any{"Line1": "100 Main St", "Line2": "Austin, TX 78701"}, "America/Chicago",
			models.Address{Line1: "100 Main St", City: "Austin", State: "TX", Zip: "78701", Country: "US"}},
		"legal":  {map[string]any{}, "America/Phoenix", models.Address{Line1: "200 Main St", City: "Tucson", State: "AZ", Zip: "85719", Country: "US"}},
		"abroad": {map[string]any{"City": "Perth", "CountrySubDivisionCode": "WA", "PostalCode": "6000", "Country": "Australia"}, "", models.Address{City: "Perth", State: "WA", Zip: "6000", Country: "Australia"}},
	} {
		f := newBooks(t)
		f.company = companyOf(c.addr)
		h, a := counter(t, f, Config{})
		got, err := h.Identify(t.Context(), a.Client, url.Values{"realmId": {realm}})
		want := hostapi.Identity{Account: realm, Label: "account " + realm, Zone: c.zone, Company: "Apple A Day", Email: "books@example.com", Phone: "(650) 555-0100", Address: c.want}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Each state's zone is one that this machine knows, and no state has two.
func TestZones(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for zone, states := range zones {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Error(err)
		}
		for state := range strings.FieldsSeq(states) {
			if models.StateCode(state) != state || seen[state] != "" || zoneOf(models.Address{State: state, Country: "USA"}) != zone {
				t.Errorf("%s is in %s and in %q", state, zone, seen[state])
			}
			seen[state] = zone
		}
	}
	if len(seen) != 50+1+5 { // states, the district, territories
		t.Errorf("%d states", len(seen))
	}
}

func TestIdentifyWithoutACompany(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	defer server.Close()
	h := open(t, server.URL).(*host)
	if _, err := h.Identify(t.Context(), server.Client(), url.Values{"realmId": {realm}}); models.KindOf(err) != models.Unavailable {
		t.Error(err)
	}
	if _, err := h.Identify(t.Context(), server.Client(), url.Values{"realmId": {"../x"}}); models.KindOf(err) != models.Refused {
		t.Error(err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]models.Kind{200: "", 400: "", 404: "", 503: models.Unsure, 401: models.Unauthorised} {
		var asked string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, secret, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			asked = r.Method + " " + r.URL.Path + " " + user + ":" + secret + " " + string(body)
			w.WriteHeader(status)
		}))
		err := open(t, server.URL).(*host).Revoke(t.Context(), hostapi.Account{HostID: realm}, nil, "merchant-token")
		server.Close()
		if (err == nil) != (want == "") || err != nil && models.KindOf(err) != want {
			t.Errorf("%d: %v", status, err)
		}
		if asked != `POST /v2/oauth2/tokens/revoke app:app-secret {"token":"merchant-token"}` {
			t.Errorf("asked: %s", asked)
		}
	}
}

// A connection without a company's id asks nothing.
func TestNoCompany(t *testing.T) {
	t.Parallel()
	h, a := counter(t, newBooks(t), Config{})
	for _, id := range []string{"", "1/2", "shop"} {
		a.HostID = id
		if _, err := h.Pull(t.Context(), a, window, ""); models.KindOf(err) != models.Internal {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// Refusals become the kinds that the engine reacts to, whichever way they are spelt.
func TestFaults(t *testing.T) {
	t.Parallel()
	fault := func(code string) string {
		b, err := json.Marshal(map[string]any{"Fault": map[string]any{"Error": []any{map[string]any{"Message": "m", "Detail": "personal", "code": code}}, "type": "ValidationFault"}})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	throttled := `<?xml version="1.0"?><IntuitResponse><Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=403</Message></Error></Fault></IntuitResponse>`
	for name, c := range map[string]struct {
		status int
		body   string
		kind   models.Kind
		wait   time.Duration
	}{
		"throttled":                 {429, ``, models.Throttled, 0},
		"throttled by fault":        {429, fault("003001"), models.Throttled, time.Minute},
		"throttled as forbidden":    {403, throttled, models.Throttled, time.Minute},
		"shut out":                  {401, `{"fault":{"error":[{"code":"3200"}],"type":"AUTHENTICATION"}}`, models.Unauthorised, 0},
		"shut out as a bad request": {400, fault("3200"), models.Unauthorised, 0},
		"forbidden":                 {403, fault("3100"), models.Unauthorised, 0},
		"subscription ended":        {400, fault("6190"), models.Unauthorised, 0},
		"bad query":                 {400, fault("4000"), models.Internal, 0},
		"bad id":                    {400, fault("2030"), models.Internal, 0},
		"no such place":             {404, ``, models.Internal, 0},
		"too large":                 {413, ``, models.Internal, 0},
		"bad gateway":               {502, `<html>`, models.Unsure, 0},
		"fault of their own":        {500, fault("10000"), models.Unsure, 0},
		"moved":                     {302, ``, models.Unavailable, 0},
		"HTML":                      {200, `<html>`, models.Unavailable, 0},
		"nothing asked for":         {200, `{"time":"2026"}`, models.Unavailable, 0},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		client := server.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		_, err := open(t, server.URL).(*host).Pull(t.Context(), hostapi.Account{HostID: realm, Client: client}, window, "")
		server.Close()
		e, ok := err.(*models.Error) //nolint:errorlint // it is ours, unwrapped
		if !ok || e.Kind != c.kind || e.RetryAfter != c.wait || strings.Contains(err.Error(), "personal") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package woocommerce

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

var (
	goodKey    = "ck_" + strings.Repeat("0a", 20)
	goodSecret = "cs_" + strings.Repeat("1b", 20)
)

func posted(user, key, secret, permissions string) string {
	return `{"key_id":1,"user_id":"` + user + `","consumer_key":"` + key + `","consumer_secret":"` + secret + `","key_permissions":"` + permissions + `"}`
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "  ", "a\nb", strings.Repeat("x", maxName+1)} {
		if _, err := (&Config{AppName: name}).Open(); err == nil || !strings.Contains(err.Error(), "WOOCOMMERCE_APP_NAME") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What Open makes reaches the public internet only; no variable changes that.
func TestOpenedHostIsKeptFromPrivateAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private address was reached") }))
	defer server.Close()
	h, err := (&Config{AppName: "Sales Tax"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	client := hostapi.NewBearerClient(h, goodKey+":"+goodSecret, nil)
	for _, site := range []string{server.URL, "https://127.0.0.1", "https://169.254.169.254", strings.Replace(server.URL, "https", "http", 1)} {
		_, err := h.(hostapi.Puller).Pull(t.Context(), hostapi.Account{HostID: site, Client: client}, window, "")
		if models.KindOf(err) != models.Unavailable {
			t.Errorf("%s: %v", site, err)
		}
	}
}

func TestGrantURL(t *testing.T) {
	t.Parallel()
	got := open(t, "").(*host).GrantURL(hostapi.Grant{
		Account: "https://example.com/store", State: "s-1", KeysURL: "https://extractor.example.com/keys/woocommerce", Returned: "https://extractor.example.com/granted",
	})
	u, err := url.Parse(got)
	if err != nil || !strings.HasPrefix(got, "https://example.com/store/wc-auth/v1/authorize?") {
		t.Fatal(got, err)
	}
	for name, want := range map[string]string{
		"app_name": "Sales Tax", "scope": "read", "user_id": "s-1",
		"return_url": "https://extractor.example.com/granted", "callback_url": "https://extractor.example.com/keys/woocommerce",
	} {
		if u.Query().Get(name) != want {
			t.Errorf("%s is %q", name, u.Query().Get(name))
		}
	}
}

func TestReadKeys(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	for name, c := range map[string]struct {
		body string
		good bool
	}{
		"read":                {posted("s-1", goodKey, goodSecret, "read"), true},
		"read and write":      {posted("s-1", goodKey, goodSecret, "read_write"), true},
		"write only":          {posted("s-1", goodKey, goodSecret, "write"), false},
		"no permission":       {posted("s-1", goodKey, goodSecret, ""), false},
		"no state":            {posted("", goodKey, goodSecret, "read"), false},
		"state is a number":   {strings.Replace(posted("7", goodKey, goodSecret, "read"), `"7"`, `7`, 1), false},
		"swapped":             {posted("s-1", goodSecret, goodKey, "read"), false},
		"short key":           {posted("s-1", goodKey[:42], goodSecret, "read"), false},
		"long secret":         {posted("s-1", goodKey, goodSecret+"0", "read"), false},
		"upper case":          {posted("s-1", strings.ToUpper(goodKey), goodSecret, "read"), false},
		"colon in the key":    {posted("s-1", goodKey[:42]+":", goodSecret, "read"), false},
		"line end in the key": {posted("s-1", goodKey+`\n`, goodSecret, "read"), false},
		"form":                {"user_id=s-1&consumer_key=" + goodKey, false},
		"nothing":             {"", false},
		"null":                {"null", false},
		"list":                {"[]", false},
		"too much":            {strings.Repeat(" ", maxKeys) + posted("s-1", goodKey, goodSecret, "read"), false},
	} {
		state, token, err := h.ReadKeys([]byte(c.body))
		switch {
		case c.good && (err != nil || state != "s-1" || token.Access != goodKey+":"+goodSecret || token.Refresh != "" || !token.ExpiresAt.IsZero()):
			t.Errorf("%s: %q, %+v, %v", name, state, token, err)
		case !c.good && (models.KindOf(err) != models.Invalid || state != "" || token.Access != "" || strings.Contains(err.Error(), "ck_")):
			t.Errorf("%s: %q, %v", name, state, err)
		}
	}
}

// FuzzReadKeys: what is taken for keys can stand in a header.
func FuzzReadKeys(f *testing.F) {
	f.Add([]byte(posted("s-1", goodKey, goodSecret, "read")))
	f.Add([]byte(`{"user_id":[],"consumer_key":null}`))
	f.Add([]byte(`{"CONSUMER_KEY":"ck_"}`))
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, body []byte) {
		state, token, err := h.ReadKeys(body)
		if err != nil {
			if models.KindOf(err) != models.Invalid {
				t.Fatal(err)
			}
			return
		}
		key, secret, _ := strings.Cut(token.Access, ":")
		if state == "" || !consumerKey.MatchString(key) || !consumerSecret.MatchString(secret) {
			t.Fatalf("%q %q", state, token.Access)
		}
		header := http.Header{}
		h.Present(header, token.Access)
		user, password, ok := (&http.Request{Header: header}).BasicAuth()
		if !ok || user != key || password != secret {
			t.Fatalf("%v", header)
		}
	})
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	f, _ := shop(t)
	h, a := visit(t, f)
	got, err := h.Identify(t.Context(), a.Client, hostapi.Account{HostID: "https://shop.example.com/store"})
	want := hostapi.Identity{
		Account: "https://shop.example.com/store", Label: "shop.example.com/store", Zone: "America/Denver", Company: "Tom & Co",
		Address: models.Address{Line1: "100 Main St", City: "Denver", State: "CO", Zip: "80202", Country: "US"},
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// Keys that open no orders prove nothing, and the merchant is told what may be amiss.
func TestIdentifyWithoutOrders(t *testing.T) {
	t.Parallel()
	for status, say := range map[int]string{401: "Authorization header", 403: "Authorization header", 404: "Permalinks", 500: "try again"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, err := open(t, server.URL).(*host).Identify(t.Context(), server.Client(), hostapi.Account{HostID: "https://shop.example.com"})
		server.Close()
		if !strings.Contains(models.Sentence(err, ""), say) || status < 404 && models.KindOf(err) != models.Unauthorised {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for zone, a := range map[string]about{
		"America/New_York": {Timezone: "America/New_York", Offset: []byte("-5")},
		"Etc/GMT+5":        {Offset: []byte("-5")},
		"Etc/GMT+8":        {Offset: []byte(`"-8"`), Timezone: "Nowhere/Else"},
		"Etc/GMT-2":        {Offset: []byte("2"), Timezone: "Local"},
		"UTC":              {Offset: []byte("0")},
		"":                 {Offset: []byte("5.5")},
	} {
		if got := a.zone(); got != zone {
			t.Errorf("%q instead of %q", got, zone)
		}
	}
	if got := (about{Offset: []byte("99")}).zone(); got != "" {
		t.Errorf("an offset of 99 hours is %q", got)
	}
}

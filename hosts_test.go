package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// eachHost opens every host with made-up values and runs a test on it.
func eachHost(t *testing.T, run func(t *testing.T, host hostapi.Host)) {
	t.Helper()
	for name, config := range hostConfigs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config()
			fill(reflect.ValueOf(c).Elem())
			host, err := c.Open()
			if err != nil {
				t.Fatal(err)
			}
			run(t, host)
		})
	}
}

// fill gives each text of a configuration its default, or something in the shape
// of an id or key; addresses and webhooks stay empty, as they may.
func fill(config reflect.Value) {
	for i := range config.NumField() {
		field := config.Type().Field(i)
		switch value, given := field.Tag.Lookup("default"); {
		case field.Type.Kind() != reflect.String:
		case given:
			config.Field(i).SetString(value)
		case field.Name == "SecretKey":
			config.Field(i).SetString("sk_test_made_up")
		case strings.HasPrefix(field.Name, "Client"):
			config.Field(i).SetString("made-up")
		}
	}
}

// registers finds in a help what is to be registered at the host, or that
// nothing is.
var registers = regexp.MustCompile(`callback address|install address|^Nothing to`)

func TestEveryHostDescribesItself(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, host hostapi.Host) {
		i := host.Info()
		if i.Title == "" || i.Mapping < 1 {
			t.Errorf("title %q, mapping %d", i.Title, i.Mapping)
		}
		if !registers.MatchString(i.Help) || !strings.HasSuffix(i.Help, ".") {
			t.Errorf("the help does not say what to register: %s", i.Help)
		}
		if i.Lag < 0 || i.Lag > 10*time.Minute || i.Lookback <= i.Lag || i.Lookback > 24*time.Hour || i.History < 0 {
			t.Errorf("lag %v, lookback %v, history %v", i.Lag, i.Lookback, i.History)
		}
		for _, setting := range i.Settings {
			if setting.Name == "" || setting.Title == "" || setting.Help == "" {
				t.Errorf("setting %+v", setting)
			}
		}
	})
}

func TestEveryHostsQuotaIsWhole(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, host hostapi.Host) {
		i := host.Info()
		for _, rate := range []hostapi.Rate{i.Quota.PerAccount, i.Quota.PerApp} {
			if none := rate == (hostapi.Rate{}); !none && (rate.Requests <= 0 || rate.Per <= 0 || rate.Per > 24*time.Hour) {
				t.Errorf("rate %+v", rate)
			}
		}
		if i.Parallel < 0 || i.Quota.Concurrent < 0 || i.Quota.Concurrent > 0 && i.Parallel > i.Quota.Concurrent {
			t.Errorf("%d windows of the past share %d requests", i.Parallel, i.Quota.Concurrent)
		}
	})
}

// has counts the powers that are there.
func has(powers ...bool) (n int) {
	for _, there := range powers {
		if there {
			n++
		}
	}
	return n
}

// is reports whether a host has a power.
func is[Power any](host hostapi.Host) bool {
	_, ok := host.(Power)
	return ok
}

func TestEveryHostHasOneWayIn(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, host hostapi.Host) {
		if has(is[hostapi.Puller](host), is[hostapi.Listener](host), is[hostapi.Receiver](host)) != 1 {
			t.Error("data comes in by one of Puller, Listener and Receiver")
		}
		consent, keys := is[hostapi.Authorizer](host), is[hostapi.Granter](host)
		if consent == keys {
			t.Error("merchants let us in by OAuth or by keys, and by one of them")
		}
		if !consent && has(is[hostapi.Exchanger](host), is[hostapi.CallbackChecker](host), is[hostapi.Installer](host)) > 0 {
			t.Error("powers of an Authorizer, without being one")
		}
		if keys && !is[hostapi.Starter](host) {
			t.Error("keys come from an address that nobody asks the merchant for")
		}
		if is[hostapi.Keeper](host) && !is[hostapi.Waker](host) {
			t.Error("webhooks that are looked after and not understood")
		}
	})
}

// example is an account that a Starter makes of its own example; none for others.
func example(t *testing.T, host hostapi.Host) hostapi.Account {
	t.Helper()
	starter, ok := host.(hostapi.Starter)
	if !ok {
		return hostapi.Account{}
	}
	id, err := starter.Account(starter.Question().Example)
	if err != nil || id == "" {
		t.Fatalf("the example is not an answer: %q, %v", id, err)
	}
	return hostapi.Account{HostID: id}
}

func TestEveryHostAsksAndSendsToConsent(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, host hostapi.Host) {
		account := example(t, host)
		if starter, ok := host.(hostapi.Starter); ok {
			if q := starter.Question(); q.Label == "" || q.Help == "" {
				t.Errorf("%+v", q)
			}
			if again, err := starter.Account(account.HostID); err != nil || again != account.HostID {
				t.Errorf("the account %s becomes another one: %s, %v", account.HostID, again, err)
			}
			for _, typed := range []string{"", "127.0.0.1", "https://user:hush@evil.example.com", "a b", "x\r\ny"} {
				if id, err := starter.Account(typed); models.KindOf(err) != models.Invalid || strings.Contains(err.Error(), "hush") {
					t.Errorf("%q became %q, %v", typed, id, err)
				}
			}
		}
		var page string
		if a, ok := host.(hostapi.Authorizer); ok {
			config := a.OAuth(account)
			if config.ClientID == "" || config.Endpoint.TokenURL == "" {
				t.Errorf("%+v", config.Endpoint)
			}
			page = config.Endpoint.AuthURL
		}
		if g, ok := host.(hostapi.Granter); ok {
			page = g.GrantURL(hostapi.Grant{Account: account.HostID, State: "s", KeysURL: "https://extractor.example.com/keys", Returned: "https://extractor.example.com/back"})
		}
		if u, err := url.Parse(page); err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "localhost" {
			t.Errorf("consent is at %q", page)
		}
	})
}

// Nobody but the host wakes us, sends a merchant back or says whose pages we are in.
func TestEveryHostKnowsItsOwn(t *testing.T) {
	t.Parallel()
	eachHost(t, func(t *testing.T, host hostapi.Host) {
		if w, ok := host.(hostapi.Waker); ok {
			for _, body := range []string{"", "{}", "[]", `{"account":"acct_1","merchant_id":"M1","producer":"stores/abcde"}`} {
				notice, err := w.Wake(httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body)), []byte(body))
				if models.KindOf(err) != models.Unauthorised || err == nil || len(notice.Wake)+len(notice.Privacy) > 0 {
					t.Errorf("unsigned %q: %+v, %v", body, notice, err)
				}
			}
		}
		if c, ok := host.(hostapi.CallbackChecker); ok {
			if err := c.CheckCallback(url.Values{}); err == nil || models.KindOf(err) != models.Refused {
				t.Errorf("an empty callback: %v", err)
			}
		}
		if o, ok := host.(hostapi.Opener); ok {
			if account, err := o.Opened(url.Values{}); err == nil || account != "" || models.KindOf(err) != models.Unauthorised {
				t.Errorf("an unsigned query opened %q, %v", account, err)
			}
		}
	})
}

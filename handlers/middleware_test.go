package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

func TestBearer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, lines := range map[string][]string{
		"none": nil, "empty": {""}, "scheme alone": {"Bearer"}, "scheme and space": {"Bearer "}, "token alone": {testBearer},
		"wrong": {"Bearer wrong"}, "longer": {"Bearer " + testBearer + "x"}, "shorter": {"Bearer " + testBearer[1:]},
		"basic": {"Basic " + testBearer}, "two headers": {"Bearer " + testBearer, "Bearer " + testBearer},
		"two tokens": {"Bearer " + testBearer + " " + otherBearer}, "comma": {"Bearer " + testBearer + ",Bearer " + otherBearer},
		"other case": {"Bearer " + strings.ToUpper(testBearer)}, "tab": {"Bearer\t" + testBearer},
	} {
		req := b.request("GET", "/connections", "")
		req.Header["Authorization"] = lines
		a := b.send(req).is(401, `{"message":"You are not authorized"}`)
		if a.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: no challenge", name)
		}
	}
	for _, line := range []string{"Bearer " + testBearer, "bearer " + testBearer, "BEARER  " + testBearer, "Bearer " + otherBearer} {
		req := b.request("GET", "/connections", "")
		req.Header.Set("Authorization", line)
		b.send(req).is(200)
	}
}

// TestWhatNeedsABearer walks all routes without one.
func TestWhatNeedsABearer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	open := map[string]bool{"/health": true, "/orangez/health": true, "/openapi.yaml": true, "/docs": true, "/docs/*asset": true, webhookRoute: true}
	for _, r := range b.server.Config.Handler.(*gin.Engine).Routes() {
		path := strings.NewReplacer(":id", "a", "*asset", "").Replace(r.Path)
		req := b.request(r.Method, path, "")
		req.Header.Del("Authorization")
		if a := b.sendUnchecked(req); (a.Status == 401) == open[r.Path] {
			t.Errorf("%s %s answers %d", r.Method, r.Path, a.Status)
		}
	}
}

func TestNoTokenIsNoBearer(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.Tokens = []string{""} })
	for _, line := range []string{"Bearer ", "Bearer", "Bearer \"\""} {
		req := b.request("GET", "/connections", "")
		req.Header.Set("Authorization", line)
		b.send(req).is(401)
	}
}

func FuzzBearer(f *testing.F) {
	for _, s := range []string{"", "Bearer", "Bearer ", "bearer x", "Basic x", "Bearer " + testBearer, "Bearer  " + testBearer + " "} {
		f.Add(s)
	}
	valid := newBearers([]string{testBearer})
	f.Fuzz(func(t *testing.T, line string) {
		token, ok := bearer(http.Header{"Authorization": {line}})
		if ok && valid.valid(token) && !strings.HasSuffix(strings.TrimRight(line, " "), " "+testBearer) {
			t.Errorf("%q opens", line)
		}
	})
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sendUnchecked(b.request("GET", "/nothing", "")).is(404).says("/docs")
	b.sendUnchecked(b.request("GET", "/connections/", "")).is(404)
	a := b.sendUnchecked(b.request("PATCH", "/connections/a", "")).is(405).says("PATCH")
	for _, m := range []string{"GET", "PUT", "DELETE"} {
		if !strings.Contains(a.Header.Get("Allow"), m) {
			t.Errorf("Allow is %q", a.Header.Get("Allow"))
		}
	}
	req := b.request("GET", "/nothing", "")
	req.Header.Del("Authorization")
	b.sendUnchecked(req).is(401)
}

func TestHTTPSOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.PublicURL = "https://extractor.example" })
	for proto, status := range map[string]int{"": 403, "http": 403, "https": 200, "https, http": 403, "http, https": 200} {
		req := b.request("GET", "/connections", "")
		if proto != "" {
			req.Header.Set("X-Forwarded-Proto", proto)
		}
		a := b.send(req).is(status)
		if have := a.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(have, "max-age=31536000") { // a year
			t.Errorf("%q: strict transport security is %q", proto, have)
		}
	}
	b.call("GET", "/health", "").is(200)
	b.sendUnchecked(b.request("GET", "/docs/", "")).is(403)
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range []string{"/connections", "/connections/nobody", "/health"} {
		a := b.call("GET", path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for given, kept := range map[string]bool{
		"": false, "abc-1.2_X": true, "a b": false, "<script>": false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		req := b.request("GET", "/connections", "")
		req.Header.Set(requestIDHeader, given)
		got := b.send(req).Header.Get(requestIDHeader)
		if (got == given) != kept || got == "" {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestAPanicIsAnApologyWithTheIDToQuote(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) {
		c.Mount = append(c.Mount, func(r gin.IRouter) { r.GET("/panic", func(*gin.Context) { panic("secret-in-panic") }) })
	})
	req := b.request("GET", "/panic", "")
	req.Header.Set(requestIDHeader, "quote-me")
	a := b.sendUnchecked(req).is(500).says("quote-me")
	if strings.Contains(string(a.Body), "secret-in-panic") || strings.Contains(b.log.String(), "secret-in-panic") {
		t.Error("the panic's text is shown or logged")
	}
	if !strings.Contains(b.log.String(), `"stack"`) {
		t.Error("no stack in the log")
	}
	b.call("GET", "/connections", "").is(200)
}

func TestMountedRoutes(t *testing.T) {
	t.Parallel()
	answer := func(c *gin.Context) { c.String(200, c.Param("id")) }
	b := newBench(t, func(c *Config) {
		c.Mount = append(c.Mount, func(r gin.IRouter) { r.GET("/connections/:id/authentication", answer) })
		c.MountAuthorised = append(c.MountAuthorised, func(r gin.IRouter) { r.POST("/connections/:id/authentication-tickets", answer) })
	})
	open, closed := b.request("GET", "/connections/a/authentication", ""), b.request("POST", "/connections/a/authentication-tickets", "")
	open.Header.Del("Authorization")
	closed.Header.Del("Authorization")
	b.sendUnchecked(open).is(200)
	b.sendUnchecked(closed).is(401)
	b.sendUnchecked(b.request("POST", "/connections/a/authentication-tickets", "")).is(200)
}

// TestASlowDatabaseIsA503: a handler that waits too long gives up with an answer.
func TestASlowDatabaseIsA503(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.api.patience = 300 * time.Millisecond
	b.exec(`INSERT INTO connections (host, external_id, start_date) VALUES ('shop', 'a', '2018-04-01')`) // takes what it takes
	tx, err := b.store.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `LOCK TABLE connections`); err != nil {
		t.Fatal(err)
	}
	a := b.call("GET", "/connections/a", "").is(503).says("too long")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.call("PUT", "/connections/a", `{"enabled":false}`).is(503)
}

func TestClientAddressIsTheOneTheRouterSaw(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]string{
		"203.0.113.9": {"6.6.6.6, 203.0.113.9"}, "203.0.113.8": {"6.6.6.6", "203.0.113.8"}, "192.0.2.1": nil,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"] = lines
		if got := clientAddress(r); got != want {
			t.Errorf("%q: %s", lines, got)
		}
	}
}

// TestTheLogHoldsNoSecrets plants values where callers put them, and looks for them.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create("canary-connection", "2018-04-01")
	b.call("GET", "/connections/canary-connection", "").is(200)
	b.call("PUT", "/connections/canary-connection", `{"connectionId":"canary-renamed"}`).is(200)
	b.call("POST", "/connections", `{"connectionId":"canary-renamed","startDate":"2018-04-01","settings":{"location":"canary-setting"}}`).is(500)
	b.call("GET", "/connections?x=canary-query", "").is(200)
	b.call("GET", "/connections?canary=1&canary=2", "").is(400).says("canary")
	b.call("PUT", "/connections/canary-renamed", `{"x\"canary":1,"x\"canary":2}`).is(400).says("canary")
	b.call("POST", "/connections", `{"connectionId":"a","startDate":"2018-04-01","settings":{"canary":"x"}}`).is(400).says("canary")
	b.sendUnchecked(b.request("GET", "/canary-path", "")).is(404)
	b.sendUnchecked(b.request("CANARY", "/connections", "")).is(405)
	req := b.request("GET", "/connections", "")
	req.Header.Set("Authorization", "Bearer canary-bearer")
	b.send(req).is(401)
	text := b.log.String()
	for _, secret := range []string{"canary", "CANARY", testBearer} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log:\n%s", secret, text)
		}
	}
	for _, fact := range []string{`"route":"/connections/:id"`, `"status":500`, `"error":"postgres 23505 connections_external_id"`, `"connection":`} {
		if !strings.Contains(text, fact) {
			t.Errorf("%s (connection %d) is not in the log:\n%s", fact, id, text)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create("a", "2018-04-01")
	b.call("GET", "/connections/a", "").is(200)
	text := string(b.call("GET", "/metrics", "").is(200).Body)
	if !strings.Contains(text, `extractor_http_request_seconds_count{method="GET",route="/connections/:id",status="200"} 1`) {
		t.Errorf("not measured:\n%s", text)
	}
}

// Package oauthtest is a small and strict OAuth 2 server for tests: PKCE S256,
// single-use codes, rotating refresh tokens whose reuse ends the whole grant.
package oauthtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
)

// The registration of the one client.
const (
	ClientID     = "test-client"
	ClientSecret = "test-secret"
)

// Server is the authorization server and an API behind it. Its fields may be
// changed between requests, within Do.
type Server struct {
	URL     string
	Life    time.Duration // of access tokens
	Account string        // whose account the next consent opens
	Title   string        // that account's name
	JSON    bool          // token requests must be JSON
	NoPKCE  bool          // a code_challenge is refused
	// Before, when set, answers token requests in the server's place if it returns true.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// Lose makes the server do what it is asked, but drop that many token answers.
	Lose int
	// TokenCalls counts requests to the token endpoint.
	TokenCalls int
	// Redirects are the registered redirect URIs; empty: any.
	Redirects []string

	mu      sync.Mutex
	codes   map[string]consent
	grants  map[string]*grant // by account and number
	access  map[string]*grant
	refresh map[string]*grant
}

type consent struct {
	account, challenge, redirect string
}

type grant struct {
	account string
	gone    bool
	access  string
	refresh string
	expires time.Time
}

// New starts a server, stopped when the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{Life: time.Hour, Account: "acc-1", Title: "Corner Shop",
		codes: map[string]consent{}, grants: map[string]*grant{}, access: map[string]*grant{}, refresh: map[string]*grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.ask)
	mux.HandleFunc("POST /authorize", s.decide)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("/api/me", s.me)
	mux.HandleFunc("GET /favicon.ico", http.NotFound) // browsers ask
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Do runs f while no request is served.
func (s *Server) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Grant makes a grant as if a merchant had consented.
func (s *Server) Grant() models.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.begin(s.Account)
	return models.Token{Access: g.access, Refresh: g.refresh, ExpiresAt: g.expires}
}

// Code is a code as an app store sends it: of a consent that nobody asked for.
func (s *Server) Code(redirect string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := models.RandomToken()
	s.codes[code] = consent{account: s.Account, redirect: redirect}
	return code
}

// Revoke ends all grants, as a merchant does at the host.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.grants {
		g.gone = true
	}
}

// ExpireAccess makes the API refuse every access token issued so far.
func (s *Server) ExpireAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Calls is how many token requests came.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.TokenCalls
}

func (s *Server) begin(account string) *grant {
	g := &grant{account: account}
	s.grants[fmt.Sprint(account, len(s.grants))] = g
	s.issue(g)
	return g
}

// issue gives a grant its next pair. The former refresh token stays known: its
// reuse is what tells that it was stolen.
func (s *Server) issue(g *grant) {
	g.access, g.refresh, g.expires = models.RandomToken(), models.RandomToken(), time.Now().Add(s.Life)
	s.access[g.access], s.refresh[g.refresh] = g, g
}

var consentPage = template.Must(template.New("").Parse(`<!doctype html><title>Consent</title><h1>Let the extractor in?</h1>
<form method="post" action="/authorize?{{.}}"><button id="allow" name="allow" value="1">Allow</button>
<button id="deny" name="allow" value="">Deny</button></form>`))

func (s *Server) ask(w http.ResponseWriter, r *http.Request) {
	if problem := s.check(r.URL.Query()); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, template.URL(r.URL.RawQuery))
}

func (s *Server) check(q url.Values) string {
	switch {
	case q.Get("client_id") != ClientID, q.Get("response_type") != "code":
		return "unknown client or response type"
	case q.Get("state") == "":
		return "no state"
	case s.NoPKCE && q.Get("code_challenge") != "":
		return "unknown parameter code_challenge"
	case !s.NoPKCE && (q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256"):
		return "PKCE with S256 is required"
	case len(s.Redirects) > 0 && !strings.Contains(strings.Join(s.Redirects, " ")+" ", q.Get("redirect_uri")+" "):
		return "redirect_uri is not registered"
	}
	return ""
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	if problem := s.check(q); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	back, answer := q.Get("redirect_uri"), url.Values{"state": {q.Get("state")}}
	if r.FormValue("allow") == "" {
		answer.Set("error", "access_denied")
	} else {
		code := models.RandomToken()
		s.codes[code] = consent{s.Account, q.Get("code_challenge"), back}
		answer.Set("code", code)
	}
	http.Redirect(w, r, back+"?"+answer.Encode(), http.StatusFound)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.TokenCalls++
	if s.Before != nil && s.Before(w, r) {
		return
	}
	in, err := s.read(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if in["client_id"] != ClientID || in["client_secret"] != ClientSecret {
		fail(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	g := s.redeem(in)
	if s.Lose > 0 {
		s.Lose--
		panic(http.ErrAbortHandler)
	}
	if g == nil {
		fail(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	answer(w, map[string]any{"access_token": g.access, "refresh_token": g.refresh, "token_type": "Bearer", "expires_in": int(s.Life.Seconds())})
}

func (s *Server) read(r *http.Request) (map[string]string, error) {
	in := map[string]string{}
	if s.JSON {
		return in, json.NewDecoder(r.Body).Decode(&in)
	}
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("not a form")
	}
	err := r.ParseForm()
	for name := range r.PostForm {
		in[name] = r.PostForm.Get(name)
	}
	if id, secret, ok := r.BasicAuth(); ok {
		in["client_id"], in["client_secret"] = id, secret
	}
	return in, err
}

// redeem gives the grant with its new pair, or nil.
func (s *Server) redeem(in map[string]string) *grant {
	if in["grant_type"] == "refresh_token" {
		g := s.refresh[in["refresh_token"]]
		if g == nil || g.gone {
			return nil
		}
		if g.refresh != in["refresh_token"] {
			g.gone = true // reuse: the family dies
			return nil
		}
		s.issue(g)
		return g
	}
	c, ok := s.codes[in["code"]]
	delete(s.codes, in["code"])
	if !ok || c.redirect != in["redirect_uri"] || c.challenge != challenge(in["code_verifier"]) {
		return nil
	}
	return s.begin(c.account)
}

// challenge is what goes before a verifier; none goes before none.
func challenge(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Holder is what the API says of an account.
type Holder struct{ ID, Title, Email string }

func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if g == nil || g.gone || time.Now().After(g.expires) {
		fail(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	answer(w, Holder{ID: g.account, Title: s.Title, Email: "owner@shop.example"})
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

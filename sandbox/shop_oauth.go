package sandbox

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The OAuth server's addresses.
const (
	authorizePath = "/oauth/authorize"
	decidedPath   = "/oauth/authorize/callback" // where a browser goes after the merchant's yes
	tokenPath     = "/oauth/token"              // #nosec G101 -- a path
	revokePath    = "/oauth/revoke"
	consentPath   = "/oauth/consent"
)

// libraryPaths are the library's own names of these addresses. It can be told
// others, but keeps them in a variable that all servers of a process share.
var libraryPaths = map[string]string{
	authorizePath: "/authorize", decidedPath: "/authorize/callback", tokenPath: "/oauth/token", revokePath: "/revoke",
}

// routeOAuth serves the library's part of OAuth under our addresses.
func (h *Host) routeOAuth() {
	for ours, theirs := range libraryPaths {
		served := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner := r.Clone(r.Context())
			inner.URL.Path = theirs
			h.provider.ServeHTTP(w, inner)
		}))
		if ours == tokenPath {
			served = h.tokenDoor(served)
		}
		h.mux.Handle(ours, served)
	}
}

// openOAuth sets up the authorization server.
func (h *Host) openOAuth(c Config) (err error) {
	h.tokens, err = newTokens(c, func(shop string, f func(*ShopStats)) {
		if s := h.shop(shop); s != nil {
			s.count(f)
		}
	})
	if err != nil {
		return err
	}
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true}
	if _, err = rand.Read(config.CryptoKey[:]); err != nil {
		return err
	}
	h.provider, err = op.NewProvider(config, h.tokens, op.IssuerFromHost(""),
		op.WithAllowInsecure(), // http: this is a sandbox
		op.WithLogger(slog.New(slog.DiscardHandler)),
	)
	return err
}

// subject is the shop an access token opens; empty when it is dead or none of ours.
func (h *Host) subject(token string) string {
	if token == "" {
		return ""
	}
	plain, err := h.provider.Crypto().Decrypt(token)
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(plain, ":")
	return h.tokens.shopOf(id)
}

// askConsent shows the page on which a merchant lets the extractor in, or does not.
func (h *Host) askConsent(w http.ResponseWriter, r *http.Request) {
	request := h.tokens.request(r.URL.Query().Get("request"))
	if request == nil {
		w.WriteHeader(http.StatusBadRequest)
		show(w, "gone.html", nil)
		return
	}
	show(w, "consent.html", map[string]any{"Request": request.id, "Shops": h.shops, "Hint": request.LoginHint})
}

// takeConsent takes the merchant's decision and sends the browser on.
func (h *Host) takeConsent(w http.ResponseWriter, r *http.Request) {
	request := h.tokens.request(r.PostFormValue("request"))
	if request == nil {
		w.WriteHeader(http.StatusBadRequest)
		show(w, "gone.html", nil)
		return
	}
	if r.PostFormValue("decision") != "allow" {
		_ = h.tokens.DeleteAuthRequest(r.Context(), request.id)
		op.AuthRequestError(w, r, request, oidc.ErrAccessDenied().WithDescription("the merchant said no"), h.provider)
		return
	}
	s := h.shop(r.PostFormValue("account"))
	if s == nil {
		refuse(w, http.StatusBadRequest, "Choose one of the shops.")
		return
	}
	h.tokens.consent(request.id, s.ID)
	http.Redirect(w, r, decidedPath+"?id="+url.QueryEscape(request.id), http.StatusSeeOther)
}

// Granted are the tokens of a consent given without a browser.
type Granted struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"` // seconds
}

// Grant lets the extractor into a shop without a browser.
func (h *Host) Grant(account string) (Granted, error) {
	if h.shop(account) == nil {
		return Granted{}, fmt.Errorf("there is no account %q", account)
	}
	t := h.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	id, refresh, expires := t.issue(t.newGrant(account, []string{scopeOrders, scopeOffline}), "")
	token, err := op.CreateBearerToken(id, account, h.provider.Crypto())
	return Granted{token, refresh, int(time.Until(expires).Round(time.Second).Seconds())}, err
}

package sandbox

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Scopes of the host.
const (
	scopeOrders  = "orders.read"
	scopeOffline = oidc.ScopeOfflineAccess
)

// client is the extractor's registration at the host.
type client struct {
	id, secret string
	redirects  []string // globs
}

var _ op.HasRedirectGlobs = (*client)(nil)

// anywhereHere are redirect addresses a developer's machine may have.
var anywhereHere = []string{"http://localhost:*/**", "http://127.0.0.1:*/**", "http://localhost/**", "http://127.0.0.1/**"}

func newClient(c Config) *client {
	return &client{id: c.ClientID, secret: c.ClientSecret, redirects: append(c.RedirectURIs, anywhereHere...)}
}

func (c *client) GetID() string                        { return c.id }
func (c *client) RedirectURIs() []string               { return nil }
func (c *client) RedirectURIGlobs() []string           { return c.redirects }
func (c *client) PostLogoutRedirectURIs() []string     { return nil }
func (c *client) PostLogoutRedirectURIGlobs() []string { return nil }
func (c *client) ApplicationType() op.ApplicationType  { return op.ApplicationTypeWeb }
func (c *client) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethodBasic }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c *client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
func (c *client) LoginURL(id string) string           { return consentPath + "?request=" + id }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c *client) IDTokenLifetime() time.Duration      { return time.Hour }
func (c *client) DevMode() bool                       { return true } // http addresses
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c *client) IsScopeAllowed(scope string) bool     { return scope == scopeOrders }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c *client) ClockSkew() time.Duration             { return 0 }

// authRequest is a client's wish that the merchant is asked about.
type authRequest struct {
	*oidc.AuthRequest
	id   string
	made time.Time
	shop string // whose consent was given; empty = none yet
}

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetAMR() []string                   { return nil }
func (a *authRequest) GetAudience() []string              { return []string{a.ClientID} }
func (a *authRequest) GetAuthTime() time.Time             { return a.made }
func (a *authRequest) GetClientID() string                { return a.ClientID }
func (a *authRequest) GetNonce() string                   { return a.Nonce }
func (a *authRequest) GetRedirectURI() string             { return a.RedirectURI }
func (a *authRequest) GetScopes() []string                { return a.Scopes }
func (a *authRequest) GetState() string                   { return a.State }
func (a *authRequest) GetSubject() string                 { return a.shop }
func (a *authRequest) Done() bool                         { return a.shop != "" }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.ResponseMode }
func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod}
}

// refreshRequest is a wish for new tokens.
type refreshRequest struct {
	*grant
	client string
}

func (r *refreshRequest) GetAMR() []string          { return nil }
func (r *refreshRequest) GetAudience() []string     { return []string{r.client} }
func (r *refreshRequest) GetAuthTime() time.Time    { return r.given }
func (r *refreshRequest) GetClientID() string       { return r.client }
func (r *refreshRequest) GetScopes() []string       { return r.scopes }
func (r *refreshRequest) GetSubject() string        { return r.shop }
func (r *refreshRequest) SetCurrentScopes([]string) {}

type signingKey struct{ *ecdsa.PrivateKey }

func (k *signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k *signingKey) Key() any                                    { return k.PrivateKey }
func (k *signingKey) ID() string                                  { return "sandbox" }

type publicKey struct{ *signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.SignatureAlgorithm() }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.PublicKey }

// What follows the library asks for and this server does not offer.

var errNotOffered = errors.New("not offered")

func (t *tokens) TerminateSession(context.Context, string, string) error { return nil }
func (t *tokens) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}
func (t *tokens) SetUserinfoFromToken(context.Context, *oidc.UserInfo, string, string, string) error {
	return errNotOffered
}
func (t *tokens) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNotOffered
}
func (t *tokens) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}
func (t *tokens) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotOffered
}
func (t *tokens) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotOffered
}
func (t *tokens) Health(context.Context) error { return nil }

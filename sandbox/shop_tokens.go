package sandbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// requestLife is how long a merchant may think about the consent, and how long a code lives.
const requestLife = 10 * time.Minute

// tokens is what the OAuth server remembers: the storage behind zitadel/oidc.
type tokens struct {
	client *client
	life   time.Duration // of access tokens
	grace  time.Duration // a rotated refresh token works so long; negative = not at all
	count  func(shop string, f func(*ShopStats))
	key    *signingKey

	mu       sync.Mutex
	requests map[string]*authRequest
	codes    map[string]string // code → request id
	access   map[string]access // token id → grant
	refresh  map[string]*grant // every refresh token ever given, dead ones too
	stats    TokenStats
	log      []*TokenCall
}

// TokenStats counts calls of the token endpoint.
type TokenStats struct {
	Calls       int `json:"calls"`
	InFlight    int `json:"inFlight"`
	MaxInFlight int `json:"maxInFlight"`
}

// grant is a merchant's consent.
type grant struct {
	shop          string
	scopes        []string
	given         time.Time
	revoked       bool
	current       string // the refresh token in force
	previous      string
	previousUntil time.Time
}

type access struct {
	grant   *grant
	expires time.Time
}

func newTokens(c Config, count func(string, func(*ShopStats))) (*tokens, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &tokens{
		client: newClient(c), life: c.TokenLife, grace: c.Grace, count: count, key: &signingKey{key},
		requests: map[string]*authRequest{}, codes: map[string]string{}, access: map[string]access{}, refresh: map[string]*grant{},
	}, nil
}

// enter counts a call of the token endpoint in, and gives the function that counts it out.
func (t *tokens) enter() (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Calls++
	t.stats.InFlight++
	t.stats.MaxInFlight = max(t.stats.MaxInFlight, t.stats.InFlight)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stats.InFlight--
	}
}

func (t *tokens) calls() TokenStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// shopOf is the shop an access token opens; empty when the token is dead.
func (t *tokens) shopOf(tokenID string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.access[tokenID]
	if !ok || a.grant.revoked || time.Now().After(a.expires) {
		return ""
	}
	return a.grant.shop
}

// newGrant notes a consent.
func (t *tokens) newGrant(shop string, scopes []string) *grant {
	t.count(shop, func(n *ShopStats) { n.Grants++ })
	return &grant{shop: shop, scopes: scopes, given: time.Now()}
}

// issue makes an access token and a new refresh token for who showed a code
// (used is empty) or a refresh token; t.mu is held. One that was replaced already
// stays usable for its grace time, however often the answers to it are lost.
func (t *tokens) issue(g *grant, used string) (id, refresh string, expires time.Time) {
	id, expires = rand.Text(), time.Now().Add(t.life)
	t.access[id] = access{g, expires}
	refresh = rand.Text() + rand.Text()
	if used == g.current {
		g.previous, g.previousUntil = used, time.Now().Add(t.grace)
	}
	g.current = refresh
	t.refresh[refresh] = g
	t.forget()
	return id, refresh, expires
}

// forget drops access tokens that have expired; t.mu is held.
func (t *tokens) forget() {
	for id, a := range t.access {
		if time.Now().After(a.expires) {
			delete(t.access, id)
		}
	}
}

// usable is the grant of a refresh token that still works; t.mu is held.
func (t *tokens) usable(token string) (*grant, error) {
	g := t.refresh[token]
	switch {
	case g == nil:
		return nil, errors.New("unknown refresh token")
	case g.revoked:
		return nil, errors.New("access was withdrawn")
	case token == g.current, token == g.previous && time.Now().Before(g.previousUntil):
		return g, nil
	}
	return nil, errors.New("this refresh token was replaced by a newer one")
}

// revokeShop takes all grants of a shop back.
func (t *tokens) revokeShop(shop string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.refresh {
		g.revoked = g.revoked || g.shop == shop
	}
	for id, a := range t.access {
		if a.grant.shop == shop {
			delete(t.access, id)
		}
	}
}

// expireShop ends all access tokens of a shop.
func (t *tokens) expireShop(shop string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, a := range t.access {
		if a.grant.shop == shop {
			delete(t.access, id)
		}
	}
}

// CreateAuthRequest keeps a request until the merchant has decided. A
// confidential client has to prove itself by PKCE too.
func (t *tokens) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("a code_challenge of method S256 is required")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, old := range t.requests {
		if time.Since(old.made) > requestLife {
			delete(t.requests, id)
		}
	}
	a := &authRequest{AuthRequest: r, id: rand.Text(), made: time.Now()}
	t.requests[a.id] = a
	return a, nil
}

// AuthRequestByID finds a request the merchant was asked about.
func (t *tokens) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	if a := t.request(id); a != nil {
		return a, nil
	}
	return nil, errors.New("this request has expired")
}

// request is a request that has not expired; nil when there is none.
func (t *tokens) request(id string) *authRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.requests[id]
	if a == nil || time.Since(a.made) > requestLife {
		return nil
	}
	copied := *a
	return &copied
}

// consent notes the merchant's yes.
func (t *tokens) consent(id, shop string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.requests[id]; a != nil {
		a.shop = shop
	}
}

// AuthRequestByCode finds the request a code was given for.
func (t *tokens) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	t.mu.Lock()
	id := t.codes[code]
	t.mu.Unlock()
	return t.AuthRequestByID(ctx, id)
}

// SaveAuthCode notes the code given for a request.
func (t *tokens) SaveAuthCode(_ context.Context, id, code string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.codes[code] = id
	return nil
}

// DeleteAuthRequest ends a request: a code works once.
func (t *tokens) DeleteAuthRequest(_ context.Context, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.requests, id)
	for code, of := range t.codes {
		if of == id {
			delete(t.codes, code)
		}
	}
	return nil
}

// CreateAccessToken is for clients that want no refresh token: there are none.
func (t *tokens) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return "", time.Time{}, oidc.ErrInvalidScope().WithDescription("the scope offline_access is required")
}

// CreateAccessAndRefreshTokens answers a code or a refresh token with new tokens.
func (t *tokens) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, refresh string) (string, string, time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var g *grant
	var err error
	if refresh == "" {
		g = t.newGrant(r.GetSubject(), r.GetScopes())
	} else if g, err = t.usable(refresh); err != nil {
		return "", "", time.Time{}, oidc.ErrInvalidGrant().WithParent(err)
	} else {
		t.count(g.shop, func(n *ShopStats) { n.Refreshes++ })
		t.renewed(g.shop)
	}
	id, next, expires := t.issue(g, refresh)
	return id, next, expires, nil
}

// TokenRequestByRefreshToken finds the grant of a refresh token.
func (t *tokens) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.usable(token)
	if err != nil {
		if dead := t.refresh[token]; dead != nil {
			t.count(dead.shop, func(n *ShopStats) { n.Refused++ })
		}
		return nil, err
	}
	return &refreshRequest{grant: g, client: t.client.id}, nil
}

// RevokeToken takes a grant back, whichever of its tokens is shown.
func (t *tokens) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	t.mu.Lock()
	g := t.refresh[token]
	if a, ok := t.access[token]; ok {
		g = a.grant
	}
	known := g != nil && !g.revoked
	if known {
		g.revoked = true
	}
	t.mu.Unlock()
	if known {
		t.count(g.shop, func(n *ShopStats) { n.Revocations++ })
	}
	return nil
}

// GetRefreshTokenInfo tells a refresh token from other tokens.
func (t *tokens) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.refresh[token]
	if g == nil {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.shop, token, nil
}

// GetClientByClientID knows one client.
func (t *tokens) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != t.client.id {
		return nil, fmt.Errorf("unknown client")
	}
	return t.client, nil
}

// AuthorizeClientIDSecret checks the client's secret.
func (t *tokens) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != t.client.id || subtle.ConstantTimeCompare([]byte(secret), []byte(t.client.secret)) != 1 {
		return oidc.ErrInvalidClient().WithDescription("wrong client id or secret")
	}
	return nil
}

// SigningKey signs the ID tokens, which nobody here reads.
func (t *tokens) SigningKey(context.Context) (op.SigningKey, error) { return t.key, nil }

// SignatureAlgorithms are those of SigningKey.
func (t *tokens) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{t.key.SignatureAlgorithm()}, nil
}

// KeySet is the public side of SigningKey.
func (t *tokens) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{t.key}}, nil }

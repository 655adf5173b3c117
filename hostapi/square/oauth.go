package square

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

// OAuth is the code flow for confidential clients. Its refresh token stays the
// same and does not expire; access tokens live 30 days.
// https://developer.squareup.com/docs/oauth-api/overview
func (h *host) OAuth(hostapi.Account) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.ClientSecret,
		Scopes:       []string{"ORDERS_READ", "PAYMENTS_READ", "MERCHANT_PROFILE_READ"},
		Endpoint: oauth2.Endpoint{
			AuthURL:   h.base + "/oauth2/authorize",
			TokenURL:  h.base + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// Exchange says how Square differs from plain OAuth 2. PKCE is left out on
// purpose: with it Square turns to refresh tokens that work once, for clients
// that have no secret.
// https://developer.squareup.com/reference/square/o-auth-api/obtain-token
func (h *host) Exchange() hostapi.Exchange {
	e := hostapi.Exchange{
		JSON:      true,
		NoPKCE:    true,
		Header:    http.Header{"Square-Version": {apiVersion}},
		ExpiresAt: "expires_at",
	}
	if h.base == production {
		// Without it Square takes whoever is logged in; its sandbox has no log-in and refuses it.
		e.AuthParams = url.Values{"session": {"false"}}
	}
	return e
}

// Identify asks whose account this is. The time zone is that of the main location.
// https://developer.squareup.com/reference/square/merchants-api/retrieve-merchant
func (h *host) Identify(ctx context.Context, c *http.Client, _ url.Values) (hostapi.Identity, error) {
	s := h.session(c)
	var answer struct {
		Merchant merchant `json:"merchant"`
	}
	if err := s.call(ctx, http.MethodGet, "/v2/merchants/me", nil, &answer); err != nil {
		return hostapi.Identity{}, err
	}
	m := answer.Merchant
	if m.ID == "" {
		return hostapi.Identity{}, models.Errorf(models.Unavailable, "Square did not say whose account this is. Try again in a minute.")
	}
	id := hostapi.Identity{Account: m.ID, Label: "account " + m.ID, Company: m.BusinessName}
	locations, err := s.locations(ctx)
	if err != nil {
		return hostapi.Identity{}, err
	}
	main := mainLocation(locations, m.MainLocationID)
	id.Zone, id.Email, id.Phone, id.Address = main.Timezone, main.BusinessEmail, main.PhoneNumber, main.Address.plain()
	return id, nil
}

// mainLocation is the one the merchant calls so, else the first.
func mainLocation(locations []location, id string) location {
	for _, l := range locations {
		if l.ID == id {
			return l
		}
	}
	return locations[0]
}

// Revoke gives the grant back. Square wants the application's secret for it, so
// the authorised client is of no use here.
// https://developer.squareup.com/reference/square/o-auth-api/revoke-token
func (h *host) Revoke(ctx context.Context, _ hostapi.Account, _ *http.Client, token string) error {
	caller := rest.Caller{Client: h.plain, Title: title}
	header := http.Header{"Authorization": {"Client " + h.config.ClientSecret}, "Square-Version": {apiVersion}}
	in := map[string]string{"client_id": h.config.ClientID, "access_token": token}
	err := caller.JSON(ctx, http.MethodPost, h.base+"/oauth2/revoke", header, in, nil)
	if models.KindOf(err) == models.NotFound { // revoked already
		return nil
	}
	return err
}

package sandbox

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

// OAuth says where the merchant's browser is sent and what we ask for there.
// That is all an adapter has to say of OAuth: state, PKCE, the exchange of the
// code, storing and refreshing tokens are done for it.
//
// offline_access makes the host give a refresh token. Its refresh tokens rotate:
// each works once, and the answer brings the next.
func (h *host) OAuth(hostapi.Account) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.ClientSecret,
		Scopes:       []string{"orders.read", "offline_access"},
		Endpoint: oauth2.Endpoint{
			AuthURL:   h.base + "/oauth/authorize",
			TokenURL:  h.base + "/oauth/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// Identify asks whose account we were let into. The client carries the new
// token. The account's id keeps a merchant from connecting a second account by
// mistake; the zone decides which day a sale belongs to.
func (h *host) Identify(ctx context.Context, c *http.Client, _ url.Values) (hostapi.Identity, error) {
	var answer struct {
		Shop struct {
			ID        string `json:"id"`
			Name      string `json:"name"`
			Zone      string `json:"zone"`
			Email     string `json:"email"`
			Phone     string `json:"phone"`
			FirstName string `json:"firstName"`
			LastName  string `json:"lastName"`
			Line1     string `json:"line1"`
			City      string `json:"city"`
			State     string `json:"state"`
			Zip       string `json:"zip"`
			Country   string `json:"country"`
		} `json:"shop"`
	}
	caller := rest.Caller{Client: c, Title: title}
	if err := caller.JSON(ctx, http.MethodGet, h.base+"/api/shop", nil, nil, &answer); err != nil {
		return hostapi.Identity{}, err
	}
	s := answer.Shop
	if s.ID == "" {
		return hostapi.Identity{}, models.Errorf(models.Unavailable, title+" did not say whose account this is. Try again in a minute.")
	}
	return hostapi.Identity{
		Account: s.ID, Label: "account " + s.ID, Zone: s.Zone,
		Company: s.Name, Email: s.Email, FirstName: s.FirstName, LastName: s.LastName, Phone: s.Phone,
		Address: models.Address{Line1: s.Line1, City: s.City, State: s.State, Zip: s.Zip, Country: s.Country},
	}, nil
}

// Revoke gives the merchant's permission back. The host wants our own secret
// for that (RFC 7009), so the merchant's client is of no use here.
func (h *host) Revoke(ctx context.Context, _ hostapi.Account, _ *http.Client, token string) error {
	form := url.Values{
		"token": {token}, "token_type_hint": {"access_token"},
		"client_id": {h.config.ClientID}, "client_secret": {h.config.ClientSecret},
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	caller := rest.Caller{Client: h.plain, Title: title}
	return caller.JSON(ctx, http.MethodPost, h.base+"/oauth/revoke", header, []byte(form.Encode()), nil)
}

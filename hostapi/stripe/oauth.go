package stripe

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

// accessLife is how long an access token lives; Stripe's answer does not say.
// Refresh tokens live a year and are replaced at each refresh.
const accessLife = time.Hour

// OAuth is the flow of Stripe Apps. What we may read is in the app's manifest,
// so that there are no scopes.
// https://docs.stripe.com/stripe-apps/api-authentication/oauth
func (h *host) OAuth(hostapi.Account) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.SecretKey,
		Endpoint:     oauth2.Endpoint{AuthURL: h.consent, TokenURL: h.base + "/v1/oauth/token"},
	}
}

// Exchange says how Stripe differs from plain OAuth 2: our secret key, as the
// user of Basic, says who we are, and the form holds the grant alone.
func (h *host) Exchange() hostapi.Exchange {
	return hostapi.Exchange{
		NoPKCE:   true,
		NoClient: true,
		Omit:     []string{"redirect_uri"},
		Header:   http.Header{"Authorization": {h.config.key()}, "Stripe-Version": {apiVersion}},
		Life:     accessLife,
	}
}

// Identify asks whose account this is, and makes sure that it was entered in
// the mode of our key: payments of the other mode would all be left out.
// https://docs.stripe.com/api/accounts/retrieve
func (h *host) Identify(ctx context.Context, c *http.Client, callback url.Values) (hostapi.Identity, error) {
	s := h.api(c)
	raw, err := s.need(ctx, "/v1/account", nil)
	if err != nil {
		return hostapi.Identity{}, err
	}
	var a account
	if err := s.decode(raw, &a); err != nil {
		return hostapi.Identity{}, err
	}
	live, told, err := s.mode(ctx, callback)
	if err != nil {
		return hostapi.Identity{}, err
	}
	if told && live != h.live {
		return hostapi.Identity{}, models.Errorf(models.Refused, "This Stripe account was opened in %s, but this service reads %s. Install the app again in that mode.", modeName(live), modeName(h.live))
	}
	return a.identity(), nil
}

func modeName(live bool) string {
	if live {
		return "live mode"
	}
	return "test mode"
}

// mode tells which mode the token opens: by the callback, else by the newest
// event. An account without events does not tell, and holds nothing of either.
func (s api) mode(ctx context.Context, callback url.Values) (live, told bool, err error) {
	if v := callback.Get("livemode"); v != "" {
		return v == "true", true, nil
	}
	page, err := s.list(ctx, "/v1/events", url.Values{"limit": {"1"}})
	if err != nil || len(page.data) == 0 {
		return false, false, err
	}
	var newest struct {
		Livemode *bool `json:"livemode"`
	}
	if err := s.decode(page.data[0].raw, &newest); err != nil || newest.Livemode == nil {
		return false, false, err
	}
	return *newest.Livemode, true, nil
}

func (a account) identity() hostapi.Identity {
	id := hostapi.Identity{
		Account: a.ID,
		Label:   "account " + a.ID,
		Zone:    a.Settings.Dashboard.Timezone,
		Company: a.Profile.Name,
		Email:   a.Email,
		Phone:   a.Profile.SupportPhone,
	}
	if id.Company == "" {
		id.Company = a.Settings.Dashboard.DisplayName
	}
	for _, known := range []postal{a.Company.Address, a.Profile.SupportAddress} {
		if p := known.plain(); p != (models.Address{}) {
			id.Address = p
			break
		}
	}
	if id.Address.Country == "" {
		id.Address.Country = a.Country
	}
	return id
}

// Revoke gives the grant back. Stripe documents this endpoint for Connect; that
// it takes Stripe Apps as well is seen in other people's integrations, not in
// Stripe's pages. Where it fails, the merchant can uninstall the app himself.
// https://docs.stripe.com/connect/oauth-reference#post-deauthorize
func (h *host) Revoke(ctx context.Context, a hostapi.Account, _ *http.Client, _ string) error {
	form := url.Values{"client_id": {h.config.ClientID}, "stripe_user_id": {a.HostID}}
	header := http.Header{
		"Authorization":  {h.config.key()},
		"Stripe-Version": {apiVersion},
		"Content-Type":   {"application/x-www-form-urlencoded"},
	}
	caller := rest.Caller{Client: h.plain, Title: title}
	err := caller.JSON(ctx, http.MethodPost, h.base+"/v1/oauth/deauthorize", header, []byte(form.Encode()), nil)
	if models.KindOf(err) == models.NotFound { // revoked already
		return nil
	}
	return err
}

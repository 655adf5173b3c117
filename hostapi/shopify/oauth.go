package shopify

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

// recentOrders is how far back an app reads without read_all_orders.
// https://shopify.dev/docs/api/usage/access-scopes#orders-permissions
const recentOrders = 60 * 24 * time.Hour

// neededScopes are those without which a page cannot be read: the orders, and
// the locations that tills stand in.
var neededScopes = []string{"read_orders", "read_locations"}

const allOrders = "read_all_orders"

// scopes are what we ask merchants for.
func (h *host) scopes() []string {
	if h.config.AllOrders {
		return append(slices.Clone(neededScopes), allOrders)
	}
	return neededScopes
}

// OAuth is the authorization-code grant of the account's shop. A Shopify app
// reads its scopes from one parameter with commas in it. Without
// grant_options[] the token is an offline one, which outlives the browser.
// https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
func (h *host) OAuth(a hostapi.Account) *oauth2.Config {
	config := &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.ClientSecret,
		Scopes:       []string{strings.Join(h.scopes(), ",")},
	}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if base := h.address(a.HostID); base != "" { // else there is nowhere to go
		config.Endpoint.AuthURL = base + "/admin/oauth/authorize"
		config.Endpoint.TokenURL = base + "/admin/oauth/access_token"
	}
	return config
}

// Exchange says how Shopify differs from plain OAuth 2. "expiring" asks for a
// token of an hour with a refresh token, which apps must use.
// https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
func (h *host) Exchange() hostapi.Exchange {
	return hostapi.Exchange{
		JSON:       true,
		NoPKCE:     true,
		CodeParams: url.Values{"expiring": {"1"}},
		Omit:       []string{"grant_type", "redirect_uri"},
	}
}

// Present writes the token where Shopify looks for it.
func (h *host) Present(header http.Header, access string) {
	header.Set("X-Shopify-Access-Token", access)
}

// shopAnswer is the answer to shopQuery.
type shopAnswer struct {
	Shop struct {
		Domain  string   `json:"myshopifyDomain"`
		Name    string   `json:"name"`
		Email   string   `json:"email"`
		Owner   string   `json:"shopOwnerName"`
		Zone    string   `json:"ianaTimezone"`
		Billing *address `json:"billingAddress"`
	} `json:"shop"`
	App struct {
		Scopes []struct {
			Handle string `json:"handle"`
		} `json:"accessScopes"`
	} `json:"currentAppInstallation"`
}

// Identify asks whose shop this is and which scopes were granted: what Shopify
// then leaves out for want of a scope, it leaves out without a word.
func (h *host) Identify(ctx context.Context, c *http.Client, callback url.Values) (hostapi.Identity, error) {
	s, err := h.session(callback.Get("shop"), c)
	if err != nil {
		return hostapi.Identity{}, err
	}
	var answer shopAnswer
	if err := s.call(ctx, shopQuery, nil, func(data *jsonscan.Scanner) error { return data.Decode(&answer) }); err != nil {
		return hostapi.Identity{}, err
	}
	if err := answer.missing(); err != nil {
		return hostapi.Identity{}, err
	}
	if !domain.MatchString(answer.Shop.Domain) {
		return hostapi.Identity{}, models.Errorf(models.Unavailable, "Shopify did not say whose account this is. Try again in a minute.")
	}
	id := answer.identity()
	if !answer.has(allOrders) {
		id.History = h.now().Add(-recentOrders)
		id.Notice = "Shopify lets us read the orders of the last 60 days only, because the permission to read all orders was not given. " +
			"Older sales are missing until the app has that permission and you authenticate the shop again."
	}
	return id, nil
}

// missing is the error for a scope that was not granted.
func (a *shopAnswer) missing() error {
	for _, scope := range neededScopes {
		if !a.has(scope) {
			return models.Errorf(models.Refused, "Shopify did not give the permission %s, without which sales cannot be read. Start again and allow everything that is asked for.", scope)
		}
	}
	return nil
}

// has reports whether a scope was granted. The right to write includes the one to read.
func (a *shopAnswer) has(scope string) bool {
	for _, s := range a.App.Scopes {
		if s.Handle == scope || s.Handle == strings.Replace(scope, "read_", "write_", 1) {
			return true
		}
	}
	return false
}

func (a *shopAnswer) identity() hostapi.Identity {
	id := hostapi.Identity{
		Account: a.Shop.Domain, Label: a.Shop.Domain, Zone: a.Shop.Zone,
		Company: a.Shop.Name, Email: a.Shop.Email,
	}
	id.FirstName = a.Shop.Owner
	if i := strings.LastIndexByte(a.Shop.Owner, ' '); i > 0 {
		id.FirstName, id.LastName = a.Shop.Owner[:i], a.Shop.Owner[i+1:]
	}
	if a.Shop.Billing != nil {
		id.Phone, id.Address = a.Shop.Billing.Phone, a.Shop.Billing.plain()
	}
	return id
}

// Revoke uninstalls the app from the shop, which is how an app gives its grant
// back: the tokens die, and so do our webhooks there. A shop that no longer lets
// us in has done it already.
// https://shopify.dev/changelog/new-appuninstall-mutation-to-allow-apps-to-uninstall-themselves
func (h *host) Revoke(ctx context.Context, a hostapi.Account, c *http.Client, _ string) error {
	s, err := h.session(a.HostID, c)
	if err != nil {
		return err
	}
	var answer struct {
		Uninstall struct {
			Errors []userError `json:"userErrors"`
		} `json:"appUninstall"`
	}
	err = s.call(ctx, uninstallMutation, nil, func(data *jsonscan.Scanner) error { return data.Decode(&answer) })
	switch {
	case models.KindOf(err) == models.Unauthorised:
		return nil
	case err != nil:
		return err
	case len(answer.Uninstall.Errors) > 0:
		return models.Errorf(models.Internal, "Shopify did not remove our app from the shop. Remove it in Shopify under Settings, Apps.").
			Because(codesOf(answer.Uninstall.Errors))
	}
	return nil
}

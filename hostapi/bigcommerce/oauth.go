package bigcommerce

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/models"
)

// contextPattern is how BigCommerce names a store. What matches goes into URLs,
// so nothing else may.
var contextPattern = regexp.MustCompile(`^stores/([a-z0-9]{3,32})$`)

// storeOf is the store's hash in a context or producer; "" when it is none.
func storeOf(context string) string {
	if m := contextPattern.FindStringSubmatch(context); m != nil {
		return m[1]
	}
	return ""
}

// OAuth is the code flow of apps. A store that is known is named, so that
// BigCommerce does not take another one of the same person.
// https://developer.bigcommerce.com/docs/integrations/apps/guide/auth
func (h *host) OAuth(a hostapi.Account) *oauth2.Config {
	authorize := h.login + "/oauth2/authorize"
	if store := "stores/" + a.HostID; storeOf(store) != "" {
		authorize += "?context=" + url.QueryEscape(store)
	}
	return &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.ClientSecret,
		Scopes:       []string{"store_v2_orders_read_only", "store_v2_transactions_read_only", "store_v2_information_read_only"},
		Endpoint: oauth2.Endpoint{
			AuthURL:   authorize,
			TokenURL:  h.login + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// Exchange says how BigCommerce differs from plain OAuth 2: it wants to hear
// again for which store and scopes it gave the code. The token has no end.
func (h *host) Exchange() hostapi.Exchange {
	return hostapi.Exchange{JSON: true, NoPKCE: true, Echo: []string{"context", "scope"}}
}

// Present writes the token where BigCommerce looks for it.
func (h *host) Present(header http.Header, access string) { header.Set("X-Auth-Token", access) }

// CheckCallback looks at the store's name before anything is done with it.
func (h *host) CheckCallback(callback url.Values) error {
	if storeOf(callback.Get("context")) == "" {
		return models.Errorf(models.Refused, "BigCommerce did not say which store this is. Please start again from the app in your store's control panel.")
	}
	return nil
}

// Installation reads the query that BigCommerce's app store sends: it is the
// answer of a consent, which carries no signature; its code is the proof. A
// query without a code is of a merchant who came by himself.
func (h *host) Installation(query url.Values) (account string, redeem bool, err error) {
	if query.Get("code") == "" {
		return "", false, nil
	}
	if err := h.CheckCallback(query); err != nil {
		return "", false, err
	}
	return storeOf(query.Get("context")), true, nil
}

// Identify asks the store that the callback names for its name and place. The
// token opens that store only, so the answer is the proof of the name.
// https://developer.bigcommerce.com/docs/rest-management/store-information
func (h *host) Identify(ctx context.Context, c *http.Client, callback url.Values) (hostapi.Identity, error) {
	if err := h.CheckCallback(callback); err != nil {
		return hostapi.Identity{}, err
	}
	hash := storeOf(callback.Get("context"))
	s, err := h.session(hostapi.Account{HostID: hash, Client: c})
	if err != nil {
		return hostapi.Identity{}, err
	}
	info, err := s.information(ctx)
	if err != nil {
		return hostapi.Identity{}, err
	}
	if info.ID != "" && info.ID != hash {
		return hostapi.Identity{}, models.Errorf(models.Refused, "BigCommerce let us into another store than the one it named. Please start again from the app in your store's control panel.")
	}
	return hostapi.Identity{
		Account: hash, Label: "store " + hash, Zone: info.Timezone.Name,
		Company: info.Name, Email: info.AdminEmail, FirstName: info.FirstName, LastName: info.LastName, Phone: info.Phone,
		Address: info.place(),
	}, nil
}

package quickbooks

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// scope is the only one for reading documents; Intuit has none for reading alone.
	scope = "com.intuit.quickbooks.accounting"
	// accessLife is of an access token, where the answer does not say.
	accessLife = time.Hour
	// refreshDue keeps the refresh token alive, which dies after 100 days of rest
	// and changes about daily.
	refreshDue = 24 * time.Hour
	// consentLife is how long a consent lasts at most: "hard expiry" since 2025.
	consentLife = 5 * 365 * 24 * time.Hour
)

// realmID is what a company's id looks like. It becomes part of addresses.
var realmID = regexp.MustCompile(`^[0-9]{1,25}$`)

// OAuth is the code flow for confidential clients.
// https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0
func (h *host) OAuth(hostapi.Account) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     h.config.ClientID,
		ClientSecret: h.config.ClientSecret,
		Scopes:       []string{scope},
		Endpoint:     oauth2.Endpoint{AuthURL: h.at.consent, TokenURL: h.at.token, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// Exchange says how QuickBooks differs from plain OAuth 2.
func (h *host) Exchange() hostapi.Exchange {
	return hostapi.Exchange{NoPKCE: true, Life: accessLife, RefreshDue: refreshDue, Consent: consentLife}
}

// CheckCallback looks at the company's id, which only the callback tells.
func (h *host) CheckCallback(callback url.Values) error {
	if !realmID.MatchString(callback.Get("realmId")) {
		return models.Errorf(models.Refused, "QuickBooks did not say which company was chosen. Please connect again.")
	}
	return nil
}

// companyInfo is what we use of a company's own description.
type companyInfo struct {
	CompanyName string  `json:"CompanyName"`
	Country     string  `json:"Country"`
	CompanyAddr address `json:"CompanyAddr"`
	LegalAddr   address `json:"LegalAddr"`
	Email       struct {
		Address string `json:"Address"`
	} `json:"Email"`
	PrimaryPhone struct {
		Number string `json:"FreeFormNumber"`
	} `json:"PrimaryPhone"`
}

// Identify reads the company that the callback names, which proves that the
// token opens it. QuickBooks tells no time zone; see zoneOf.
// https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo
func (h *host) Identify(ctx context.Context, c *http.Client, callback url.Values) (hostapi.Identity, error) {
	if err := h.CheckCallback(callback); err != nil {
		return hostapi.Identity{}, err
	}
	realm := callback.Get("realmId")
	var answer struct {
		CompanyInfo *companyInfo `json:"CompanyInfo"`
	}
	if err := h.session(c, realm).read(ctx, "companyinfo/"+realm, nil, &answer); err != nil {
		return hostapi.Identity{}, err
	}
	if answer.CompanyInfo == nil {
		return hostapi.Identity{}, models.Errorf(models.Unavailable, "QuickBooks did not say whose company this is. Try again in a minute.")
	}
	info := answer.CompanyInfo
	where := info.place()
	return hostapi.Identity{
		Account: realm, Label: "account " + realm, Zone: zoneOf(where),
		Company: info.CompanyName, Email: info.Email.Address, Phone: info.PrimaryPhone.Number, Address: where,
	}, nil
}

// place is where the company is.
func (i *companyInfo) place() models.Address {
	where := i.CompanyAddr.plain()
	if where == (models.Address{}) {
		where = i.LegalAddr.plain()
	}
	if where != (models.Address{}) {
		where.Country = cmp.Or(where.Country, i.Country)
	}
	return where
}

// Revoke gives the grant back. Intuit wants the app's secret for it, so the
// authorised client is of no use here.
// https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0#revoke-token-disconnect
func (h *host) Revoke(ctx context.Context, _ hostapi.Account, _ *http.Client, token string) error {
	caller := rest.Caller{Client: h.plain, Title: title}
	r := http.Request{Header: http.Header{"Accept": {"application/json"}}}
	r.SetBasicAuth(h.config.ClientID, h.config.ClientSecret)
	err := caller.JSON(ctx, http.MethodPost, h.at.revoke, r.Header, map[string]string{"token": token}, nil)
	switch models.KindOf(err) {
	case models.NotFound, models.Refused: // a token that is dead already is answered with 400
		return nil
	}
	return err
}

package handlers

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

// arrival is what a host's app store says of a merchant whom it sends to us;
// nothing for a host without one.
func arrival(host hostapi.Host, address *url.URL) (account string, redeem bool, err error) {
	installer, ok := host.(hostapi.Installer)
	if !ok {
		return "", false, nil
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return "", false, models.Errorf(models.Invalid, "The address of this link cannot be read. Start again at your store.").Because(err)
	}
	return installer.Installation(query)
}

// refuseArrival answers a query that is not the store's.
func (p *Popup) refuseArrival(c *gin.Context, err error) {
	switch models.KindOf(err) {
	case models.Invalid, models.Refused:
		_ = c.Error(err)
		p.answer(c, http.StatusBadRequest, page{Title: "This link does not work", Text: []string{models.Sentence(err, "")},
			Small: "Begin again at your store, or in TrustFile."})
	default:
		p.refuse(c, err)
	}
}

// unasked reports whether a callback is a store's answer to a consent that none
// of our attempts asked for: a store that knows one address of ours sends there
// merchants who install the app, with a code and without a state.
func (p *Popup) unasked(host string, address *url.URL) (account string, ok bool) {
	if address.Query().Get("state") != "" {
		return "", false
	}
	account, redeem, err := arrival(p.Hosts[host], address)
	return account, redeem && err == nil
}

// redeemUnasked makes an install of a store's answer. It is an attempt of its
// own and never another one's: without a state nothing says who asked for it,
// so it must not reach a connection that somebody else began. path is the
// address that was called, which the host compares.
func (p *Popup) redeemUnasked(c *gin.Context, host, account, path string) {
	if framed(c.Request) { // stores show apps inside pages of their own, at addresses of their choice
		c.Header("Content-Security-Policy", contentPolicy([]string{"*"}))
		p.offerWindow(c)
		return
	}
	state, err := p.beginAttempt(c, models.Attempt{Kind: models.AttemptInstall, Host: host, Account: account})
	if err != nil {
		p.refuse(c, err)
		return
	}
	a, err := p.useAtOnce(c, host, state)
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	p.settle(c, a, state, hostapi.Consent{RedirectURL: p.PublicURL + path, Account: account})
}

// useAtOnce takes an attempt through its steps.
func (p *Popup) useAtOnce(c *gin.Context, host, state string) (*models.Attempt, error) {
	if a, err := p.Store.StartAttempt(c, host, state, p.cookie.given(c), ""); err != nil {
		return a, err
	}
	return p.Store.UseAttempt(c, host, state, p.cookie.given(c))
}

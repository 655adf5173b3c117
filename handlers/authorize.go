package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

// What REDIRECT_ID does with the id that a redirect carries.
const (
	RedirectEcho = "echo" // it comes back as it was
	RedirectCode = "code" // a one-time code takes its place
)

// PopupConfig is what the pages for merchants need.
type PopupConfig struct {
	Store         *models.Store
	Hosts         map[string]hostapi.Host // by folder name
	PublicURL     string                  // how browsers reach this service, without a path
	Redirects     []string                // REDIRECT_ALLOWLIST; empty: TrustFile's own
	RedirectID    string                  // REDIRECT_ID; empty: echo
	RequireTicket bool                    // REQUIRE_AUTHENTICATION_TICKET
	AppURL        string                  // where merchants go on after an install; empty: nowhere
	Transport     http.RoundTripper       // to the hosts; nil: one shared by all
	Nudge         func()                  // tells the engine that there is work; nil: it finds it by itself
}

// Popup is what a browser sees of the service: the way into a host's account.
type Popup struct {
	PopupConfig
	redirects redirects
	policy    string
	cookie    cookie
	limiter   *limiter
}

// NewPopup checks the configuration; the error names the variable.
func NewPopup(cfg PopupConfig) (*Popup, error) {
	if len(cfg.Redirects) == 0 {
		cfg.Redirects = []string{defaultAllowed}
	}
	if cfg.RedirectID == "" {
		cfg.RedirectID = RedirectEcho
	}
	if cfg.RedirectID != RedirectEcho && cfg.RedirectID != RedirectCode {
		return nil, fmt.Errorf("REDIRECT_ID must be %s or %s", RedirectEcho, RedirectCode)
	}
	if cfg.Nudge == nil {
		cfg.Nudge = func() {}
	}
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	allowed, err := newRedirects(cfg.Redirects)
	if err != nil {
		return nil, err
	}
	return &Popup{PopupConfig: cfg, redirects: allowed, policy: contentPolicy(allowed.origins),
		cookie: newCookie(cfg.PublicURL), limiter: newLimiter()}, nil
}

// Mount adds the routes that a browser opens; they need no bearer.
func (p *Popup) Mount(r gin.IRouter) {
	pages := r.Group("/", p.guard)
	pages.GET("/connections/:id/authentication", p.limit, p.begin)
	pages.GET("/oauth/:host/start", p.confirm)
	pages.POST("/oauth/:host/start", p.start)
	pages.POST("/oauth/:host/again", p.limit, p.again)
	pages.GET("/oauth/:host/callback", p.callback)
	pages.POST("/oauth/:host/keys", p.limit, p.keys)
	pages.GET("/install/:host", p.limit, p.install)
	pages.GET("/install/:host/progress", p.progress)
	pages.GET("/install/:host/opened", p.limit, p.opened)
}

// MountAuthorised adds the routes behind the bearer.
func (p *Popup) MountAuthorised(r gin.IRouter) {
	r.POST("/connections/:id/authentication-tickets", p.makeTicket)
}

// limit keeps one address from beginning attempts without end.
func (p *Popup) limit(c *gin.Context) {
	if !p.limiter.allow(clientAddress(c.Request)) {
		c.Header("Retry-After", "60")
		p.answer(c, http.StatusTooManyRequests, page{Title: "Please wait a moment",
			Text: []string{"There were many attempts from your network in a short time. Wait a minute, then try again."}})
	}
}

// begin is GET /connections/:id/authentication?redirectUri=: the page that asks
// whether to connect, and a new attempt behind it. With a ticket its address is
// left at once, so that going back or reloading does not meet a used ticket.
func (p *Popup) begin(c *gin.Context) {
	redirect, ticket, err := p.wanted(c.Request.URL)
	if err != nil {
		p.refuse(c, err)
		return
	}
	connection, err := p.Store.FindConnection(c, c.Param("id"))
	if err != nil {
		p.refuse(c, unknownToMerchant(err))
		return
	}
	if framed(c.Request) {
		p.offerWindow(c)
		return
	}
	if ticket != "" {
		if redirect, err = p.useTicket(c, connection, ticket, redirect); err != nil {
			p.refuse(c, err)
			return
		}
	}
	w, state, err := p.beginWay(c, connection, models.Attempt{Kind: models.AttemptPopup, ConnectionID: &connection.ID, Host: connection.Host, Redirect: redirect})
	switch {
	case err != nil:
		p.refuse(c, err)
	case ticket != "":
		c.Redirect(http.StatusSeeOther, startPath(connection.Host, state))
	default:
		p.show(c, http.StatusOK, p.question(w, state, "", ""))
	}
}

// wanted is what the link into the popup says: where to go in the end, and by
// what permission. Only one with a ticket may leave the former to the ticket.
func (p *Popup) wanted(u *url.URL) (redirect, ticket string, err error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query["redirectUri"]) > 1 || len(query["ticket"]) > 1 {
		return "", "", errBadRedirect
	}
	redirect, ticket = query.Get("redirectUri"), query.Get("ticket")
	if redirect != "" || ticket == "" {
		if redirect, err = p.redirects.resolve(redirect); err != nil {
			return "", "", err
		}
	}
	if ticket == "" && p.RequireTicket {
		return "", "", models.Errorf(models.Unauthorised, "Connecting an account begins in TrustFile. Go back there and press Connect again.")
	}
	return redirect, ticket, nil
}

// startPath is the page that asks, of an attempt that was begun.
func startPath(host, state string) string {
	return "/oauth/" + host + "/start?" + url.Values{"attempt": {state}}.Encode()
}

// callbackPath is where a host sends browsers back to.
func callbackPath(host string) string { return "/oauth/" + host + "/callback" }

// confirm is GET /oauth/:host/start: the page that asks, again.
func (p *Popup) confirm(c *gin.Context) {
	state := c.Query("attempt")
	a, err := p.Store.FindAttempt(c, c.Param("host"), state, p.cookie.of(c.Request))
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	w, err := p.wayOf(c, a)
	if err != nil {
		p.refuse(c, err)
		return
	}
	p.show(c, http.StatusOK, p.question(w, state, a.Account, ""))
}

// start is POST /oauth/:host/start: the browser goes on to the host, unless the
// account that was typed cannot be one.
func (p *Popup) start(c *gin.Context) {
	state := c.PostForm("attempt")
	a, err := p.Store.FindAttempt(c, c.Param("host"), state, p.cookie.of(c.Request))
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	w, err := p.wayOf(c, a)
	if err != nil {
		p.refuse(c, err)
		return
	}
	typed := strings.TrimSpace(c.PostForm("account"))
	account, err := w.account(typed)
	switch {
	case err == nil:
		p.toHost(c, w, state, account)
	case models.KindOf(err) == models.Invalid:
		p.show(c, http.StatusBadRequest, p.question(w, state, typed, models.Sentence(err, "")))
	default:
		p.refuse(c, err)
	}
}

// toHost sends the browser to the host's consent page, to enter account if it
// is known.
func (p *Popup) toHost(c *gin.Context, w way, state, account string) {
	a, err := p.Store.StartAttempt(c, w.attempt.Host, state, p.cookie.given(c), account)
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	w.attempt = a
	c.Redirect(http.StatusSeeOther, p.consentURL(w, state))
}

// consentURL is the host's consent page, in the host's own way.
func (p *Popup) consentURL(w way, state string) string {
	if granter, ok := w.host.(hostapi.Granter); ok {
		return hostapi.GrantURL(granter, w.connection, hostapi.Grant{Account: w.attempt.Account, State: state,
			KeysURL: p.PublicURL + keysPath(w.attempt.Host), Returned: p.PublicURL + callbackPath(w.attempt.Host)})
	}
	return hostapi.ConsentURL(w.host, w.connection, p.consent(w.attempt, state))
}

// consent is the attempt in the words of OAuth.
func (p *Popup) consent(a *models.Attempt, state string) hostapi.Consent {
	return hostapi.Consent{RedirectURL: p.PublicURL + callbackPath(a.Host), State: state, Verifier: a.Verifier, Account: a.Account}
}

// again is POST /oauth/:host/again: a new attempt in place of one that came to
// nothing, by the browser that began it, and with the account it was for.
func (p *Popup) again(c *gin.Context) {
	a, err := p.Store.FindAttempt(c, c.Param("host"), c.PostForm("attempt"), p.cookie.of(c.Request))
	if a == nil || a.Outcome == models.OutcomeDone {
		p.refuseAttempt(c, a, "", err)
		return
	}
	if a.Kind == models.AttemptInstall && a.Account == "" {
		c.Redirect(http.StatusSeeOther, "/install/"+a.Host)
		return
	}
	state, err := p.beginAttempt(c, models.Attempt{Kind: a.Kind, ConnectionID: a.ConnectionID, Host: a.Host, Redirect: a.Redirect, Account: a.Account})
	if err != nil {
		p.refuse(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, startPath(a.Host, state))
}

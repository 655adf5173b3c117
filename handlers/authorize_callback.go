package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/models"
)

// exchangeTime is for the host's answer to our code and to whose account it is,
// together: the router in front of us gives up after 30 s.
const exchangeTime = 10 * time.Second

// callback is GET /oauth/:host/callback: the host's answer. It is worked on to
// its end also when the window was closed meanwhile.
func (p *Popup) callback(c *gin.Context) {
	host, query := c.Param("host"), c.Request.URL.Query()
	if account, ok := p.unasked(host, c.Request.URL); ok {
		if p.limit(c); !c.IsAborted() {
			p.redeemUnasked(c, host, account, callbackPath(host))
		}
		return
	}
	state := query.Get(stateName(p.Hosts[host]))
	a, err := p.Store.UseAttempt(c, host, state, p.cookie.of(c.Request))
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	if word, given := answerOf(p.Hosts[host], query); !given {
		p.notAllowed(context.WithoutCancel(c.Request.Context()), c, a, state, word)
		return
	}
	p.settle(c, a, state, p.consent(a, state))
}

// stateName is the parameter in which a host gives the state back.
func stateName(host hostapi.Host) string {
	if _, keys := host.(hostapi.Granter); keys {
		return "user_id"
	}
	return "state"
}

// answerOf reads whether the host's answer gives access; if it does not, word
// is OAuth's word for why.
func answerOf(host hostapi.Host, query url.Values) (word string, given bool) {
	if _, keys := host.(hostapi.Granter); !keys {
		word = query.Get("error")
		return word, word == "" && query.Get("code") != ""
	}
	switch query.Get("success") {
	case "1":
		return "", true
	case "0":
		return "access_denied", false
	}
	return "", false
}

// settle ends an attempt to which the host gave access: the account is
// connected, or a page says why not.
func (p *Popup) settle(c *gin.Context, a *models.Attempt, state string, consent hostapi.Consent) {
	ctx := context.WithoutCancel(c.Request.Context())
	g, err := p.enter(ctx, a, consent, c.Request.URL.Query())
	if err == nil && a.Kind == models.AttemptInstall {
		err = p.installed(ctx, c, a, state, g)
	} else if err == nil {
		err = p.connected(ctx, c, a, g)
	}
	if err != nil {
		p.failed(ctx, c, a, state, err)
	}
}

// grant is what the host gave us, and whose it is.
type grant struct {
	token models.Token
	who   hostapi.Identity
}

// authorization is the grant as the store takes it.
func (g grant) authorization(a *models.Attempt) models.Authorization {
	return models.Authorization{Attempt: a.ID, Token: g.token, Account: g.who.Account, Label: g.who.Label, Zone: g.who.Zone,
		History: g.who.History, Notice: g.who.Notice}
}

// enter takes what the host gave, a code or keys, and asks whose account it opens.
func (p *Popup) enter(ctx context.Context, a *models.Attempt, consent hostapi.Consent, callback url.Values) (g grant, err error) {
	w, err := p.wayOf(ctx, a)
	if err != nil {
		return g, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	if _, keys := w.host.(hostapi.Granter); !keys {
		g.token, g.who, err = hostapi.Redeem(ctx, w.host, w.connection, consent, callback, p.Transport)
	} else if a.Keys == nil {
		return g, errNoKeys
	} else {
		g.token = *a.Keys
		g.who, err = hostapi.Prove(ctx, w.host, w.connection, a.Account, g.token, p.Transport)
	}
	if err != nil {
		return g, err
	}
	return g, p.sameAccount(a, g.who)
}

// sameAccount refuses an account other than the one that was asked for.
func (p *Popup) sameAccount(a *models.Attempt, who hostapi.Identity) error {
	if a.Account == "" || a.Account == who.Account {
		return nil
	}
	return models.Errorf(models.Conflict, "You asked to connect %s, but at %s you signed in with %s. Try again, and sign in with the account that you want to connect.",
		a.Account, p.Store.Title(a.Host), who.Label)
}

// connected stores the grant and sends the browser where it wanted to go.
func (p *Popup) connected(ctx context.Context, c *gin.Context, a *models.Attempt, g grant) error {
	if err := failpoint.Hit("before the grant is stored"); err != nil {
		return err
	}
	if _, err := p.Store.Authorize(ctx, *a.ConnectionID, g.authorization(a)); err != nil {
		return err
	}
	if err := failpoint.Hit("after the grant is stored"); err != nil {
		return err
	}
	slog.InfoContext(ctx, "account connected", "connection", *a.ConnectionID, "host", a.Host)
	p.Nudge()
	to := a.Redirect
	if p.RedirectID == RedirectCode {
		to = withCode(to, models.RandomToken())
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

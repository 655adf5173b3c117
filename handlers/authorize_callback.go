package handlers

import (
	"context"
	"log/slog"
	"net/http"
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
	state := c.Query("state")
	a, err := p.Store.UseAttempt(c, c.Param("host"), state, p.cookie.of(c.Request))
	if err != nil {
		p.refuseAttempt(c, a, state, err)
		return
	}
	ctx := context.WithoutCancel(c.Request.Context())
	if code := c.Query("error"); code != "" || c.Query("code") == "" {
		p.notAllowed(ctx, c, a, state, code)
		return
	}
	grant, err := p.redeem(ctx, c, a, state)
	if err == nil && a.Kind == models.AttemptInstall {
		err = p.installed(ctx, c, a, state, grant)
	} else if err == nil {
		err = p.connected(ctx, c, a, grant)
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
	return models.Authorization{Attempt: a.ID, Token: g.token, Account: g.who.Account, Label: g.who.Label, Zone: g.who.Zone}
}

// redeem swaps the code for a token and asks whose account it opens.
func (p *Popup) redeem(ctx context.Context, c *gin.Context, a *models.Attempt, state string) (g grant, err error) {
	host, err := p.authorizer(a.Host)
	if err != nil {
		return g, err
	}
	connection, err := p.connectionOf(ctx, a)
	if err != nil {
		return g, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	g.token, g.who, err = hostapi.Redeem(ctx, host, connection, p.consent(a, state), c.Request.URL.Query(), p.Transport)
	return g, err
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

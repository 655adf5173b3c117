package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// progressEvery is how often the page that waits for a signup asks again, in seconds.
	progressEvery = "2"
	// onwardAfter is when the last page moves on by itself, in seconds: time to read it.
	onwardAfter = "5"
)

// install is GET /install/:host: a merchant begins at the host's side. The host
// asks for consent itself, so the browser goes there at once, unless we have to
// know the account before.
func (p *Popup) install(c *gin.Context) {
	host := c.Param("host")
	account, redeem, err := arrival(p.Hosts[host], c.Request.URL)
	if err != nil {
		p.refuseArrival(c, err)
		return
	}
	if redeem {
		p.redeemUnasked(c, host, account, "/install/"+host)
		return
	}
	if framed(c.Request) {
		p.offerWindow(c)
		return
	}
	w, state, err := p.beginWay(c, &models.Connection{Host: host}, models.Attempt{Kind: models.AttemptInstall, Host: host, Account: account})
	if err != nil {
		p.refuse(c, err)
		return
	}
	if _, asks := w.asks(); asks && account == "" {
		p.show(c, http.StatusOK, p.question(w, state, "", ""))
		return
	}
	p.toHost(c, w, state, account)
}

// installed makes the account's connection, or finds it, and shows how its
// signup goes on.
func (p *Popup) installed(ctx context.Context, c *gin.Context, a *models.Attempt, state string, g grant) error {
	id, err := p.Store.Install(ctx, a.Host, g.authorization(a), detailsOf(g.who))
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "installed", "connection", id, "host", a.Host)
	p.Nudge()
	c.Redirect(http.StatusSeeOther, "/install/"+a.Host+"/progress?"+url.Values{"attempt": {state}}.Encode())
	return nil
}

// detailsOf is who to sign up.
func detailsOf(who hostapi.Identity) models.SignupDetails {
	return models.SignupDetails{Email: who.Email, Company: who.Company, FirstName: who.FirstName, LastName: who.LastName,
		Phone: who.Phone, Address: who.Address}
}

// progress is GET /install/:host/progress: how the signup of an install stands,
// on a page that asks again by itself until it is decided.
func (p *Popup) progress(c *gin.Context) {
	a, err := p.Store.FindAttempt(c, c.Param("host"), c.Query("attempt"), p.cookie.of(c.Request))
	if a == nil || a.Kind != models.AttemptInstall || a.Outcome != models.OutcomeDone {
		p.refuse(c, unlessNamed(err))
		return
	}
	signup, err := p.Store.InstalledBy(c, a)
	if err != nil {
		p.refuse(c, err)
		return
	}
	p.show(c, http.StatusOK, p.signupPage(signup))
}

// unlessNamed hides what is known of an attempt that is not an install with success.
func unlessNamed(err error) error {
	var known *models.Error
	if errors.As(err, &known) && known.Kind == models.NotFound {
		return err
	}
	return models.Errorf(models.NotFound, "This page belongs to an install that is over or began in another browser. Start again at your store.")
}

// signupPage is what the merchant reads.
func (p *Popup) signupPage(g *models.Signup) page {
	title := p.Store.Title(g.Host)
	switch g.State {
	case models.SignupDone:
		return p.onward(title)
	case models.SignupLost:
		return page{Title: "TrustFile has to look at this", Text: []string{g.Message}}
	case models.SignupExists:
		return page{Title: "You are known to TrustFile already", Text: []string{g.Message}, Link: p.app("Sign in to TrustFile")}
	case models.SignupRefused:
		return page{Title: "TrustFile needs other details", Text: []string{g.Message},
			Link: &pageLink{Address: "/install/" + g.Host, Label: "Install again"}}
	}
	text := []string{title + " is connected. Your account at TrustFile is being made; this takes some seconds."}
	if g.Message != "" {
		text = append(text, g.Message)
	}
	return page{Title: "Setting up TrustFile", Text: text, Refresh: progressEvery, Small: "This page goes on by itself."}
}

// onward is the page that sends the merchant on to TrustFile.
func (p *Popup) onward(title string) page {
	v := page{Title: title + " is connected to TrustFile",
		Text: []string{"If you are new to TrustFile, it sends you an e-mail to set your password. In TrustFile, choose the date from which your sales are to be read, unless you have done so already."},
		Link: p.app("Go on to TrustFile")}
	if v.Link != nil {
		v.Refresh = onwardAfter + ";url=" + v.Link.Address
	}
	return v
}

// app is the link to TrustFile, if we know where it is.
func (p *Popup) app(label string) *pageLink {
	if p.AppURL == "" {
		return nil
	}
	return &pageLink{Address: p.AppURL, Label: label}
}

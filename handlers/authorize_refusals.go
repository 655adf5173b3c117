package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// refuse answers an error before an attempt was under way.
func (p *Popup) refuse(c *gin.Context, err error) {
	_ = c.Error(err)
	status, title, small := http.StatusInternalServerError, "This did not work", ""
	text := models.Sentence(err, "")
	switch models.KindOf(err) {
	case models.Invalid:
		status, title, small = http.StatusBadRequest, "This link does not work", startAgain+" If this page comes again, tell support what it says."
	case models.NotFound:
		status, title, small = http.StatusNotFound, "Please start again", startAgain
	case models.Unauthorised:
		status, title = http.StatusForbidden, "Please start in TrustFile"
	default:
		slog.ErrorContext(c, "popup failed", "kind", models.KindOf(err), "error", loggableCause(err))
		if !wantsPage(c) {
			text = "Invalid query" // the contract's words for any failure of ours
			break
		}
		text = "Something went wrong on our side. Please try again in a minute; if this lasts, contact support."
	}
	p.answer(c, status, page{Title: title, Text: []string{text}, Small: small})
}

// startAgain is what a person can do whose link leads nowhere.
const startAgain = "Begin where you came from: in TrustFile, or at your store."

// unknownToMerchant says of a connection that is not known what a merchant can
// do: they never see a connectionId.
func unknownToMerchant(err error) error {
	if models.KindOf(err) != models.NotFound {
		return err
	}
	return models.Errorf(models.NotFound, "This link is for a connection that is not there: it may have been renamed or deleted since.").Because(err)
}

// loggableCause leaves out Postgres's own text, which repeats values.
func loggableCause(err error) string {
	var known *models.Error
	if errors.As(err, &known) {
		return known.Error()
	}
	return "not an error of ours"
}

// anonymous leaves out the sentence of a conflict: it names the merchant's
// account, which belongs on their page and not into the log.
func anonymous(err error) error {
	if models.KindOf(err) != models.Conflict {
		return err
	}
	return models.Errorf(models.Conflict, "not this connection's account, or another connection's")
}

// refuseAttempt answers a step of an attempt that is unknown, used or too old.
// Only the browser that began it learns more than that there is nothing.
func (p *Popup) refuseAttempt(c *gin.Context, a *models.Attempt, state string, err error) {
	switch {
	case a == nil || err == nil:
		p.refuse(c, orUnknown(err))
	case a.Outcome == models.OutcomeDone:
		p.show(c, http.StatusConflict, p.alreadyDone(a))
	default:
		p.show(c, http.StatusBadRequest, page{Title: "Please start again",
			Text: []string{models.Sentence(err, "")}, Form: tryAgain(a, state)})
	}
}

func orUnknown(err error) error {
	if err == nil {
		return models.Errorf(models.NotFound, "There is no such attempt. Go back to TrustFile and start again.")
	}
	return err
}

// alreadyDone is for a browser that comes back to an attempt with success.
func (p *Popup) alreadyDone(a *models.Attempt) page {
	done := page{Title: p.Store.Title(a.Host) + " is connected already",
		Text: []string{"There is nothing left to do here. You can close this window and go on in TrustFile."}}
	if a.Kind == models.AttemptInstall && p.AppURL != "" {
		done.Link = &pageLink{Address: p.AppURL, Label: "Go on to TrustFile"}
	}
	return done
}

// tryAgain is the button that begins a new attempt in place of this one.
func tryAgain(a *models.Attempt, state string) *pageForm {
	return &pageForm{Action: "/oauth/" + a.Host + "/again", Attempt: state, Label: "Try again"}
}

// notAllowed answers a consent that was not given. code is the host's word for it.
func (p *Popup) notAllowed(ctx context.Context, c *gin.Context, a *models.Attempt, state, code string) {
	title := p.Store.Title(a.Host)
	slog.InfoContext(ctx, "consent not given", "attempt", a.ID, "host", a.Host)
	v := page{Title: "You did not allow access", Form: tryAgain(a, state),
		Text:  []string{"Access at " + title + " was declined, so nothing was changed.", "If that was a mistake, try again and allow access there."},
		Small: "Otherwise close this window."}
	outcome, activity := models.OutcomeDenied, "access at "+title+" was declined"
	if code != "access_denied" {
		outcome, activity = models.OutcomeFailed, title+" did not give access"
		v.Title = title + " did not give access"
		v.Text = []string{title + " ended the sign-in without giving access. Nothing was changed.", "Please try again. If this lasts, contact support."}
	}
	if err := p.Store.RefuseAuthorization(ctx, a, outcome, activity); err != nil {
		p.refuse(c, err)
		return
	}
	p.show(c, http.StatusForbidden, v)
}

// failed answers an attempt that came to nothing after the consent.
func (p *Popup) failed(ctx context.Context, c *gin.Context, a *models.Attempt, state string, cause error) {
	_ = c.Error(anonymous(cause))
	title := p.Store.Title(a.Host)
	slog.WarnContext(ctx, "account not connected", "attempt", a.ID, "host", a.Host, "kind", models.KindOf(cause), "error", loggableCause(anonymous(cause)))
	status, text := p.reason(cause, title)
	if err := p.Store.RefuseAuthorization(ctx, a, models.OutcomeFailed, "could not connect to "+title); err != nil {
		p.refuse(c, err)
		return
	}
	v := page{Title: "The account was not connected", Text: []string{text}, Form: tryAgain(a, state), Small: "Nothing was changed."}
	if models.KindOf(cause) == models.NotFound {
		v.Form = nil // the connection is gone
	}
	p.show(c, status, v)
}

// reason is what a person reads of a failure after the consent.
func (p *Popup) reason(cause error, title string) (status int, text string) {
	if errors.Is(cause, errNoKeys) {
		return http.StatusBadGateway, title + " did not send its keys: perhaps it cannot reach this service. Please try again; if this lasts, contact support."
	}
	switch models.KindOf(cause) {
	case models.Conflict:
		return http.StatusConflict, models.Sentence(cause, "")
	case models.NotFound:
		return http.StatusNotFound, models.Sentence(cause, "")
	case models.Unauthorised, models.Refused:
		return http.StatusBadGateway, title + " did not accept the sign-in. Please try again."
	case models.Unavailable, models.Unsure, models.Throttled:
		return http.StatusBadGateway, title + " did not answer as it should. Please try again in a minute."
	}
	return http.StatusInternalServerError, "Something went wrong on our side. Please try again; if this lasts, contact support."
}

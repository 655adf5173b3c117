package handlers

import (
	"extractor/hostapi"
	"extractor/models"
)

// accountLimit is the longest account that may be typed: a site's address with
// a path has room.
const accountLimit = 300

var (
	errAccountEmpty = models.Errorf(models.Invalid, "Please fill this in.")
	errAccountLong  = models.Errorf(models.Invalid, "This is longer than %d letters. Please write the address alone.", accountLimit)
)

// question is the page that asks whether to connect and, where the host has to
// know it before its consent, which account. typed is what the field holds, and
// problem what is wrong with it.
func (p *Popup) question(w way, state, typed, problem string) page {
	title := p.Store.Title(w.attempt.Host)
	v := page{
		Title: "Connect " + title + " to " + company(w),
		Text: []string{
			"You will sign in at " + title + " and allow TrustFile's extractor to read your sales there. It changes nothing in your account.",
			"Go on only if you came here from TrustFile yourself just now.",
		},
		Form:  &pageForm{Action: "/oauth/" + w.attempt.Host + "/start", Attempt: state, Label: "Continue to " + title},
		Small: "Not what you wanted? Close this window; nothing is changed.",
	}
	if w.attempt.Kind == models.AttemptInstall {
		v.Text[1] = "Go on only if you opened this page yourself just now."
	}
	if starter, asks := w.asks(); asks {
		q := starter.Question()
		v.Form.Field = &pageField{Label: q.Label, Help: q.Help, Example: q.Example, Limit: accountLimit,
			Value: typed[:min(len(typed), accountLimit)], Problem: problem}
	}
	return v
}

// company is what an account is connected to, as a person says it.
func company(w way) string {
	switch name := w.connection.CompanyName; {
	case w.attempt.Kind == models.AttemptInstall:
		return "TrustFile"
	case name != nil && *name != "":
		return *name
	}
	return "your TrustFile company"
}

// asks reports whether the merchant has to say which account: the host must
// know it, and the connection has none yet.
func (w way) asks() (hostapi.Starter, bool) {
	starter, ok := w.host.(hostapi.Starter)
	return starter, ok && w.connection.HostAccount == nil
}

// account is the account that was typed; "" where nobody had to. An error of
// kind Invalid is about what was typed.
func (w way) account(typed string) (string, error) {
	starter, asks := w.asks()
	switch {
	case !asks:
		return "", nil
	case typed == "":
		return "", errAccountEmpty
	case len(typed) > accountLimit:
		return "", errAccountLong
	}
	return starter.Account(typed)
}

package hostapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"extractor/internal/failpoint"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// tokenTimeout is for one request to a token endpoint: they answer in a
	// second or two, and a row is locked meanwhile.
	tokenTimeout = 10 * time.Second / models.Pace
	// longestLife bounds what a host may say of an access token's life.
	longestLife = 10 * 365 * 24 * time.Hour
)

// grants asks one host's token endpoint.
type grants struct {
	config *oauth2.Config
	way    Exchange
	title  string
	caller rest.Caller
}

// newGrants is for a host that is an Authorizer; others have no tokens to ask for.
func newGrants(host Host, a Account, base http.RoundTripper) grants {
	title := host.Info().Title
	client := rest.NewClient(base)
	client.Timeout = tokenTimeout
	g := grants{config: &oauth2.Config{}, title: title, caller: rest.Caller{Client: client, Title: title}}
	if h, ok := host.(Authorizer); ok {
		g.config = h.OAuth(a)
	}
	if h, ok := host.(Exchanger); ok {
		g.way = h.Exchange()
	}
	return g
}

// Consent is one merchant's way to a host's consent page and back.
type Consent struct {
	RedirectURL string // our callback
	State       string
	Verifier    string // PKCE; not sent where the host knows none. Empty: a consent that we did not ask for
	Account     string // the account, where it is known before consent and c has none
}

// ConsentURL is where the merchant allows us in.
func ConsentURL(host Host, c *models.Connection, consent Consent) string {
	g := newGrants(host, consent.account(c), nil)
	g.config.RedirectURL = consent.RedirectURL
	var options []oauth2.AuthCodeOption
	if !g.way.NoPKCE {
		options = append(options, oauth2.S256ChallengeOption(consent.Verifier))
	}
	for name, values := range g.way.AuthParams {
		for _, v := range values {
			options = append(options, oauth2.SetAuthURLParam(name, v))
		}
	}
	return g.config.AuthCodeURL(consent.State, options...)
}

// Redeem swaps the code in the host's callback for a token and asks whose
// account it opens. The kinds of its error: Unauthorised and Refused = the host
// does not take the code, start again; Internal = our registration is wrong.
func Redeem(ctx context.Context, host Host, c *models.Connection, consent Consent, callback url.Values, base http.RoundTripper) (models.Token, Identity, error) {
	if h, ok := host.(CallbackChecker); ok {
		if err := h.CheckCallback(callback); err != nil {
			return models.Token{}, Identity{}, err
		}
	}
	g := newGrants(host, consent.account(c), baseOf(host, base))
	g.config.RedirectURL = consent.RedirectURL
	token, err := g.redeem(ctx, callback, consent.Verifier)
	if err != nil {
		return models.Token{}, Identity{}, err
	}
	who, err := host.(Authorizer).Identify(ctx, NewBearerClient(host, token.Access, base), callback)
	return token, who, named(who, err, g.title)
}

// named makes sure that a host which was asked whose account it is said so.
func named(who Identity, err error, title string) error {
	if err == nil && who.Account == "" {
		return models.Errorf(models.Unavailable, "%s did not say whose account this is. Please try again.", title)
	}
	return err
}

// account is whose account is to be entered, as far as it is known.
func (c Consent) account(connection *models.Connection) Account {
	a := accountOf(connection)
	if a.HostID == "" {
		a.HostID = c.Account
	}
	return a
}

// bearer authorises with a token that is not in the store.
type bearer struct {
	access  string
	present func(http.Header, string)
	base    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if req.Header.Get("Authorization") == "" { // some hosts want the client's secret there instead
		b.present(req.Header, b.access)
	}
	return b.base.RoundTrip(req)
}

// redeem asks for the first token.
func (g grants) redeem(ctx context.Context, callback url.Values, verifier string) (models.Token, error) {
	in := map[string]string{"grant_type": "authorization_code", "code": callback.Get("code"), "redirect_uri": g.config.RedirectURL}
	if !g.way.NoPKCE && verifier != "" {
		in["code_verifier"] = verifier
	}
	for _, name := range g.way.Omit {
		delete(in, name)
	}
	for name := range g.way.CodeParams {
		in[name] = g.way.CodeParams.Get(name)
	}
	for _, name := range g.way.Echo {
		in[name] = callback.Get(name)
	}
	token, err := g.ask(ctx, in)
	if err == nil && g.way.Consent > 0 {
		token.ConsentEnds = time.Now().Add(g.way.Consent)
	}
	return token, err
}

// refresh asks for the next token.
func (g grants) refresh(ctx context.Context, refresh string) (models.Token, error) {
	if err := failpoint.Hit("before token exchange"); err != nil {
		return models.Token{}, err
	}
	t, err := g.ask(ctx, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh})
	return t, errors.Join(err, failpoint.Hit("after token exchange"))
}

// ask makes one request to the token endpoint.
func (g grants) ask(ctx context.Context, in map[string]string) (models.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	header := g.identify(in)
	body, err := g.encode(in, header)
	if err != nil {
		return models.Token{}, err
	}
	answer, err := g.caller.Send(ctx, http.MethodPost, g.config.Endpoint.TokenURL, header, body)
	if err != nil {
		return models.Token{}, err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return models.Token{}, g.refusal(answer)
	}
	return g.decode(answer.Body, time.Now())
}

// identify says who we are: in the header if the endpoint's AuthStyle asks for
// that, else among the parameters. Nothing is tried out, because a second try
// may burn a code or a refresh token.
func (g grants) identify(in map[string]string) http.Header {
	header := maps.Clone(g.way.Header)
	if header == nil {
		header = http.Header{}
	}
	if g.way.NoClient {
		return header
	}
	if g.config.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(g.config.ClientID), url.QueryEscape(g.config.ClientSecret))
		return header
	}
	in["client_id"] = g.config.ClientID
	if g.config.ClientSecret != "" {
		in["client_secret"] = g.config.ClientSecret
	}
	return header
}

// encode writes the body in the host's way.
func (g grants) encode(in map[string]string, header http.Header) ([]byte, error) {
	header.Set("Accept", "application/json")
	if g.way.JSON {
		header.Set("Content-Type", "application/json")
		return json.Marshal(in)
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := url.Values{}
	for name, v := range in {
		form.Set(name, v)
	}
	return []byte(form.Encode()), nil
}

// decode reads a token answer. An unreadable one counts as lost: the host may
// have replaced the refresh token.
func (g grants) decode(body []byte, now time.Time) (models.Token, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return models.Token{}, g.unreadable("not a JSON object")
	}
	token := models.Token{Access: text(all["access_token"]), Refresh: text(all["refresh_token"])}
	if token.Access == "" {
		return models.Token{}, g.unreadable("no access_token")
	}
	if life := g.life(all, now); life > 0 {
		token.ExpiresAt = now.Add(min(life, longestLife))
	}
	return token, nil
}

func (g grants) unreadable(why string) error {
	return models.Errorf(models.Unsure, "%s sent an answer that cannot be read. We try again by ourselves.", g.title).
		Because(fmt.Errorf("token answer: %s", why))
}

// life is how long the access token lives from now on; 0 = for ever.
func (g grants) life(all map[string]json.RawMessage, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text(all["expires_in"]), 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestLife.Seconds()) * float64(time.Second))
	}
	if g.way.ExpiresAt != "" {
		if at, err := time.Parse(time.RFC3339, text(all[g.way.ExpiresAt])); err == nil {
			return max(at.Sub(now), time.Second) // one in the past is to be renewed at once
		}
	}
	return g.way.Life
}

// text is a JSON string, or a number as text; anything else is "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// errorCode is what an OAuth error code looks like; anything else is not
// repeated in a log line.
var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// refusal turns the error answer of a token endpoint into an error. Only words
// that say so mean that the grant is gone: a fault of the host, or a wrong
// client secret of ours, must not cost every merchant's consent.
func (g grants) refusal(answer *rest.Answer) error {
	codes := errorCodes(answer.Body)
	cause := fmt.Errorf("token endpoint: status %d %s", answer.Status, strings.Join(codes, " "))
	if answer.Status >= 500 || answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusRequestTimeout {
		return g.caller.Check(answer)
	}
	gone := append([]string{"invalid_grant"}, g.way.Withdrawn...)
	if slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(gone, code) }) {
		return models.Errorf(models.Unauthorised, "%s no longer lets us in. Authenticate the account again to resume.", g.title).Because(cause)
	}
	return models.Errorf(models.Internal, "%s does not accept this service's own registration. An operator must check its client id and secret.", g.title).Because(cause)
}

// errorCodes are the machine words of an error answer: OAuth's error, and the
// type and code that some hosts send instead, alone or in a list of errors.
func errorCodes(body []byte) []string {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Type   json.RawMessage `json:"type"`
		Code   json.RawMessage `json:"code"`
		Errors []struct {
			Code json.RawMessage `json:"code"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // whatever was understood counts
	raw := []json.RawMessage{answer.Error, answer.Type, answer.Code}
	for _, e := range answer.Errors {
		raw = append(raw, e.Code)
	}
	var codes []string
	for _, r := range raw {
		if code := text(r); errorCode.MatchString(code) {
			codes = append(codes, code)
		}
	}
	return codes
}

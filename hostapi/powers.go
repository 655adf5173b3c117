package hostapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"extractor/models"
)

// The optional powers of a host. An adapter asserts those it has at its top:
//
//	var _ hostapi.Authorizer = (*host)(nil)

// Authorizer is a host entered by OAuth 2.
type Authorizer interface {
	// OAuth is the client registration and the endpoints; RedirectURL is filled
	// in by the caller. a.HostID is the account if it is known before consent:
	// from an earlier consent, a Starter's form or an app store.
	OAuth(a Account) *oauth2.Config
	// Identify asks the host whose account this is. c carries the new token.
	Identify(ctx context.Context, c *http.Client, callback url.Values) (Identity, error)
}

// Exchanger is an Authorizer whose exchange of codes and tokens is not plain OAuth 2.
type Exchanger interface{ Exchange() Exchange }

// Exchange says, as data, how a host's token endpoint differs from plain OAuth 2.
type Exchange struct {
	JSON       bool          // bodies are JSON, not forms
	NoPKCE     bool          // the host knows no code_challenge
	NoClient   bool          // Header says who we are: no client_id and client_secret besides
	AuthParams url.Values    // added to the authorize URL
	CodeParams url.Values    // added to the request that redeems a code
	Echo       []string      // parameters of the callback that go into that request as well
	Omit       []string      // parameters of plain OAuth that stay out of it: "grant_type", "redirect_uri"
	Header     http.Header   // added to token requests
	ExpiresAt  string        // name of a property with an RFC 3339 expiry, where there is no expires_in
	Life       time.Duration // assumed when nothing says how long an access token lives; 0 = for ever
	RefreshDue time.Duration // refresh at the latest this long after the last one, although still valid; 0 = a day
	Consent    time.Duration // how long the merchant's consent lasts, however often it is refreshed; 0 = for ever
	Withdrawn  []string      // words in the host's error answers, besides invalid_grant, that say the grant is gone
}

// Presenter is a host whose API takes the access token in another way than as
// a bearer. Present writes it into the header of a request.
type Presenter interface {
	Present(header http.Header, access string)
}

// Transporter is a host that must be reached in a way of its own, such as one
// whose address a merchant typed in.
type Transporter interface {
	Transport() http.RoundTripper
}

// Starter is a host that has to know the account before consent: a shop's
// name, a site's address. The confirmation page asks for it.
type Starter interface {
	Question() Question
	// Account makes the account's id of what was typed. An error of kind Invalid
	// has a sentence that says how to write it.
	Account(typed string) (string, error)
}

// Question is one field of a form.
type Question struct{ Label, Help, Example string }

// CallbackChecker verifies a host's callback by more than its state, before its
// code is redeemed. The error is of kind Refused.
type CallbackChecker interface {
	CheckCallback(callback url.Values) error
}

// Installer is a host whose app store sends merchants to GET /install/{host}.
// Installation verifies the query, if it is the store's, and names the account;
// account "" with no error: a merchant who came by himself. redeem says that
// the query is itself the answer of the host's consent, with a code in it.
type Installer interface {
	Installation(query url.Values) (account string, redeem bool, err error)
}

// Opener is a host that shows the service inside its own pages, to a merchant
// who has installed it, and says whose account that is in a signed query. The
// error is of kind Unauthorised.
type Opener interface {
	Opened(query url.Values) (account string, err error)
}

// Granter is a host that hands out keys instead of OAuth: the browser goes to
// GrantURL, the host posts keys to our server, the browser comes back.
type Granter interface {
	GrantURL(g Grant) string
	// ReadKeys reads what the host posted: which grant it belongs to, and the
	// keys as an access token. The error is of kind Invalid.
	ReadKeys(body []byte) (state string, token models.Token, err error)
	// Identify proves the keys, which c carries, and says whose account they open.
	Identify(ctx context.Context, c *http.Client, a Account) (Identity, error)
}

// Grant is one merchant's way to a Granter and back.
type Grant struct {
	Account  string // the account, as Starter made it
	State    string // names the grant, once; unguessable
	KeysURL  string // where the host posts the keys
	Returned string // where the browser goes afterwards; the host may add to its query
}

// Revoker gives the grant back when a connection is deleted. c is authorised
// with the current token; token is the access token itself, for hosts whose
// revocation endpoint wants it in the body. a has no client.
type Revoker interface {
	Revoke(ctx context.Context, a Account, c *http.Client, token string) error
}

// Identity is whose account was entered.
type Identity struct {
	Account string // the id at the host; one account belongs to one live connection
	Label   string // shown to the user as hostSystemIdentifier: "account 13222432"
	Zone    string // IANA name; empty = not told
	// History is how far back this consent lets us read; zero = as far as the
	// host goes. Notice says so to a merchant whose start date is earlier, and
	// what to do about it.
	History time.Time
	Notice  string
	// The rest is for signing up a company from the host's side.
	Company, Email, FirstName, LastName, Phone string
	Address                                    models.Address
}

// Recounter lists by another road than Pull, for reconciliation: all records
// whose transaction (not update) lies in the window, as far as the host can.
type Recounter interface {
	Recount(ctx context.Context, a Account, w models.Window, from Cursor) (*Page, error)
}

// Fetcher reads records by key; one that the host no longer knows is absent from the answer.
type Fetcher interface {
	Fetch(ctx context.Context, a Account, keys []string) ([]Record, error)
}

// Backfiller is a host whose past is better read in another way than its news.
// It replaces Pull for windows of the past; Page.Wait says that an answer is
// still being made there.
type Backfiller interface {
	Backfill(ctx context.Context, a Account, w models.Window, from Cursor) (*Page, error)
}

// Keeper has something to look after at the host once a day, such as webhooks
// that the host drops. webhook is the address of our door for this host.
type Keeper interface {
	Keep(ctx context.Context, a Account, webhook string) error
}

// Waker verifies a webhook, in constant time, and says what it means. A webhook
// only wakes a sync; it is never the data itself. An error of kind Unauthorised
// is for a signature that is not the host's, Invalid for what cannot be read.
type Waker interface {
	Wake(r *http.Request, body []byte) (Notice, error)
}

// Notice is what a webhook says.
type Notice struct {
	Wake    []string  // accounts at the host to look at now
	Privacy []Privacy // what customers or the host ask of us by law
}

// Privacy is a request about personal data that we hold.
type Privacy struct {
	Kind    PrivacyKind
	Account string   // at the host
	Records []string // keys of records; for PrivacyForget all of the account
}

// PrivacyKind is what is asked.
type PrivacyKind string

// The kinds of privacy request.
const (
	PrivacyTell   PrivacyKind = "tell"   // a customer asks what is held of them: an operator answers
	PrivacyRedact PrivacyKind = "redact" // forget what identifies a customer in these records
	PrivacyForget PrivacyKind = "forget" // forget what identifies anybody of this account
)

// Package hostapi is the contract of the systems data comes from. One folder
// beneath it is one host system.
package hostapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"extractor/models"
)

// Config is a host's part of the environment. Its fields carry envconfig tags
// with a description; variables have the folder's name as prefix.
type Config interface {
	Open() (Host, error) // checks the values; the error names the variable and what it should be
}

// Host is one host system. It also implements exactly one of Puller, Listener
// and Receiver, and any of the optional powers below.
type Host interface {
	Info() Info
	// Transform says what a record means. It is pure. A record may mean several
	// items, or none. An error of kind models.Refused sets this record aside with
	// its sentence; the page goes on.
	Transform(Record) ([]models.Item, error)
}

// Info describes a host.
type Info struct {
	Title    string        // as people write it: "Square"
	Help     string        // what an operator must set up there
	Settings []Setting     // per connection
	Mapping  int           // version of Transform; raise it and what was refused is tried again
	Lag      time.Duration // how long after a change the host may not list it yet
	Lookback time.Duration // how far behind its high-water mark each pull starts again
	History  time.Duration // how far back the host answers; 0 = for ever
	Parallel int           // backfill windows of one connection at once; 0 = 1
}

// Setting is something a connection may carry for this host.
type Setting struct{ Name, Title, Help, Default string }

// Account is one merchant's account at a host, as an adapter sees it. The
// client is already authorised: an adapter never sees a token.
type Account struct {
	ID       int64  // our own id of the connection, for log lines
	HostID   string // the account's id at the host, as Identify told it
	Zone     *time.Location
	Settings map[string]string
	Client   *http.Client
}

// Record is one thing of the host, as it was read.
type Record struct {
	Key     string          // the host's id, unique per connection and Kind
	Version string          // orders two readings of one record bytewise; see TimeVersion and IntVersion
	Kind    string          // the host's word: "order", "refund"
	Body    json.RawMessage // all that Transform needs
}

// Cursor is where the next page starts; the host's own words. Empty = the first page.
type Cursor string

// Page is what one call brought, and how to answer it.
type Page struct {
	Records []Record
	Next    Cursor
	More    bool
	// Done, when set, runs after the page was committed (queue ack, file move).
	Done func(context.Context, []Reject) error
}

// Reject is a record that was refused, and why.
type Reject struct {
	Record Record
	Reason string
}

// TimeVersion makes a Version of a time: fixed width, so that bytes order as time does.
func TimeVersion(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// IntVersion makes a Version of a number that the host counts up.
func IntVersion(n int64) string { return fmt.Sprintf("%020d", n) }

// Puller is a host that is asked. Pull returns the records whose updated time
// lies in w, oldest first, one page at a time.
type Puller interface {
	Pull(ctx context.Context, a Account, w models.Window, from Cursor) (*Page, error)
}

// Listener is a host that speaks over a queue.
type Listener interface {
	Listen(ctx context.Context, a Account, accept func(*Page) error) error
}

// Receiver is a host that posts to us.
type Receiver interface {
	Receive(a Account, r *http.Request) (*Page, error)
}

// Authorizer is a host entered by OAuth 2.
type Authorizer interface {
	// OAuth is the client registration and the endpoints; RedirectURL is filled in by the caller.
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
	AuthParams url.Values    // added to the authorize URL
	Header     http.Header   // added to token requests
	ExpiresAt  string        // name of a property with an RFC 3339 expiry, where there is no expires_in
	Life       time.Duration // assumed when nothing says how long an access token lives; 0 = for ever
	RefreshDue time.Duration // refresh at the latest this long after the last one, although still valid; 0 = a day
	Withdrawn  []string      // words in the host's error answers, besides invalid_grant, that say the grant is gone
}

// Revoker gives the grant back when a connection is deleted. c is authorised
// with the current token; token is the access token itself, for hosts whose
// revocation endpoint wants it in the body.
type Revoker interface {
	Revoke(ctx context.Context, c *http.Client, token string) error
}

// Identity is whose account was entered.
type Identity struct {
	Account string // the id at the host; one account belongs to one live connection
	Label   string // shown to the user as hostSystemIdentifier: "account 13222432"
	Zone    string // IANA name; empty = not told
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

// Waker verifies a webhook and says which accounts at the host it concerns.
// A webhook only wakes a sync; it is never the data itself.
type Waker interface {
	Wake(r *http.Request, body []byte) (accounts []string, err error)
}

// Package hostapi is the contract of the systems data comes from. One folder
// beneath it is one host system.
package hostapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

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
	Window   time.Duration // backfill windows may be cut this small, so that all at once have one; 0 = they are as they are
	Quota    Quota         // how often the host may be asked; zero = as it answers
}

// Quota is how often a host lets itself be asked, kept by all our processes
// together. A zero Rate is no limit.
type Quota struct {
	PerAccount Rate // of one merchant's account
	PerApp     Rate // of our app, over all merchants
	Concurrent int  // requests under way for one account; 0 = no limit
}

// Rate is so many requests in a time.
type Rate struct {
	Requests int
	Per      time.Duration
}

// Setting is something a connection may carry for this host.
type Setting struct{ Name, Title, Help, Default string }

// Account is one merchant's account at a host, as an adapter sees it. The
// client is already authorised: an adapter never sees a token. Before consent
// there is no client, and HostID is what the merchant said (see Starter).
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
	Body    json.RawMessage // all that Transform needs; above 2 MB the record is refused unread
}

// Cursor is where the next page starts; the host's own words. Empty = the first page.
type Cursor string

// Page is what one call brought, and how to answer it.
type Page struct {
	Records []Record
	Next    Cursor
	More    bool
	// Wait, with More, says that the host is not ready for the next page: it is
	// asked again after that, by whoever claims the work then. Only such a page
	// may lead to its own cursor.
	Wait time.Duration
	// Done, when set, runs after the page was committed (queue ack, file move).
	Done func(context.Context, []Reject) error
}

// Reject is a record that was refused, and why.
type Reject struct {
	Record Record
	Reason string
}

// TimeVersion makes a Version of a time: fixed width, so that bytes order as time does.
func TimeVersion(t time.Time) string {
	const layout, seconds, digits = "2006-01-02T15:04:05.000000000Z", len("2006-01-02T15:04:05"), 9
	t = t.UTC()
	var room [len(layout)]byte
	text := t.AppendFormat(room[:0], time.RFC3339) // much faster than other layouts
	if len(text) != seconds+len("Z") {             // a year of five digits
		return t.Format(layout)
	}
	text = append(text[:seconds], ".000000000Z"...)
	for at, n := seconds+digits, t.Nanosecond(); n > 0; at, n = at-1, n/10 {
		text[at] = byte('0' + n%10)
	}
	return string(text)
}

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

// Package targetapitest is the suite that every target runs: what the engine
// relies on when it settles a batch, tried at the wire.
package targetapitest

import (
	"net/http"
	"testing"

	"extractor/models"
	"extractor/targetapi"
)

// Response is an answer of the neighbour.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Suite is what a target gives to be tested.
type Suite struct {
	// Open makes the target; its neighbour listens at address.
	Open func(t *testing.T, address string) targetapi.Target
	// Item makes an item; the same n makes the same item, another n another one.
	Item func(n int) models.Item
	// Sent reads the items of a delivery out of the request, in its order. It
	// fails the test when the request is not what the neighbour expects.
	Sent func(t *testing.T, r *http.Request, body []byte) []models.Ref
	// Taken is the answer to n items that were all taken.
	Taken func(n int) Response
	// Short is the answer to n items of which one was not taken. nil: the
	// neighbour has no such answer.
	Short func(n int) Response
	// Refused is the answer to a batch of which the items at these places are to
	// blame; for none, one that names nobody.
	Refused func(places ...int) Response
	// Stored is the answer to a Looker's question about an item that is stored
	// like this; nil: not there. Only for targets that are Lookers.
	Stored func(item *models.Item) Response
	// Secrets must not show in any error, besides the suite's own.
	Secrets []string
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"Taken":             s.taken,
		"SameBytes":         s.sameBytes,
		"BatchLimit":        s.batchLimit,
		"Nothing":           s.nothing,
		"Short":             s.short,
		"Culprits":          s.culprits,
		"NoCulprit":         s.noCulprit,
		"Statuses":          s.statuses,
		"Redirect":          s.redirect,
		"Unreadable":        s.unreadable,
		"TimeOut":           s.timeOut,
		"CutOff":            s.cutOff,
		"CutOffReused":      s.cutOffReused,
		"Unreachable":       s.unreachable,
		"Cancelled":         s.cancelled,
		"CancelledBefore":   s.cancelledBefore,
		"ForeignItem":       s.foreignItem,
		"UnusualConnection": s.unusualConnection,
		"Holds":             s.holds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// account is the connection that deliveries go to. Its id authorises, so it must never show.
var account = targetapi.Account{ConnectionID: "connection-canary-5f1c"}

func (s Suite) items(n int) []models.Item {
	items := make([]models.Item, n)
	for i := range items {
		items[i] = s.Item(i)
	}
	return items
}

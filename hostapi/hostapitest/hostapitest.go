// Package hostapitest is the conformance suite of the host adapters: what the
// engine relies on whatever the host. An adapter's test gives it a stand-in for
// the host at the wire, and the suite breaks that stand-in in every way a host
// has been seen to break.
//
//	hostapitest.Run(t, hostapitest.Case{Open: open, Wire: wire})
//
// Golden compares what Transform makes of records in testdata with the items
// beside them.
package hostapitest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

// pageLimit is how many pages the suite follows: far more than a stand-in has.
const pageLimit = 200

// Case is one adapter under test.
type Case struct {
	// Open makes the adapter speak to the stand-in at address.
	Open func(t testing.TB, address string) hostapi.Host
	// Wire is a healthy stand-in. It must hold records in Window that fill at
	// least two pages, and fail the test on a request it does not expect.
	Wire func(t testing.TB) http.Handler
	// Keys are the keys of all records in Window, in the order Pull must give them.
	Keys []string
	// Window holds the stand-in's records.
	Window models.Window
	// Account is completed by the suite with a client. A nil Zone becomes UTC.
	Account hostapi.Account
	// Policy is applied to what Transform makes.
	Policy models.Policy
}

// Run checks the adapter of c.
func Run(t *testing.T, c Case) {
	for _, check := range []struct {
		name string
		run  func(*testing.T, Case)
	}{
		{"Pages", pages},
		{"PageAgain", pageAgain},
		{"CursorLoop", cursorLoop},
		{"Status", status},
		{"StatusOnEachRequest", statusOnEachRequest},
		{"RetryAfter", retryAfter},
		{"Unreadable", unreadable},
		{"LargePage", largePage},
		{"PackedBomb", packedBomb},
		{"Cancel", cancelled},
		{"Versions", versions},
		{"Transform", transform},
		{"OddRecords", oddRecords},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(t, c) })
	}
}

// stage is the adapter and what it speaks to.
type stage struct {
	host    hostapi.Puller
	whole   hostapi.Host
	account hostapi.Account
	window  models.Window
}

// set puts the adapter in front of handler.
func (c Case) set(t testing.TB, handler http.Handler) stage {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	host := c.Open(t, server.URL)
	puller, ok := host.(hostapi.Puller)
	if !ok {
		t.Fatalf("%T does not pull", host)
	}
	transport := rest.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	account := c.Account
	account.Client = rest.NewClient(transport)
	if account.Zone == nil {
		account.Zone = time.UTC
	}
	return stage{puller, host, account, c.Window}
}

// errCircle is what the engine says when a page leads back to where it has been.
var errCircle = errors.New("a page leads back to an earlier one")

// all pulls page after page, as the engine does.
func (s stage) all(ctx context.Context) (records []hostapi.Record, pages int, err error) {
	var from hostapi.Cursor
	seen := map[hostapi.Cursor]bool{}
	for pages < pageLimit {
		page, err := s.host.Pull(ctx, s.account, s.window, from)
		if err != nil {
			return records, pages, err
		}
		pages++
		records = append(records, page.Records...)
		if !page.More {
			return records, pages, nil
		}
		if from = page.Next; seen[from] {
			return records, pages, errCircle
		}
		seen[from] = true
	}
	return records, pages, errEndless
}

// errEndless is for a pull that nothing would have ended.
var errEndless = fmt.Errorf("still more after %d pages", pageLimit)

// first pulls the first page.
func (s stage) first(ctx context.Context) (*hostapi.Page, error) {
	return s.host.Pull(rest.Together(ctx), s.account, s.window, "")
}

// pages: several pages bring each record once, in order.
func pages(t *testing.T, c Case) {
	records, n, err := c.set(t, c.Wire(t)).all(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n < 2 {
		t.Errorf("the records came on %d page, which proves nothing about paging", n)
	}
	if len(records) != len(c.Keys) {
		t.Fatalf("%d records, want %d: %v", len(records), len(c.Keys), keysOf(records))
	}
	for i, r := range records {
		if r.Key != c.Keys[i] {
			t.Fatalf("record %d is %s, want %s", i, r.Key, c.Keys[i])
		}
	}
}

func keysOf(records []hostapi.Record) (keys []string) {
	for _, r := range records {
		keys = append(keys, r.Kind+" "+r.Key)
	}
	return keys
}

// pageAgain: the same cursor brings the same page, as after a crash before the commit.
func pageAgain(t *testing.T, c Case) {
	s := c.set(t, c.Wire(t))
	var from hostapi.Cursor
	for range pageLimit {
		a, err := s.host.Pull(t.Context(), s.account, s.window, from)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.host.Pull(t.Context(), s.account, s.window, from)
		if err != nil {
			t.Fatal(err)
		}
		sameRecords(t, a.Records, b.Records)
		if !a.More {
			return
		}
		from = a.Next
	}
	t.Errorf("still more after %d pages", pageLimit)
}

func sameRecords(t *testing.T, a, b []hostapi.Record) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d records, then %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Kind != b[i].Kind || a[i].Key != b[i].Key || a[i].Version != b[i].Version || string(a[i].Body) != string(b[i].Body) {
			t.Errorf("record %s changed between two readings", a[i].Key)
		}
	}
}

// cursorLoop: a host that answers the same page for ever is noticed, by the
// adapter or by the engine, which sees a cursor a second time.
func cursorLoop(t *testing.T, c Case) {
	_, n, err := c.set(t, &replay{next: c.Wire(t)}).all(t.Context())
	if err == nil || errors.Is(err, errEndless) {
		t.Fatalf("after %d pages: %v, although the host never got further", n, err)
	}
	if kind := kindOf(err); err != errCircle && kind != models.Unavailable && kind != models.Unsure {
		t.Errorf("%v", err)
	}
}

// cancelled: a pull ends when it is told to.
func cancelled(t *testing.T, c Case) {
	const patience = 2 * time.Second // generous: an adapter that ignores its context takes the client's 25 s
	reached := make(chan struct{}, 16)
	s := c.set(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices that a client went away once it has read what that sent
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	started := time.Now()
	if _, err := s.first(ctx); err == nil {
		t.Error("a cancelled pull ended well")
	}
	if took := time.Since(started); took > patience {
		t.Errorf("a cancelled pull took %v", took)
	}
}

// kindOf is the kind of err, or "" where it has none of ours.
func kindOf(err error) models.Kind {
	var e *models.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Kind
}

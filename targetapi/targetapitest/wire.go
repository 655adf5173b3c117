package targetapitest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

// wire is the neighbour's end: it notes every request and answers as told.
type wire struct {
	*httptest.Server
	suite  Suite
	t      *testing.T
	target targetapi.Target

	mu     sync.Mutex
	bodies [][]byte
	refs   [][]models.Ref
}

// answer serves one delivery.
func (s Suite) wire(t *testing.T, answer http.HandlerFunc) *wire {
	t.Helper()
	w := &wire{suite: s, t: t}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("request: %v", err)
		}
		refs := s.Sent(t, r, body)
		w.mu.Lock()
		w.bodies, w.refs = append(w.bodies, body), append(w.refs, refs)
		w.mu.Unlock()
		answer(rw, r)
	}))
	t.Cleanup(w.Close)
	w.target = s.Open(t, w.URL)
	return w
}

// with answers every delivery with r.
func (s Suite) with(t *testing.T, r Response) *wire {
	t.Helper()
	return s.wire(t, func(w http.ResponseWriter, _ *http.Request) { r.write(w) })
}

func (r Response) write(w http.ResponseWriter) {
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.Status)
	io.WriteString(w, r.Body)
}

// deliver delivers, and checks what holds for every delivery: at most one
// request, nothing taken and refused at once, an error of a kind, no secrets.
func (w *wire) deliver(ctx context.Context, items []models.Item) (targetapi.Receipt, error) {
	w.t.Helper()
	before := w.requests()
	receipt, err := w.target.Deliver(ctx, account, items)
	if n := w.requests() - before; n > 1 {
		w.t.Errorf("one delivery made %d requests", n)
	}
	if receipt.Taken && (len(receipt.Refused) > 0 || err != nil) {
		w.t.Errorf("taken and not taken at once: %+v, %v", receipt, err)
	}
	if !receipt.Taken && len(receipt.Refused) == 0 && err == nil {
		w.t.Error("neither taken, nor refused, nor an error")
	}
	w.discreet(err)
	for _, reason := range receipt.Refused {
		w.hides(reason)
	}
	return receipt, err
}

// discreet checks that an error is fit for logs and people.
func (w *wire) discreet(err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	if models.Sentence(err, "") == "" {
		w.t.Errorf("no sentence for a person: %v", err)
	}
	w.hides(err.Error())
}

func (w *wire) hides(text string) {
	w.t.Helper()
	for _, secret := range append([]string{account.ConnectionID, w.URL}, w.suite.Secrets...) {
		if strings.Contains(text, secret) {
			w.t.Errorf("%q shows %q", text, secret)
		}
	}
}

func (w *wire) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.bodies)
}

func (w *wire) request(i int) ([]byte, []models.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.bodies[i]), slices.Clone(w.refs[i])
}

// fails delivers two items and expects an error of a kind after n requests.
func (w *wire) fails(kind models.Kind, n int) *models.Error {
	w.t.Helper()
	_, err := w.deliver(w.t.Context(), w.suite.items(2))
	return w.failed(err, kind, n)
}

func (w *wire) failed(err error, kind models.Kind, n int) *models.Error {
	w.t.Helper()
	if models.KindOf(err) != kind || err == nil {
		w.t.Fatalf("want kind %q, have %v", kind, err)
	}
	if w.requests() != n {
		w.t.Errorf("want %d requests, have %d", n, w.requests())
	}
	e, _ := err.(*models.Error)
	return e
}

// soon is a deadline that a test can wait for.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

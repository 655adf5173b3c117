package targetapitest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"extractor/models"
	"extractor/targetapi"
)

func (s Suite) taken(t *testing.T) {
	w := s.with(t, s.Taken(3))
	items := s.items(3)
	receipt, err := w.deliver(t.Context(), items)
	if err != nil || !receipt.Taken {
		t.Fatalf("%+v, %v", receipt, err)
	}
	want := []models.Ref{items[0].Ref(), items[1].Ref(), items[2].Ref()}
	if _, refs := w.request(0); !slices.Equal(refs, want) {
		t.Errorf("sent %v, want %v in this order", refs, want)
	}
}

// After an unclear outcome the same bytes go out again.
func (s Suite) sameBytes(t *testing.T) {
	w := s.with(t, s.Taken(3))
	for range 2 {
		if _, err := w.deliver(t.Context(), s.items(3)); err != nil {
			t.Fatal(err)
		}
	}
	turned := s.items(3)
	slices.Reverse(turned)
	if _, err := w.deliver(t.Context(), turned); err != nil {
		t.Fatal(err)
	}
	first, refs := w.request(0)
	if second, _ := w.request(1); !bytes.Equal(first, second) {
		t.Errorf("the same items made other bytes:\n%s\n%s", first, second)
	}
	_, back := w.request(2)
	if slices.Reverse(back); !slices.Equal(refs, back) {
		t.Errorf("the order is not kept: %v", back)
	}
}

func (s Suite) batchLimit(t *testing.T) {
	most := s.Open(t, "http://127.0.0.1:1").Info().Batch
	if most < 1 {
		t.Fatalf("Info().Batch is %d", most)
	}
	w := s.with(t, s.Taken(most))
	if receipt, err := w.deliver(t.Context(), s.items(most)); err != nil || !receipt.Taken {
		t.Fatalf("a full batch: %+v, %v", receipt, err)
	}
	if _, refs := w.request(0); len(refs) != most {
		t.Errorf("sent %d of %d", len(refs), most)
	}
	_, err := w.deliver(t.Context(), s.items(most+1))
	w.failed(err, models.TooLarge, 1)
}

func (s Suite) nothing(t *testing.T) {
	w := s.with(t, s.Taken(0))
	if receipt, err := w.deliver(t.Context(), nil); err != nil || !receipt.Taken || w.requests() != 0 {
		t.Errorf("%+v, %v after %d requests", receipt, err, w.requests())
	}
}

func (s Suite) short(t *testing.T) {
	if s.Short == nil {
		t.Skip("the neighbour has no such answer")
	}
	s.with(t, s.Short(2)).fails(models.Unsure, 1)
}

func (s Suite) culprits(t *testing.T) {
	w := s.with(t, s.Refused(1, 3))
	items := s.items(4)
	receipt, err := w.deliver(t.Context(), items)
	if err != nil || receipt.Taken {
		t.Fatalf("%+v, %v", receipt, err)
	}
	blamed := slices.Collect(maps.Keys(receipt.Refused))
	if len(blamed) != 2 || !slices.Contains(blamed, items[1].Ref()) || !slices.Contains(blamed, items[3].Ref()) {
		t.Errorf("blamed %v", blamed)
	}
	for ref, reason := range receipt.Refused {
		if reason == "" {
			t.Errorf("no reason for %v", ref)
		}
	}
}

func (s Suite) noCulprit(t *testing.T) {
	s.with(t, s.Refused()).fails(models.Refused, 1)
}

func (s Suite) statuses(t *testing.T) {
	for status, kind := range map[int]models.Kind{
		401: models.Unauthorised, 403: models.Unauthorised, 404: models.NotFound, 413: models.TooLarge,
		405: models.Unavailable, 415: models.Unavailable,
		408: models.Unsure, 500: models.Unsure, 502: models.Unsure, 503: models.Unsure, 504: models.Unsure,
	} {
		s.with(t, Response{Status: status, Body: "<html>" + account.ConnectionID}).fails(kind, 1)
	}
	later := http.Header{"Retry-After": {"17"}}
	e := s.with(t, Response{Status: 429, Header: later}).fails(models.Throttled, 1)
	if e.RetryAfter != 17*time.Second {
		t.Errorf("Retry-After 17 became %v", e.RetryAfter)
	}
}

func (s Suite) redirect(t *testing.T) {
	elsewhere := http.Header{"Location": {"/elsewhere"}}
	s.with(t, Response{Status: 302, Header: elsewhere}).fails(models.Unavailable, 1)
	s.with(t, Response{Status: 308, Header: elsewhere}).fails(models.Unavailable, 1)
}

func (s Suite) unreadable(t *testing.T) {
	for _, body := range []string{"", "<html>Welcome to the hotel's network</html>", `{"torn":`} {
		s.with(t, Response{Status: 200, Body: body}).fails(models.Unsure, 1)
	}
}

func (s Suite) timeOut(t *testing.T) {
	w := s.wire(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := w.deliver(soon(t), s.items(2))
	w.failed(err, models.Unsure, 1)
	if errors.Is(err, context.Canceled) {
		t.Error("a time-out looks like our own stop")
	}
}

func (s Suite) cutOff(t *testing.T) {
	full := s.Taken(2)
	s.wire(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).fails(models.Unsure, 1)
	s.wire(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		full.write(w)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}).fails(models.Unsure, 1)
}

// A kept connection that dies is where HTTP clients like to try again by themselves.
func (s Suite) cutOffReused(t *testing.T) {
	first := true
	w := s.wire(t, func(w http.ResponseWriter, _ *http.Request) {
		if !first {
			panic(http.ErrAbortHandler)
		}
		first = false
		s.Taken(2).write(w)
	})
	if _, err := w.deliver(t.Context(), s.items(2)); err != nil {
		t.Fatal(err)
	}
	w.fails(models.Unsure, 2)
}

func (s Suite) unreachable(t *testing.T) {
	w := s.with(t, s.Taken(2))
	w.Close()
	w.fails(models.Unavailable, 0)
}

// Our own stop leaves the outcome open, and says that it was ours.
func (s Suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := s.wire(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := w.deliver(ctx, s.items(2))
	w.failed(err, models.Unsure, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("our own stop looks like the neighbour's fault: %v", err)
	}
}

func (s Suite) cancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := s.with(t, s.Taken(2))
	_, err := w.deliver(ctx, s.items(2))
	w.failed(err, models.Unavailable, 0)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("our own stop looks like the neighbour's fault: %v", err)
	}
}

func (s Suite) foreignItem(t *testing.T) {
	w := s.with(t, s.Taken(2))
	stranger := models.Item{Kind: "unheard of", Key: "1"}
	receipt, err := w.deliver(t.Context(), []models.Item{s.Item(0), stranger})
	if err != nil || receipt.Refused[stranger.Ref()] == "" || len(receipt.Refused) != 1 || w.requests() != 0 {
		t.Errorf("%+v, %v after %d requests", receipt, err, w.requests())
	}
}

// Ids are the consumer's choice; one must not lead to another one's books.
func (s Suite) unusualConnection(t *testing.T) {
	var escaped string
	w := s.wire(t, func(rw http.ResponseWriter, r *http.Request) {
		escaped = r.URL.EscapedPath()
		s.Taken(1).write(rw)
	})
	for _, id := range []string{"", ".", ".."} {
		_, err := w.target.Deliver(t.Context(), targetapi.Account{ConnectionID: id}, s.items(1))
		w.failed(err, models.NotFound, 0)
	}
	if _, err := w.target.Deliver(t.Context(), targetapi.Account{ConnectionID: "a/../b?c#d%2f"}, s.items(1)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains([]byte(escaped), []byte("a%2F..%2Fb%3Fc%23d%252f")) {
		t.Errorf("the id is not escaped: %s", escaped)
	}
}

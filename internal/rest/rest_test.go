package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"extractor/models"
)

func caller() Caller { return Caller{Client: NewClient(NewTransport()), Title: "Neighbour"} }

// serve listens with h and gives an address that must not show in errors.
func serve(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/path-canary?token=query-canary"
}

// fails checks an error's kind, and that it is fit for people and logs.
func fails(t *testing.T, err error, kind models.Kind) {
	t.Helper()
	if err == nil || models.KindOf(err) != kind {
		t.Fatalf("want kind %q, have %v", kind, err)
	}
	if sentence := models.Sentence(err, ""); !strings.Contains(sentence, "Neighbour") {
		t.Errorf("sentence %q", sentence)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows too much: %v", err)
	}
}

func TestSendAndDecode(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"a":1}` || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Own") != "yes" {
			t.Errorf("%s %v", body, r.Header)
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, `{"n": 7}`)
		z.Close()
	})
	var out struct{ N int }
	header := http.Header{"X-Own": {"yes"}}
	if err := caller().JSON(t.Context(), http.MethodPost, address, header, map[string]int{"a": 1}, &out); err != nil || out.N != 7 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestKindOfStatus(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]models.Kind{
		301: models.Unavailable, 302: models.Unavailable, 304: models.Unavailable, 308: models.Unavailable,
		400: models.Refused, 401: models.Unauthorised, 403: models.Unauthorised, 404: models.NotFound, 408: models.Unsure,
		409: models.Unsure, 410: models.NotFound, 413: models.TooLarge, 422: models.Refused, 423: models.Unsure, 425: models.Unsure,
		429: models.Throttled, 500: models.Unsure, 502: models.Unsure, 503: models.Unsure, 504: models.Unsure, 599: models.Unsure,
	} {
		err := caller().Check(&Answer{Status: status, Body: []byte("body-canary")})
		fails(t, err, kind)
	}
	for _, status := range []int{200, 201, 204} {
		if err := caller().Check(&Answer{Status: status}); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"17":                            17 * time.Second,
		" 2.5 ":                         2500 * time.Millisecond,
		"0":                             time.Second,
		"-5":                            time.Second,
		"999999999999":                  24 * time.Hour,
		"1e300":                         24 * time.Hour,
		"Inf":                           24 * time.Hour,
		"-Inf":                          time.Second,
		"NaN":                           0,
		"soon":                          0,
		"Wed, 01 Apr 2026 12:00:30 GMT": 30 * time.Second,
		"Wed, 01 Apr 2026 11:00:00 GMT": time.Second,
		"Fri, 31 Dec 9999 23:59:59 GMT": 24 * time.Hour,
		"2026-04-01T12:00:30Z":          0,
	} {
		if have := RetryAfter(http.Header{"Retry-After": {value}}, now); have != want {
			t.Errorf("%q: %v, want %v", value, have, want)
		}
	}
}

func TestRetryAfterReachesTheError(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"9"}}
	for _, status := range []int{429, 503} {
		var e *models.Error
		if err := caller().Check(&Answer{Status: status, Header: header}); !errors.As(err, &e) || e.RetryAfter != 9*time.Second {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"17", "-1", "NaN", "1e400", "Wed, 01 Apr 2026 12:00:30 GMT", "0x1p-2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := RetryAfter(http.Header{"Retry-After": {value}}, time.Now()); d != 0 && (d < minRetryAfter || d > maxRetryAfter) {
			t.Errorf("%q: %v", value, d)
		}
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	requests := 0
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests > 1 {
			t.Error("followed")
		}
		http.Redirect(w, r, "/location-canary", http.StatusTemporaryRedirect)
	})
	fails(t, caller().JSON(t.Context(), http.MethodGet, address, nil, nil, nil), models.Unavailable)
}

// zeros is n bytes of JSON white space.
func zeros(w io.Writer, n int) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for ; n > 0; n -= len(chunk) {
		if _, err := w.Write(chunk[:min(n, len(chunk))]); err != nil {
			return
		}
	}
}

func TestGzipBomb(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros(z, 32<<20)
		z.Close()
	})
	_, err := caller().Send(t.Context(), http.MethodGet, address, nil, nil)
	fails(t, err, models.Unsure)
	if !errors.Is(err, errTooMuch) {
		t.Errorf("stopped for another reason: %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{maxBody: true, maxBody + 1: false} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) { zeros(w, size) })
		answer, err := caller().Send(t.Context(), http.MethodGet, address, nil, nil)
		if fits && (err != nil || len(answer.Body) != size) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !fits && !errors.Is(err, errTooMuch) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestUnreadableAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>canary</html>", `{"n": "canary"}`, `{"n": 1`, `{"n": 17000000000000000000000}`} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		var out struct {
			N int `json:"n"`
		}
		fails(t, caller().JSON(t.Context(), http.MethodGet, address, nil, nil, &out), models.Unavailable)
		fails(t, caller().JSON(t.Context(), http.MethodPost, address, nil, nil, &out), models.Unsure)
	}
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "this is not packed")
	})
	_, err := caller().Send(t.Context(), http.MethodGet, address, nil, nil)
	fails(t, err, models.Unsure)
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	address := server.URL + "/path-canary"
	server.Close()
	_, err := caller().Send(t.Context(), http.MethodPost, address, nil, nil)
	fails(t, err, models.Unavailable)
	_, err = caller().Send(t.Context(), http.MethodPost, "http://name-that-does-not-resolve.invalid/path-canary", nil, nil)
	fails(t, err, models.Unavailable)
}

// A certificate we do not trust: nothing of the request has left.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	server.Config.ErrorLog = quiet()
	t.Cleanup(server.Close)
	_, err := caller().Send(t.Context(), http.MethodPost, server.URL+"/path-canary", nil, nil)
	fails(t, err, models.Unavailable)
}

// patience is long enough for a request to leave, however busy the machine.
const patience = time.Second

func TestTimeOutAndStop(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut { // begin an answer
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := caller().Send(ctx, method, address, nil, nil)
		cancel()
		<-arrived
		fails(t, err, models.Unsure)
		if errors.Is(err, context.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: a time-out looks like our own stop: %v", method, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		_, err = caller().Send(ctx, method, address, nil, nil)
		fails(t, err, models.Unsure)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: our own stop looks like the neighbour's fault: %v", method, err)
		}
	}
}

// The client's own time limit is a time-out as well.
func TestClientTimeOut(t *testing.T) {
	t.Parallel()
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := caller()
	c.Client.Timeout = patience
	_, err := c.Send(t.Context(), http.MethodPost, address, nil, nil)
	fails(t, err, models.Unsure)
	if errors.Is(err, context.Canceled) {
		t.Errorf("a time-out looks like our own stop: %v", err)
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		_, err := caller().Send(t.Context(), method, address, nil, nil)
		fails(t, err, models.Unsure)
	}
}

// An authorising transport's own error comes through as it is.
func TestErrorOfTheTransport(t *testing.T) {
	t.Parallel()
	withdrawn := models.Errorf(models.Unauthorised, "Neighbour no longer lets us in. Reauthorise the account.")
	c := caller()
	c.Client.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, withdrawn })
	if _, err := c.Send(t.Context(), http.MethodGet, "http://host.invalid", nil, nil); !errors.Is(err, withdrawn) {
		t.Errorf("%v", err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestUnusableAddress(t *testing.T) {
	t.Parallel()
	_, err := caller().Send(t.Context(), http.MethodGet, "http://[path-canary", nil, nil)
	fails(t, err, models.Internal)
}

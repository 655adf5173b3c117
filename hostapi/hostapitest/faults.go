package hostapitest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"extractor/models"
)

// replay answers each path with what it answered first.
type replay struct {
	next  http.Handler
	mu    sync.Mutex
	first map[string]*httptest.ResponseRecorder
}

func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.Method + " " + r.URL.Path
	if p.first[key] == nil {
		if p.first == nil {
			p.first = map[string]*httptest.ResponseRecorder{}
		}
		rec := httptest.NewRecorder()
		p.next.ServeHTTP(rec, r)
		p.first[key] = rec
	}
	write(w, p.first[key].Code, p.first[key].Header(), p.first[key].Body.Bytes())
}

func write(w http.ResponseWriter, code int, header http.Header, body []byte) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(code)
	w.Write(body) // a client that hangs up is what some checks are about
}

// answering is a host that gives one answer to everything.
func answering(code int, header http.Header, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { write(w, code, header, []byte(body)) })
}

// want is which kinds of error a status may become.
func want(code int) map[models.Kind]bool {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return map[models.Kind]bool{models.Unauthorised: true}
	case http.StatusTooManyRequests:
		return map[models.Kind]bool{models.Throttled: true}
	}
	return map[models.Kind]bool{models.Unavailable: true, models.Unsure: true, models.Throttled: true}
}

var statuses = []int{401, 403, 408, 409, 423, 425, 429, 500, 502, 503, 504}

// status: each refusal becomes the kind of error that the engine reacts to.
// Only 401 and 403 mean that we were shut out.
func status(t *testing.T, c Case) {
	for _, code := range statuses {
		_, err := c.set(t, answering(code, nil, `{"errors":[{"code":"X"}]}`)).first(t.Context())
		if kind := kindOf(err); !want(code)[kind] {
			t.Errorf("%d became %q: %v", code, kind, err)
		}
		if err != nil && !isSentence(models.Sentence(err, "")) {
			t.Errorf("%d: %q is no sentence for a person", code, models.Sentence(err, ""))
		}
	}
}

// statusOnEachRequest: a refusal in the middle of a pull is not swallowed, or
// a page would go on without what it lacks.
func statusOnEachRequest(t *testing.T, c Case) {
	// Each stand-in counts for itself: a request that was called off may still reach the one before.
	counting := func(next http.Handler, failing int64) (http.Handler, *atomic.Int64) {
		var requests atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == failing {
				write(w, http.StatusServiceUnavailable, nil, nil)
				return
			}
			next.ServeHTTP(w, r)
		}), &requests
	}
	healthy, requests := counting(c.Wire(t), 0)
	if _, _, err := c.set(t, healthy).all(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := requests.Load(); n > 0; n-- {
		failing, _ := counting(c.Wire(t), n)
		_, _, err := c.set(t, failing).all(t.Context())
		if kind := kindOf(err); !want(http.StatusServiceUnavailable)[kind] {
			t.Errorf("503 to request %d became %q: %v", n, kind, err)
		}
	}
}

// retryAfter: the host's wish is kept within reason.
func retryAfter(t *testing.T, c Case) {
	for _, k := range []struct {
		header   string
		from, to time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{"0", time.Second, time.Second},
		{"-5", time.Second, time.Second},
		{"999999999999", 24 * time.Hour, 24 * time.Hour},
		{time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 59 * time.Minute, time.Hour},
		{time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), time.Second, time.Second},
		{"soon", 0, 0},
		{"", 0, 0},
	} {
		_, err := c.set(t, answering(429, http.Header{"Retry-After": {k.header}}, "")).first(t.Context())
		var e *models.Error
		if !errors.As(err, &e) || e.Kind != models.Throttled {
			t.Errorf("Retry-After %q: %v", k.header, err)
		} else if e.RetryAfter < k.from || e.RetryAfter > k.to {
			t.Errorf("Retry-After %q: wait %v, want %v to %v", k.header, e.RetryAfter, k.from, k.to)
		}
	}
}

// unreadable: an answer that cannot be read is asked for again; it is no page.
func unreadable(t *testing.T, c Case) {
	torn := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			write(w, rec.Code, nil, rec.Body.Bytes()[:rec.Body.Len()/2])
		})
	}
	for name, handler := range map[string]http.Handler{
		"torn":  torn(c.Wire(t)),
		"html":  answering(200, http.Header{"Content-Type": {"text/html"}}, "<!doctype html><title>Back soon</title>"),
		"empty": answering(200, nil, ""),
		"array": answering(200, nil, "[]"),
		"BOM":   answering(200, nil, "\ufeff{"),
	} {
		page, err := c.set(t, handler).first(t.Context())
		if kind := kindOf(err); page != nil || kind != models.Unavailable && kind != models.Unsure {
			t.Errorf("%s: page %v, error %v", name, page != nil, err)
		}
	}
}

// largePage: ten MiB are read.
func largePage(t *testing.T, c Case) {
	padding := `{"padding":"` + strings.Repeat("x", 10<<20) + `",`
	next := c.Wire(t)
	s := c.set(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		write(w, rec.Code, rec.Header(), bytes.Replace(rec.Body.Bytes(), []byte("{"), []byte(padding), 1))
	}))
	if _, err := s.first(t.Context()); err != nil {
		t.Error(err)
	}
}

// packedBomb: a small answer that unfolds without end is refused before it fills the memory.
func packedBomb(t *testing.T, c Case) {
	const members, allowed = 64, 128 << 20
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(make([]byte, 4<<20)) // a bytes.Buffer takes everything
	z.Close()
	bomb := strings.Repeat(packed.String(), members) // gzip members in a row unfold in a row
	s := c.set(t, answering(200, http.Header{"Content-Encoding": {"gzip"}}, bomb))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	page, err := s.first(t.Context())
	runtime.ReadMemStats(&after)
	if kind := kindOf(err); page != nil || kind != models.Unavailable && kind != models.Unsure {
		t.Errorf("page %v, error %v", page != nil, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > allowed {
		t.Errorf("reading it took %d MiB", used>>20)
	}
}

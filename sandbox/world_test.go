package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

// newWorld starts a world for one test.
func newWorld(t testing.TB, c Config) *World {
	t.Helper()
	w, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // no answer, or half of one
}

// ask makes a request that follows no redirect.
func ask(t testing.TB, method, address, token string, body any) reply {
	t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return send(req)
}

func send(req *http.Request) reply {
	c := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := c.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, read, err}
}

// into decodes a reply of status 200.
func into[T any](t testing.TB, r reply) (v T) {
	t.Helper()
	if r.err != nil || r.status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", r.status, r.err, r.body)
	}
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return v
}

func TestWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	for _, address := range []string{w.HostURL() + "/", w.TrustFileURL() + "/", w.SuccessURL(), w.TrustFileURL() + "/app"} {
		if r := ask(t, "GET", address, "", nil); r.status != http.StatusOK || !bytes.HasPrefix(r.body, []byte("<!doctype html>")) {
			t.Errorf("%s: %d %s", address, r.status, r.body)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if r := ask(t, "GET", w.HostURL(), "", nil); r.err == nil {
		t.Error("the host answers after Close")
	}
}

func TestAddressTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	taken := w.HostURL()[len("http://"):]
	if _, err := Start(t.Context(), Config{TrustFileAddr: taken}); err == nil {
		t.Error("two worlds on one address")
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"[::]:80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "127.0.0.1:80": "127.0.0.1:80"} {
		if got := reachable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOnlyWholeAnswersCount(t *testing.T) {
	t.Parallel()
	read := func(text string) error { return readAnswer(bufio.NewReader(strings.NewReader(text))) }
	if err := read("HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok"); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"refused": "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "no length": "HTTP/1.1 200 OK\r\n\r\n",
		"broken off": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "nothing": "", "empty": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	} {
		if read(text) == nil {
			t.Errorf("%s: counts as an answer", name)
		}
	}
}

// The clients ask what the server is meant to be asked, and count each answer.
func TestLoad(t *testing.T) {
	t.Parallel()
	served := make(chan struct{}, 1_000_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != healthPath || r.Header.Get("Authorization") != "Bearer "+bearer {
			t.Errorf("asked %s with %q", r.URL, r.Header)
		}
		served <- struct{}{}
		_, _ = w.Write([]byte("ok"))
	}))
	defer server.Close()
	n, err := load(t.Context(), strings.TrimPrefix(server.URL, "http://"), request(healthPath), 4, 50*time.Millisecond)
	if err != nil || n == 0 || n != int64(len(served)) {
		t.Errorf("%d answers of %d, %v", n, len(served), err)
	}
}

package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServerHasATimerForEveryWait: a server of Go waits for ever unless told.
func TestServerHasATimerForEveryWait(t *testing.T) {
	t.Parallel()
	s := newServer(http.NotFoundHandler())
	const router = 30 * time.Second // gives up then
	for name, d := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "body": s.ReadTimeout, "answer": s.WriteTimeout, "idle": s.IdleTimeout} {
		if d <= 0 || d > 2*router {
			t.Errorf("%s: %v", name, d)
		}
	}
	if s.ReadHeaderTimeout > s.ReadTimeout || s.ReadTimeout >= router || s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("%v, %v, %d bytes of header", s.ReadHeaderTimeout, s.ReadTimeout, s.MaxHeaderBytes)
	}
}

// TestSlowClientsHoldNobodyUp: many connections that never finish their header
// are closed in time, and others are served meanwhile.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	address := serving(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") })
	slow := make([]net.Conn, 200)
	for i := range slow {
		slow[i] = dial(t, address)
		fmt.Fprintf(slow[i], "GET / HTTP/1.1\r\nHost: x\r\nX-%d: ", i)
	}
	begun := time.Now()
	res, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if took := time.Since(begun); took > readHeaderTimeout/2 {
		t.Errorf("others waited %v", took)
	}
	for _, c := range slow {
		endsWithin(t, c, begun.Add(2*readHeaderTimeout))
	}
}

// TestSlowBodyIsCutOff: a body that comes byte by byte does not hold its handler
// for ever.
func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	address := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	})
	c := dial(t, address)
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("the body was taken for whole")
			}
			return
		default:
		}
		if time.Since(begun) > readTimeout+5*time.Second {
			t.Fatal("still waiting for the body")
		}
		fmt.Fprint(c, "x")
	}
}

// TestLongHeaderIsRefused: a header is not read without end.
func TestLongHeaderIsRefused(t *testing.T) {
	t.Parallel()
	address := serving(t, func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	c := dial(t, address)
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 4*maxHeaderBytes))
	line := make([]byte, 12)
	if _, err := io.ReadFull(c, line); err != nil || string(line) != "HTTP/1.1 431" {
		t.Errorf("%q, %v", line, err)
	}
}

// serving serves h until the test ends, and gives the address.
func serving(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// endsWithin fails unless the server closes the connection before at.
func endsWithin(t *testing.T, c net.Conn, at time.Time) {
	t.Helper()
	if err := c.SetReadDeadline(at); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("a slow connection is still open")
	}
}

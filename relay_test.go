package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"extractor/internal/process"
)

// relay is a wire to a neighbour that can be cut and mended.
type relay struct {
	t       testing.TB
	to      string
	address string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
}

// newRelay is a wire to host:port, whole until it is cut.
func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	r := &relay{t: t, to: to, address: "127.0.0.1:0", open: map[net.Conn]bool{}}
	r.mend()
	t.Cleanup(r.cut)
	return r
}

// through is a URL whose requests take the wire.
func (r *relay) through(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		r.t.Fatal(err)
	}
	u.Host = r.address
	return u.String()
}

// mend lets connections pass again, at the address from before.
func (r *relay) mend() {
	r.t.Helper()
	host, port, err := net.SplitHostPort(r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := process.Listen(r.t.Context(), host, number)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener, r.address = l, l.Addr().String()
	go r.accept(l)
}

// cut ends all connections; new ones are refused.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener.Close()
	for c := range r.open {
		c.Close()
	}
	clear(r.open)
}

func (r *relay) accept(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).Dial("tcp", r.to)
		if err != nil {
			in.Close()
			continue
		}
		r.mu.Lock()
		r.open[in], r.open[out] = true, true
		r.mu.Unlock()
		go r.carry(in, out)
		go r.carry(out, in)
	}
}

func (r *relay) carry(from, to net.Conn) {
	_, _ = io.Copy(to, from) // until either end is closed
	from.Close()
	to.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, from)
}

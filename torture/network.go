package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// wires are the network: one proxy between each process and each neighbour, so
// that each can lose sight of each alone.
type wires struct {
	server  *toxiproxy.ApiServer
	proxies []*toxiproxy.Proxy
}

func newWires() *wires {
	return &wires{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

// wire makes a proxy to a neighbour and returns it with its address.
func (w *wires) wire(name, upstream string) (*toxiproxy.Proxy, error) {
	p := toxiproxy.NewProxy(w.server, name, "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("proxy %s: %w", name, err)
	}
	w.proxies = append(w.proxies, p)
	return p, nil
}

// heal ends all that is wrong with the network.
func (w *wires) heal(ctx context.Context) {
	for _, p := range w.proxies {
		p.Toxics.ResetToxics(ctx)
		_ = p.Start() // an error says that it is up
	}
}

func (w *wires) close() {
	for _, p := range w.proxies {
		p.Stop()
	}
}

// toxic is one way in which a network is bad; see Toxiproxy's README.
type toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // downstream: the neighbour's answers
	Attributes map[string]any `json:"attributes"`
}

// poison adds a toxic. What is wrong with the wire already stays so.
func poison(p *toxiproxy.Proxy, t toxic) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = p.Toxics.AddToxicJson(bytes.NewReader(text))
	if err != nil && strings.Contains(err.Error(), "already exists") {
		return nil
	}
	return err
}

// cure takes a toxic away.
func cure(ctx context.Context, p *toxiproxy.Proxy, t toxic) {
	_ = p.Toxics.RemoveToxic(ctx, t.Name) // an error says that it is gone
}

// lostCommit is a toxic that cuts a connection to Postgres right before the
// answer to a COMMIT: the transaction is done, and nobody is told.
const lostCommit = "lost_commit"

// LostCommit implements toxics.Toxic for lostCommit.
type LostCommit struct{}

// commitTag is how Postgres answers COMMIT.
var commitTag = []byte("COMMIT\x00")

// Pipe passes everything on until a commit is answered.
func (LostCommit) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil || bytes.Contains(chunk.Data, commitTag) {
				stub.Close()
				return
			}
			stub.Output <- chunk
		}
	}
}

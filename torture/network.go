package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// network is one wire between each process and each neighbour, so that each can
// lose sight of each alone.
type network struct {
	server *toxiproxy.ApiServer
	wires  []*wire
}

func newNetwork() *network {
	return &network{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

// wire is the way from one process to one neighbour. What is wrong with it is
// never changed under traffic, at which Toxiproxy 2.5.0 can stop for ever: the
// proxy is replaced by another one at the same address. So each fault of a wire
// begins and ends with its connections closed.
type wire struct {
	server               *toxiproxy.ApiServer
	name, listen, remote string

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	fault uint64 // which one it has; 0: none
}

// wire makes a wire to a neighbour.
func (n *network) wire(ctx context.Context, name, remote string) (*wire, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	w := &wire{server: n.server, name: name, listen: listen, remote: remote}
	if err := w.replace(nil); err != nil {
		return nil, err
	}
	n.wires = append(n.wires, w)
	return w, nil
}

// replace puts a new proxy in place of the one there is, sound or with a
// toxic; w.mu is held.
func (w *wire) replace(t *toxic) (err error) {
	w.stop()
	for range 50 { // the port may be free a moment later
		p := toxiproxy.NewProxy(w.server, w.name, w.listen, w.remote)
		if t != nil {
			if err := poison(p, *t); err != nil {
				return err
			}
		}
		if err = p.Start(); err == nil {
			w.proxy = p
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("wire %s: %w", w.name, err)
}

func (w *wire) stop() {
	if w.proxy != nil {
		w.proxy.Stop()
		w.proxy = nil
	}
}

// spoil gives the wire a fault: a toxic, or, with none, no way through at all.
func (w *wire) spoil(fault uint64, t *toxic) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
	if t == nil {
		w.stop()
		return nil
	}
	return w.replace(t)
}

// mend ends a fault, unless the wire has another one by now.
func (w *wire) mend(fault uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != fault {
		return nil
	}
	w.fault = 0
	return w.replace(nil)
}

// heal ends all that is wrong with the network.
func (n *network) heal() error {
	for _, w := range n.wires {
		w.mu.Lock()
		fault := w.fault
		w.mu.Unlock()
		if fault == 0 {
			continue
		}
		if err := w.mend(fault); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) close() {
	for _, w := range n.wires {
		w.mu.Lock()
		w.stop()
		w.mu.Unlock()
	}
}

// toxic is one way in which a network is bad; see Toxiproxy's README.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // downstream: the neighbour's answers
	Attributes map[string]any `json:"attributes"`
}

func poison(p *toxiproxy.Proxy, t toxic) error {
	text, err := json.Marshal(t)
	if err == nil {
		_, err = p.Toxics.AddToxicJson(bytes.NewReader(text))
	}
	return err
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

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// networkFaults are those of the wires between one process and one neighbour.
var networkFaults = wired(
	wireFault{"lost COMMIT answers", "4", 4, []side{sidePostgres}, func(*rand.Rand) toxic { return toxic{Type: lostCommit, Stream: down} }},
	wireFault{"cut after some bytes of answers", "4, 13", 2, all, func(r *rand.Rand) toxic {
		return toxic{Type: "limit_data", Stream: down, Attributes: map[string]any{"bytes": 1 + r.IntN(60_000)}}
	}},
	wireFault{"cut after some bytes of requests", "13", 1, all, func(r *rand.Rand) toxic {
		return toxic{Type: "limit_data", Stream: up, Attributes: map[string]any{"bytes": 1 + r.IntN(20_000)}}
	}},
	wireFault{"answers vanish", "4, 13, 22", 2, all, func(*rand.Rand) toxic {
		return toxic{Type: "timeout", Stream: down, Attributes: map[string]any{"timeout": 0}}
	}},
	wireFault{"requests vanish", "13", 1, all, func(*rand.Rand) toxic {
		return toxic{Type: "timeout", Stream: up, Attributes: map[string]any{"timeout": 0}}
	}},
	wireFault{"connections reset", "13", 1, all, func(r *rand.Rand) toxic {
		return toxic{Type: "reset_peer", Stream: down, Attributes: map[string]any{"timeout": r.IntN(100)}}
	}},
	wireFault{"late", "14", 1, all, func(r *rand.Rand) toxic {
		return toxic{Type: "latency", Stream: down, Attributes: map[string]any{"latency": 20 + r.IntN(400), "jitter": 20}}
	}},
	wireFault{"narrow", "14", 1, all, func(r *rand.Rand) toxic {
		return toxic{Type: "bandwidth", Stream: down, Attributes: map[string]any{"rate": 5 + r.IntN(60)}}
	}},
	wireFault{"in slices", "14", 1, all, func(*rand.Rand) toxic {
		return toxic{Type: "slicer", Stream: down, Attributes: map[string]any{"average_size": 200, "size_variation": 100, "delay": 200}}
	}},
	wireFault{"down", "13", 1, all, nil},
)

const (
	up   = "upstream"
	down = "downstream"
)

var all = []side{sidePostgres, sideHost, sideTarget, sideAPI}

// wireFault is a fault that each of some wires can have.
type wireFault struct {
	name, row string
	weight    int
	sides     []side
	make      func(*rand.Rand) toxic // nil: the wire is cut through
}

// wired makes a kind of fault of each wire.
func wired(list ...wireFault) (all []trouble) {
	for _, w := range list {
		for _, to := range w.sides {
			weight := w.weight
			all = append(all, trouble{fmt.Sprintf("wire to %s: %s", to, w.name), to, w.row, weight, w.begin(to)})
		}
	}
	return all
}

func (w wireFault) begin(to side) func(context.Context, *stage, step, *rand.Rand) func() {
	return func(_ context.Context, s *stage, at step, r *rand.Rand) func() {
		spoiled := s.dynos[r.IntN(len(s.dynos))].wire(to)
		var t *toxic
		if w.make != nil {
			made := w.make(r)
			t = &made
		}
		if err := spoiled.spoil(at.pick, t); err != nil {
			s.problem("%s: %v", w.name, err)
			return nil
		}
		return func() {
			if err := spoiled.mend(at.pick); err != nil {
				s.problem("%s: %v", w.name, err)
			}
		}
	}
}

// wire is the process's way to a neighbour, or the consumer's way to it.
func (d *dyno) wire(to side) *wire {
	switch to {
	case sidePostgres:
		return d.database
	case sideHost:
		return d.host
	case sideTarget:
		return d.target
	}
	return d.api
}

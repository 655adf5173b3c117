// Bench measures how fast the extractor brings orders from a host to TrustFile,
// beside the tightest pipeline for the same work that we could write by hand.
//
//	go run ./bench           the whole run; writes bench.json and docs/performance.md
//	go run ./bench -short    two minutes at most; writes bench.json only
//
// Three programs share the machine with a Postgres: the stand-in host and
// TrustFile (simulate.go), the reference (reference*.go), and the extractor as
// it is shipped, with its worker verb (ours.go). Ours and the reference take
// turns on the same simulators and the same Postgres, each with a database made
// for the turn. A turn counts only when TrustFile has every order exactly once.
//
// It reads /proc, so it runs on Linux only.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The words for the parts that run as processes of their own.
const (
	verbSimulate  = "simulate"
	verbReference = "reference"
)

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == verbSimulate {
		return simulate(ctx)
	}
	if len(args) == 1 && args[0] == verbReference {
		return reference(ctx)
	}
	p, err := parsePlan(args)
	if err != nil {
		return err
	}
	return drive(ctx, p)
}

// plan is what a run measures.
type plan struct {
	orders int  // of a turn
	fewer  int  // of a turn for comparison: Postgres must not work more per item with a larger ledger
	rounds int  // of each
	short  bool // do not write the documentation
}

const (
	fullOrders, fullFewer   = 200_000, 50_000
	shortOrders, shortFewer = 40_000, 10_000
	leastRounds             = 3 // a median of fewer says little
)

func parsePlan(args []string) (plan, error) {
	p := plan{orders: fullOrders, fewer: fullFewer}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&p.short, "short", false, "fewer orders: two minutes at most")
	flags.IntVar(&p.rounds, "rounds", leastRounds, "turns of each contestant")
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	if p.short {
		p.orders, p.fewer = shortOrders, shortFewer
	}
	if p.rounds < leastRounds || flags.NArg() > 0 {
		return p, fmt.Errorf("usage: bench [-short] [-rounds N], N at least %d", leastRounds)
	}
	return p, nil
}

// Bench measures how fast the extractor brings orders from a host to TrustFile,
// beside the tightest pipeline for the same work that we could write by hand,
// and what else is promised of speed and memory. What is measured are jobs; see
// jobs.go.
//
//	go run ./bench                  all jobs; writes bench.json and docs/performance.md
//	go run ./bench -only name,name  some; the others keep their last results
//	go run ./bench -short           two minutes at most; writes bench.json only
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
	"strings"
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
	if len(args) == 1 && args[0] == verbReferenceAPI {
		return referenceAPI(ctx)
	}
	p, err := parsePlan(args)
	if err != nil {
		return err
	}
	return drive(ctx, p)
}

// plan is what a run measures.
type plan struct {
	only   []string // these jobs; empty: all
	orders int      // of a turn
	rounds int      // of each contestant
	short  bool     // less of everything, and the documentation is not written
	// profiles is where each job leaves a CPU profile of its last worker, and then
	// the documentation is not written; empty: none are made.
	profiles string
}

const (
	fullOrders  = 200_000
	shortOrders = 40_000
	leastRounds = 3 // a median of fewer says little
)

func parsePlan(args []string) (p plan, err error) {
	p.orders = fullOrders
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&p.short, "short", false, "less of everything: two minutes at most")
	flags.IntVar(&p.rounds, "rounds", leastRounds, "turns of each contestant")
	flags.StringVar(&p.profiles, "profiles", "", "a folder for a CPU profile of the worker in each job")
	only := flags.String("only", "", "names of jobs, comma-separated: "+strings.Join(jobNames(), ", "))
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	if p.short {
		p.orders = shortOrders
	}
	if p.rounds < leastRounds || flags.NArg() > 0 {
		return p, fmt.Errorf("usage: bench [-short] [-only name,name] [-rounds N] [-profiles FOLDER], N at least %d", leastRounds)
	}
	if *only != "" {
		p.only, err = parseNames(*only)
	}
	return p, err
}

// tags are the extractor's build tags.
func (p plan) tags() []string {
	if p.profiles == "" {
		return nil
	}
	return []string{"profile"}
}

// Torture proves by experiment that nothing is lost and nothing counts twice. It
// runs the extractor as it is run in life, as several processes on a Postgres
// between a host and a TrustFile that misbehave, over a network that does too,
// while merchants and the consumer go on. Then it lets everything come to rest
// and compares what the host and the target say. docs/reliability.md tells more.
//
//	make torture                       a few schedules, of seeds that count up from SEED
//	make torture SEED=17 SEEDS=1       one again
//	make torture-known-bad             builds that are wrong on purpose, each of which must be caught
//	make torture-failpoints            every named place of the code, with each kind of failure
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	toxics.Register(lostCommit, new(LostCommit))
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics log on their own
	err := start(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "plan" {
		seed, err := setting("SEED", 1)
		draw(uint64(seed)).print() //nolint:gosec // not negative: checked when it was read
		return err
	}
	folder, err := os.MkdirTemp("", "torture-")
	if err != nil {
		return err
	}
	defer tidy(folder)
	pg, err := startServer(ctx, "")
	if err != nil {
		return err
	}
	defer func() {
		if err := pg.close(); err != nil {
			fmt.Fprintln(os.Stderr, "torture: stopping Postgres:", err)
		}
	}()
	b := &bench{pg: pg, folder: folder}
	switch {
	case len(args) == 0:
		return b.torture(ctx)
	case args[0] == "known-bad":
		return b.knownBad(ctx)
	case args[0] == "failpoints":
		return b.failpoints(ctx)
	}
	return fmt.Errorf("there is no %q", args[0])
}

// bench is what all schedules of a run share.
type bench struct {
	pg     *server
	folder string
}

// tidy removes what was built and written. The logs of a schedule that went
// wrong stay, for the person who asks why.
func tidy(folder string) {
	programs, _ := filepath.Glob(filepath.Join(folder, "extractor-*")) // the pattern is well formed
	for _, program := range programs {
		_ = os.Remove(program)
	}
	_ = os.Remove(folder) // fails while logs are in it
}

// setting is a number from the environment.
func setting(name string, byDefault int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s should be a whole number", name)
	}
	return n, nil
}

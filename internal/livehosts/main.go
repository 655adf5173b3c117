// Livehosts runs the tests that ask vendors' own stand-ins: Stripe's
// stripe-mock, and WireMock with the mappings that Square publishes with its
// SDK. It starts each on a free port of this machine, lets go test ask it, and
// ends it. make hosts-live installs both.
//
// A stand-in that cannot run here is named with the reason, and the others
// still run; when none ran, that is a failure.
package main

import (
	"context"
	"errors"
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
		fmt.Fprintln(os.Stderr, "livehosts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var p paths
	flags := flag.NewFlagSet("livehosts", flag.ContinueOnError)
	flags.StringVar(&p.stripeMock, "stripe-mock", "", "the program stripe-mock")
	flags.StringVar(&p.wiremock, "wiremock", "", "WireMock's jar")
	flags.StringVar(&p.mappings, "mappings", "", "Square's mappings for WireMock, a JSON file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return drive(ctx, []standIn{p.stripe(), p.square(ctx)})
}

// standIn is one vendor's stand-in and the tests that ask it.
type standIn struct {
	name     string
	missing  string // a sentence that says why it cannot run here; empty: it can
	command  func(folder, port string) ([]string, error)
	ready    string // a path that it answers, in whatever way, as soon as it is up
	variable string // tells the tests its address
	tests    string // the package
}

// drive lets the tests ask each stand-in that can run here.
func drive(ctx context.Context, all []standIn) error {
	var failed error
	ran := 0
	for _, s := range all {
		if s.missing != "" {
			fmt.Printf("%s is left out: %s\n", s.name, s.missing)
			continue
		}
		ran++
		if err := s.test(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	if ran == 0 {
		return errors.New("no stand-in could run here")
	}
	return failed
}

// test starts the stand-in, runs the tests against it, and ends it.
func (s standIn) test(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "livehosts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	running, err := s.start(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.end()) }()
	fmt.Printf("%s answers at %s\n", s.name, running.address)
	return goTest(ctx, s.tests, s.variable+"="+running.address)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// What we promise of a start, in seconds: from exec to the first answer of
// GET /health, on a database that is migrated; and from nothing, not even a
// Postgres, to a sandbox that answers.
const (
	mostServeStart   = 1.0
	mostSandboxStart = 10.0
	startDigits      = 2
	// scratchFolder is where the sandbox's own Postgres lives, and nothing else.
	scratchFolder = ".postgres/bench-start"
)

// measureStart starts the API, and the sandbox as make run does.
func measureStart(ctx context.Context, d *driver) (rows []row, err error) {
	database, drop, err := d.server.scratch(ctx, "bench_start")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	upstream := newUpstream()
	defer upstream.Close()
	d.world = upstream.world()
	defer func() { d.world = nil }()
	if err := d.seedAPI(ctx, database); err != nil {
		return nil, err
	}
	var serve, whole []float64
	for range d.plan.rounds {
		if serve, err = timed(serve, func() (*apiServer, error) { return d.startServe(ctx, database) }); err != nil {
			return nil, err
		}
		if whole, err = timed(whole, func() (*apiServer, error) { return d.startSandbox(ctx) }); err != nil {
			return nil, err
		}
	}
	return []row{
		atMost("serve answers after its start, s, at worst", slices.Max(serve), mostServeStart, startDigits),
		atMost("sandbox answers, from nothing, s, at worst", slices.Max(whole), mostSandboxStart, startDigits),
		figure("serve answers after its start, s", middle(serve), startDigits),
		figure("sandbox answers, from nothing, s", middle(whole), startDigits),
	}, nil
}

// timed starts a server, stops it and notes how long it took until it answered.
func timed(all []float64, start func() (*apiServer, error)) ([]float64, error) {
	s, err := start()
	if err != nil {
		return nil, err
	}
	fmt.Printf("%v answers after %v\n", s.cmd.Args[1:], s.ready)
	return append(all, s.ready.Seconds()), s.stop()
}

// startSandbox starts the sandbox and a new Postgres for it.
func (d *driver) startSandbox(ctx context.Context) (*apiServer, error) {
	if err := os.RemoveAll(scratchFolder); err != nil {
		return nil, err
	}
	variables := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, name := range []string{"SANDBOX_HOST_PORT", "SANDBOX_TRUSTFILE_PORT"} {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		variables = append(variables, name+"="+port)
	}
	cmd := exec.Command(d.withPostgres, "-scratch", "-dir", scratchFolder, "-env", "DATABASE_URL", "--", d.program, "sandbox")
	return d.startCommand(ctx, cmd, variables)
}

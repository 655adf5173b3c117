package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// driver holds what all jobs share.
type driver struct {
	plan    plan
	folder  string // for files of this run
	program string // the extractor
	// withPostgres is what make run starts a Postgres by.
	withPostgres string
	server       *server
	job          string             // the one that is measured
	world        *world             // the simulators of the job, while there are any
	others       float64            // part of the machine that other programs took, at worst, in this job
	headline     map[string]float64 // of bench.json
}

// drive does the whole run.
func drive(ctx context.Context, p plan) (err error) {
	d := &driver{plan: p}
	if p.profiles != "" {
		if err := os.MkdirAll(p.profiles, 0o750); err != nil {
			return err
		}
	}
	if d.folder, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.folder)
	if d.program, err = build(ctx, d.folder, ".", p.tags()...); err != nil {
		return err
	}
	if d.withPostgres, err = build(ctx, d.folder, "./internal/localpg/run"); err != nil {
		return err
	}
	if d.server, err = startServer(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.close()) }()
	found, err := d.jobs(ctx)
	if err != nil {
		return err
	}
	return d.report(ctx, found)
}

// jobs does those of the plan, one after the other.
func (d *driver) jobs(ctx context.Context) (map[string]result, error) {
	found := map[string]result{}
	for _, j := range d.plan.chosen() {
		d.job = j.name
		r, err := j.run(ctx, d)
		if err != nil {
			return nil, err
		}
		found[j.name] = r
	}
	return found, nil
}

// report prints, and writes bench.json and, after a whole run, the documentation.
func (d *driver) report(ctx context.Context, found map[string]result) error {
	all, err := d.keep(ctx, found)
	if err != nil {
		return err
	}
	for _, t := range tables() {
		fmt.Printf("\n%s", t.text("", found))
	}
	fmt.Printf("\n%s\n", all.setting())
	if d.plan.short || d.plan.profiles != "" {
		return nil // a profile costs time
	}
	return document(all, found)
}

// simulated runs do with simulators that have a shop of each size, as d.world.
func (d *driver) simulated(ctx context.Context, sizes []int, do func() error) error {
	slices.Sort(sizes)
	return d.stocked(ctx, stock{Sizes: slices.Compact(sizes)}, do)
}

// stocked runs do with simulators, as d.world.
func (d *driver) stocked(ctx context.Context, has stock, do func() error) (err error) {
	var stop func() error
	if d.world, stop, err = startSimulators(ctx, has); err != nil {
		return err
	}
	defer func() {
		d.world = nil
		err = errors.Join(err, stop())
	}()
	return do()
}

// parseNames reads the list of -only.
func parseNames(list string) (names []string, err error) {
	known := jobNames()
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no job %q; there are: %s", name, strings.Join(known, ", "))
		}
		names = append(names, name)
	}
	return names, nil
}

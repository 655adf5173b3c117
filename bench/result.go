package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// result is what a job found when it was last measured.
type result struct {
	Rows     []row   `json:"rows"`
	Measured string  `json:"measured"` // the day
	Commit   string  `json:"commit"`
	Command  string  `json:"command"`
	Seconds  float64 `json:"seconds"`
	Others   float64 `json:"others_percent"` // of the machine that other programs took, at worst: above a few, run again
}

// results is bench.json. Each job keeps its last result, so that long ones may
// be measured apart; short forms are kept apart, for their figures say less.
type results struct {
	Pipeline map[string]float64 `json:"pipeline,omitempty"` // the headline, of the last run that had it
	Jobs     map[string]result  `json:"jobs"`
	Short    map[string]result  `json:"short"`
	Met      bool               `json:"met"` // all that we promise, as far as it is in jobs
	Machine  string             `json:"machine"`
	Go       string             `json:"go"`
	Postgres map[string]string  `json:"postgres"`
}

const resultsFile = "bench.json"

// readResults reads what earlier runs left; what cannot be read is forgotten.
func readResults() (results, error) {
	r := results{Jobs: map[string]result{}, Short: map[string]result{}}
	text, err := os.ReadFile(resultsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if json.Unmarshal(text, &r) != nil || r.Jobs == nil || r.Short == nil {
		return results{Jobs: map[string]result{}, Short: map[string]result{}}, nil
	}
	return r, nil
}

// keep puts what a run found to what is known, and writes the file.
func (d *driver) keep(ctx context.Context, found map[string]result) (r results, err error) {
	if r, err = readResults(); err != nil {
		return r, err
	}
	r.Machine, r.Go = machine(), runtime.Version()
	if r.Postgres, err = d.server.settings(ctx); err != nil {
		return r, err
	}
	into := r.Jobs
	if d.plan.short {
		into = r.Short
	}
	maps.Copy(into, found)
	if d.headline != nil {
		r.Pipeline = d.headline
	}
	r.Met = !slices.ContainsFunc(slices.Collect(maps.Values(r.Jobs)), func(one result) bool { return !one.met() })
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return r, err
	}
	return r, os.WriteFile(resultsFile, append(text, '\n'), 0o644)
}

// met reports whether all goals are met; a row without one is no goal.
func (r result) met() bool {
	return !slices.ContainsFunc(r.Rows, func(one row) bool { return one.Sign != "" && !one.Met })
}

// setting is one line on what the figures were measured.
func (r results) setting() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s; Postgres", r.Machine, r.Go)
	for _, name := range slices.Sorted(maps.Keys(r.Postgres)) {
		fmt.Fprintf(&b, " %s=%s", name, r.Postgres[name])
	}
	return b.String()
}

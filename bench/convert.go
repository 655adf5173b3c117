package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// leastConverted is what we promise of each host's adapter, in orders per
	// second of processor time: cutting a page, making records, reading them.
	leastConverted = 60_000
	// convertRounds are taken in turn over all hosts, for their medians: the
	// machine is not the same from minute to minute.
	convertRounds = 9
	convertTime   = "0.3s" // of one host in one round
	// undisturbed is how much slower than at its best the machine may have been in
	// a round that counts; where fewer than leastRounds are, all of a host's count.
	undisturbed = 1.1
	benchmark   = "BenchmarkSplitTransform"
)

// conversion is what hostapitest.Speed reports.
type conversion struct {
	orders float64 // per second of processor time
	pace   float64 // of the machine meanwhile: ns for encoding/json to check a byte
}

// measureConvert measures the adapters that have the benchmark. All do the work
// on one processor, the collector's included.
func measureConvert(ctx context.Context, _ *driver) (rows []row, err error) {
	hosts, err := benchmarked("hostapi")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "convert")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	for _, host := range hosts {
		if err := buildConvert(ctx, folder, host); err != nil {
			return nil, err
		}
	}
	all := map[string][]conversion{}
	for range convertRounds {
		for _, host := range hosts {
			c, err := convertOnce(ctx, folder, host)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", host, err)
			}
			fmt.Printf("%-12s %8.0f orders per CPU second, at %.2f ns for a byte\n", host, c.orders, c.pace)
			all[host] = append(all[host], c)
		}
	}
	return convertRows(hosts, all), nil
}

// convertRows are each host's median of the rounds in which the machine was as
// fast as at its best, and beside it the slowest of all its rounds.
func convertRows(hosts []string, all map[string][]conversion) (rows []row) {
	orders, pace := func(c conversion) float64 { return c.orders }, func(c conversion) float64 { return c.pace }
	best := math.Inf(1)
	for _, rounds := range all {
		best = min(best, slices.Min(each(rounds, pace)))
	}
	for _, host := range hosts {
		fair := calm(all[host], best)
		rows = append(rows, atLeast(host+", orders per CPU second", middle(each(fair, orders)), leastConverted, 0),
			figure(fmt.Sprintf("%s: in the slowest of all %d rounds, of which %d count", host, len(all[host]), len(fair)), slices.Min(each(all[host], orders)), 0),
			figure(host+": encoding/json checks the same text in those that count, ns a byte", middle(each(fair, pace)), 2))
	}
	return rows
}

// calm are the rounds that count. They are chosen by the machine's pace alone,
// never by what they gave.
func calm(rounds []conversion, best float64) (fair []conversion) {
	for _, c := range rounds {
		if c.pace <= undisturbed*best {
			fair = append(fair, c)
		}
	}
	if len(fair) < leastRounds {
		return rounds
	}
	return fair
}

// each are the values of all.
func each[T any](all []T, of func(T) float64) (values []float64) {
	for _, one := range all {
		values = append(values, of(one))
	}
	return values
}

// benchmarked are the folders of hosts whose tests hold the benchmark.
func benchmarked(folder string) (hosts []string, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		host := filepath.Base(filepath.Dir(file))
		if strings.Contains(string(text), "func "+benchmark+"(") && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("no host in %s has a %s", folder, benchmark)
	}
	return hosts, nil
}

// buildConvert builds a host's benchmark, so that nothing comes between rounds.
func buildConvert(ctx context.Context, folder, host string) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", filepath.Join(folder, host), "./hostapi/"+host).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	return nil
}

func convertOnce(ctx context.Context, folder, host string) (conversion, error) {
	// #nosec G204 -- built from a folder of ours
	cmd := exec.CommandContext(ctx, filepath.Join(folder, host), "-test.run", "^$", "-test.bench", "^"+benchmark+"$", "-test.benchtime", convertTime)
	cmd.Dir = filepath.Join("hostapi", host)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return conversion{}, fmt.Errorf("%w\n%s", err, out)
	}
	return conversionOf(string(out))
}

// metrics are those of conversion.
var metrics = regexp.MustCompile(`\s([0-9.e+]+) orders/cpu-s\s+([0-9.e+]+) valid-ns/B`)

func conversionOf(said string) (c conversion, err error) {
	found := metrics.FindStringSubmatch(said)
	if found == nil {
		return c, fmt.Errorf("no orders/cpu-s and valid-ns/B in\n%s", said)
	}
	if c.orders, err = strconv.ParseFloat(found[1], 64); err != nil {
		return c, err
	}
	c.pace, err = strconv.ParseFloat(found[2], 64)
	return c, err
}

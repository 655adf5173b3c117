package main

import (
	"context"
	"fmt"
	"maps"
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
	// convertRounds are taken in turn over all hosts, for their medians.
	convertRounds = 3
	benchmark     = "BenchmarkSplitTransform"
)

// measureConvert measures the adapters that have the benchmark. All do the work
// on one processor, the collector's included.
func measureConvert(ctx context.Context, _ *driver) (rows []row, err error) {
	hosts, err := benchmarked("hostapi")
	if err != nil {
		return nil, err
	}
	all := map[string][]float64{}
	for range convertRounds {
		for _, host := range hosts {
			orders, err := convertOnce(ctx, host)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", host, err)
			}
			fmt.Printf("%-12s %8.0f orders per CPU second\n", host, orders)
			all[host] = append(all[host], orders)
		}
	}
	for _, host := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, atLeast(host+", orders per CPU second", middle(all[host]), leastConverted, 0))
	}
	return rows, nil
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

func convertOnce(ctx context.Context, host string) (float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+benchmark+"$", "./hostapi/"+host)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go test: %w\n%s", err, out)
	}
	return metricOf(string(out))
}

// metric is what hostapitest.Speed reports.
var metric = regexp.MustCompile(`\s([0-9.e+]+) orders/cpu-s`)

func metricOf(said string) (float64, error) {
	found := metric.FindStringSubmatch(said)
	if found == nil {
		return 0, fmt.Errorf("no orders/cpu-s in\n%s", said)
	}
	return strconv.ParseFloat(found[1], 64)
}

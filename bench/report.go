package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// What we promise.
const (
	leastRatio    = 0.6 // of the reference's items per second
	mostCPURatio  = 2.0 // of its CPU per item
	mostMegabytes = 150 //
	mostGrowth    = 1.2 // of Postgres CPU per item, many items against few
)

// summary is bench.json.
type summary struct {
	Pipeline struct {
		Ours              float64 `json:"ours"`      // items per second, as are all medians
		Reference         float64 `json:"reference"` //
		Ratio             float64 `json:"ratio"`
		CPURatio          float64 `json:"cpu_ratio"`
		RSS               float64 `json:"rss_mb"`
		OursCPU           float64 `json:"ours_cpu_s_per_million"`
		ReferenceCPU      float64 `json:"reference_cpu_s_per_million"`
		OursPostgres      float64 `json:"ours_postgres_s_per_million"`
		ReferencePostgres float64 `json:"reference_postgres_s_per_million"`
		ReferenceRSS      float64 `json:"reference_rss_mb"`
		Orders            int     `json:"orders"`
		Rounds            int     `json:"rounds"`
	} `json:"pipeline"`
	Growth struct {
		Fewer         int     `json:"fewer_orders"`
		Orders        int     `json:"orders"`
		FewerPostgres float64 `json:"fewer_postgres_s_per_million"`
		Postgres      float64 `json:"postgres_s_per_million"`
		Ratio         float64 `json:"ratio"`
	} `json:"growth"`
	Convert  []converted       `json:"convert"`
	Met      bool              `json:"met"`            // all that we promise
	Others   float64           `json:"others_percent"` // of the machine that other programs took, at worst: above a few, run again
	Short    bool              `json:"short"`
	Commit   string            `json:"commit"`
	Machine  string            `json:"machine"`
	Go       string            `json:"go"`
	Postgres map[string]string `json:"postgres"`
}

// report prints, and writes bench.json and, after a whole run, the documentation.
func (d *driver) report(ctx context.Context, t turns, hosts []converted) error {
	settings, err := d.server.settings(ctx)
	if err != nil {
		return err
	}
	s := summarise(t, d.plan)
	s.Convert = hosts
	s.Met = s.Met && !slices.ContainsFunc(hosts, func(c converted) bool { return !c.met() })
	s.Commit, s.Machine, s.Go, s.Postgres = commit(ctx), machine(), runtime.Version(), settings
	fmt.Printf("\n%s\n%s", s.headline(), s.table())
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile("bench.json", append(text, '\n'), 0o644); err != nil || d.plan.short {
		return err
	}
	return document(s)
}

func summarise(t turns, p plan) (s summary) {
	s.Short = p.short
	l, g := &s.Pipeline, &s.Growth
	l.Orders, l.Rounds = p.orders, p.rounds
	l.Ours, l.Reference = median(t.ours, turn.perSecond), median(t.reference, turn.perSecond)
	l.OursCPU, l.ReferenceCPU = median(t.ours, turn.appCPU), median(t.reference, turn.appCPU)
	l.OursPostgres, l.ReferencePostgres = median(t.ours, turn.postgresCPU), median(t.reference, turn.postgresCPU)
	megabytes := func(t turn) float64 { return float64(t.app.rss) / megabyte }
	l.RSS, l.ReferenceRSS = most(t.ours, megabytes), most(t.reference, megabytes)
	l.Ratio, l.CPURatio = paired(t.ours, t.reference, turn.perSecond), paired(t.ours, t.reference, turn.appCPU)
	s.Others = most(slices.Concat(t.ours, t.reference, t.fewer), func(t turn) float64 { return 100 * t.others })
	g.Fewer, g.Orders = p.fewer, p.orders
	g.FewerPostgres, g.Postgres = median(t.fewer, turn.postgresCPU), l.OursPostgres
	g.Ratio = paired(t.ours, t.fewer, turn.postgresCPU)
	s.Met = l.Ratio >= leastRatio && l.CPURatio <= mostCPURatio && l.RSS <= mostMegabytes && g.Ratio <= mostGrowth
	return s
}

func median(all []turn, of func(turn) float64) float64 {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b turn) int { return cmp.Compare(of(a), of(b)) })
	n := len(sorted)
	return round((of(sorted[(n-1)/2])+of(sorted[n/2]))/2, 1)
}

// paired is the median of the rounds' ratios: turns of one round follow each
// other closely, so what else the machine does bears on both.
func paired(a, b []turn, of func(turn) float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = of(a[i]) / of(b[i])
	}
	slices.Sort(ratios)
	n := len(ratios)
	return round((ratios[(n-1)/2]+ratios[n/2])/2, 2)
}

func most(all []turn, of func(turn) float64) float64 {
	top := slices.MaxFunc(all, func(a, b turn) int { return cmp.Compare(of(a), of(b)) })
	return round(of(top), 1)
}

func round(f float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(f*p) / p
}

func (s *summary) headline() string {
	return fmt.Sprintf("ratio %.2f of the reference's items/s", s.Pipeline.Ratio)
}

// table is the result for people, in Markdown.
func (s *summary) table() string {
	l, g := s.Pipeline, s.Growth
	var b strings.Builder
	fmt.Fprintf(&b, "| | measured | promised | |\n|---|---|---|---|\n")
	line := func(what string, have float64, promise string, met bool) {
		fmt.Fprintf(&b, "| %s | %.2f | %s | %s |\n", what, have, promise, verdict(met))
	}
	line("items/s, of the reference's", l.Ratio, fmt.Sprintf("≥ %.1f", leastRatio), l.Ratio >= leastRatio)
	line("app CPU per item, of the reference's", l.CPURatio, fmt.Sprintf("≤ %.0f", mostCPURatio), l.CPURatio <= mostCPURatio)
	line("memory at its peak, MB", l.RSS, fmt.Sprintf("≤ %d", mostMegabytes), l.RSS <= mostMegabytes)
	line(fmt.Sprintf("Postgres CPU per item at %d orders, of that at %d", g.Orders, g.Fewer), g.Ratio, fmt.Sprintf("≤ %.1f", mostGrowth), g.Ratio <= mostGrowth)
	fmt.Fprintf(&b, "\n| | items/s | app CPU, s per million | Postgres CPU, s per million | memory, MB |\n|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| ours, %d orders | %.0f | %.1f | %.1f | %.0f |\n", l.Orders, l.Ours, l.OursCPU, l.OursPostgres, l.RSS)
	fmt.Fprintf(&b, "| reference, %d orders | %.0f | %.1f | %.1f | %.0f |\n", l.Orders, l.Reference, l.ReferenceCPU, l.ReferencePostgres, l.ReferenceRSS)
	fmt.Fprintf(&b, "| ours, %d orders | | | %.1f | |\n", g.Fewer, g.FewerPostgres)
	b.WriteString(convertTable(s.Convert))
	fmt.Fprintf(&b, "\nMedians of %d rounds, ratios of turns in the same round (memory: the highest). Other programs took up to %.0f %% of the machine. %s; %s; Postgres",
		l.Rounds, s.Others, s.Machine, s.Go)
	for _, name := range slices.Sorted(maps.Keys(s.Postgres)) {
		fmt.Fprintf(&b, " %s=%s", name, s.Postgres[name])
	}
	fmt.Fprintf(&b, ". Commit %s.\n", s.Commit)
	return b.String()
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "**not met**"
}

// The part of the documentation that a run writes.
const (
	documentation = "docs/performance.md"
	begin         = "<!-- written by make bench -->\n"
	end           = "<!-- end -->\n"
)

func document(s summary) error {
	text, err := os.ReadFile(documentation)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return errors.New(documentation + " has lost the marks between which the results go")
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(begin + s.table() + end)
	b.Write(after)
	return os.WriteFile(documentation, b.Bytes(), 0o644)
}

// commit names what was measured; a plus sign: with changes that are not committed.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty=+", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// machine is what we ran on.
func machine() string {
	model := runtime.GOARCH
	f, err := os.Open("/proc/cpuinfo")
	if err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, all programs on one machine", runtime.NumCPU(), model)
}

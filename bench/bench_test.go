package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/hostapi/sandbox"
	"extractor/internal/pgtest"
	"extractor/models"
)

// The comparison is fair only if both contestants make the same of an order.
func TestReferenceMakesTheSameItems(t *testing.T) {
	t.Parallel()
	const n = 200
	w, err := startWorld(t.Context(), stock{Sizes: []int{n}})
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]saleItem{}
	p := &pipeline{task: referenceTask{World: w, Shop: shopOf(n)}, client: newPageClient()}
	window := [2]time.Time{w.From, time.Now().Add(time.Minute).UTC()}
	page, err := p.page(t.Context(), window, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range page.Orders {
		if theirs[page.Orders[i].ID], err = page.Orders[i].item(); err != nil {
			t.Fatal(err)
		}
	}
	ours := ourItems(t, w, n, models.Window{From: window[0], To: window[1]})
	if len(ours) != n || len(theirs) != n {
		t.Fatalf("%d items of ours, %d of the reference", len(ours), len(theirs))
	}
	for _, item := range ours {
		s := item.Sale
		want := saleItem{
			id: item.Key, date: string(s.Date), description: s.Description, review: s.ReviewMessage,
			sales: int64(s.SalesAmount), tax: int64(s.SalesTax), shipping: int64(s.ShippingAmount), shippingTax: int64(s.ShippingTax),
		}
		have := theirs[item.Key]
		to := *have.shipTo
		have.shipTo = nil
		if have != want || to != (place{s.ShipTo.Line1, s.ShipTo.City, s.ShipTo.State, s.ShipTo.Zip}) {
			t.Errorf("the reference has %+v %+v, we have %+v %+v", have, to, want, s.ShipTo)
		}
	}
}

// ourItems is what the adapter and the policy make of the same orders.
func ourItems(t *testing.T, w *world, n int, window models.Window) (all []models.Item) {
	t.Helper()
	host, err := (&sandbox.Config{URL: w.Host, ClientID: "x", ClientSecret: "x"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	account := hostapi.Account{Client: authorised(t.Context(), w.Grants[shopOf(n)])}
	page, err := host.(hostapi.Puller).Pull(t.Context(), account, window, "")
	if err != nil || page.More {
		t.Fatalf("%v, more %v", err, page.More)
	}
	for _, r := range page.Records {
		items, err := host.Transform(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			if err := (models.Policy{}).Apply(&items[i]); err != nil || items[i].Skip != "" {
				t.Fatalf("%v, skipped %q", err, items[i].Skip)
			}
		}
		all = append(all, items...)
	}
	return all
}

func authorised(ctx context.Context, token string) *http.Client {
	return oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
}

func TestCents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"12.34": 1234, "0.05": 5, "-3.10": -310, "1000000.00": 100000000} {
		c := &cents{}
		if have := c.of(text); have != want || c.failed {
			t.Errorf("%s: %d, failed %v", text, have, c.failed)
		}
	}
	for _, text := range []string{"", "12", "12.3", "12.345", "1e2.00", "1.2.34"} {
		c := &cents{}
		if c.of(text); !c.failed {
			t.Errorf("%q passes", text)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	// The machine was twice as fast in the second round, for both.
	second := time.Second
	ours := []turn{{orders: 10, took: 2 * second}, {orders: 10, took: second}, {orders: 10, took: 2 * second}}
	reference := []turn{{orders: 10, took: second}, {orders: 10, took: second / 2}, {orders: 10, took: second}}
	if r := paired(ours, reference, turn.perSecond); r != 0.5 {
		t.Errorf("ratio %v", r)
	}
	if m := median(ours, turn.perSecond); m != 5 {
		t.Errorf("median %v", m)
	}
}

func TestTreeCPU(t *testing.T) {
	t.Parallel()
	before, err := treeCPU(os.Getpid())
	if err != nil {
		t.Skipf("only on Linux: %v", err)
	}
	for until := time.Now().Add(100 * time.Millisecond); time.Now().Before(until); {
		_ = strings.Repeat("x", 1000)
	}
	after, err := treeCPU(os.Getpid())
	if used := after - before; err != nil || used < 20*time.Millisecond || used > 10*time.Second {
		t.Errorf("used %v, %v", used, err)
	}
}

// Nobody waits for a worker that is not there any more.
func TestWorkerThatDies(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "exit 3")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	alive, ended := watch(t.Context(), cmd)
	select {
	case <-alive.Done():
	case <-time.After(time.Minute):
		t.Fatal("its end is not noticed")
	}
	if !errors.Is(context.Cause(alive), errEnded) {
		t.Error(context.Cause(alive))
	}
	if err := drain(cmd, ended); err == nil || cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("%v, %v", err, cmd.ProcessState)
	}
}

// A run replaces its own lines and leaves those of other jobs alone.
func TestResultsGoBetweenTheMarks(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("docs", 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(documentation, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	marked := func(name, text string) string {
		return "<!-- make bench: " + name + " -->\n" + text + "<!-- end -->\n"
	}
	write("before\n" + marked("goals", "| pipeline | old |\n| growth | kept |\n") + "amid\n" + marked("figures", "") + marked("machine", "") + "after\n")
	found := map[string]result{"pipeline": {Commit: "c0ffee", Rows: []row{atLeast("ratio", 0.749, 0.75, 2), atMost("memory", 121, 120, 0), figure("items", 7, 0)}}}
	if err := document(results{Machine: "a machine"}, found); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(documentation)
	have := string(text)
	if err != nil || !strings.HasPrefix(have, "before\n") || !strings.HasSuffix(have, "after\n") || strings.Contains(have, "old") {
		t.Errorf("%v: %s", err, have)
	}
	for _, want := range []string{"| pipeline | ratio | 0.75 | ≥ 0.75 | met | , c0ffee |", "| memory | 121 | ≤ 120 | **not met** |", "| growth | kept |", "| pipeline | items | 7 |", "a machine"} {
		if !strings.Contains(have, want) {
			t.Errorf("%q is not in\n%s", want, have)
		}
	}
	write("no marks")
	if err := document(results{}, nil); err == nil {
		t.Error("a file without marks is overwritten")
	}
}

func TestConversionIsRead(t *testing.T) {
	t.Parallel()
	const said = "BenchmarkSplitTransform \t     439\t    729841 ns/op\t 348.33 MB/s\t      5084 B/order\t     70220 orders/cpu-s\t         3.760 valid-ns/B\t  390546 B/op\n"
	if c, err := conversionOf(said); err != nil || c != (conversion{70220, 3.76}) {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := conversionOf("ok\n"); err == nil {
		t.Error("a benchmark that says nothing passes")
	}
	hosts, err := benchmarked("../hostapi")
	if err != nil || !slices.Contains(hosts, "sandbox") || slices.Contains(hosts, "hostapitest") {
		t.Errorf("%v, %v", hosts, err)
	}
}

// The median counts, not the best round.
func TestConversionIsTheMedian(t *testing.T) {
	t.Parallel()
	rows := convertRows([]string{"one"}, map[string][]conversion{"one": {{90_000, 3}, {50_000, 5}, {59_999, 4}}})
	if want := atLeast("one, orders per CPU second", 59_999, leastConverted, 0); rows[0] != want || rows[0].Met {
		t.Errorf("%+v", rows[0])
	}
	if len(rows) != 3 || rows[1].Value != 50_000 || rows[2].Value != 4 {
		t.Errorf("%+v", rows)
	}
}

// Rounds count by the machine's pace, whatever they gave; too few are no median.
func TestDisturbedRoundsDoNotCount(t *testing.T) {
	t.Parallel()
	all := map[string][]conversion{
		"calm": {{61_000, 3.3}, {58_000, 3.2}, {40_000, 3.0}, {90_000, 4.5}},
		"busy": {{61_000, 3.3}, {58_000, 4.2}, {40_000, 4.0}, {90_000, 4.5}},
	}
	rows := convertRows([]string{"calm", "busy"}, all)
	if rows[0].Value != 58_000 || rows[1].Value != 40_000 || rows[2].Value != 3.2 {
		t.Errorf("%+v", rows[:3])
	}
	if want := middle([]float64{61_000, 58_000, 40_000, 90_000}); rows[3].Value != want {
		t.Errorf("%+v, want %v", rows[3], want)
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	if p, err := parsePlan([]string{"-short", "-rounds", "5"}); err != nil || p.orders != shortOrders || p.rounds != 5 || !p.short {
		t.Errorf("%+v, %v", p, err)
	}
	p, err := parsePlan([]string{"-only", "growth"})
	if chosen := p.chosen(); err != nil || len(chosen) != 1 || chosen[0].name != "growth" {
		t.Errorf("%+v, %v", chosen, err)
	}
	named := func(p plan) bool { return slices.ContainsFunc(p.chosen(), func(j job) bool { return j.apart }) }
	if named(plan{}) || !named(plan{only: []string{"memory"}}) {
		t.Error("what is measured apart is measured when it is named, and only then")
	}
	for _, args := range [][]string{{"-rounds", "2"}, {"extra"}, {"-only", "pipeline,none"}} {
		if _, err := parsePlan(args); err == nil {
			t.Errorf("%v passes", args)
		}
	}
}

// A figure that explains others has no goal that it could miss.
func TestFiguresWithoutAGoalAreNotMissed(t *testing.T) {
	t.Parallel()
	if r := (result{Rows: []row{atLeast("ratio", 1, 0.75, 2), figure("items", 7, 0)}}); !r.met() {
		t.Error("what has no goal counts as missed")
	}
	if r := (result{Rows: []row{figure("items", 7, 0), atMost("memory", 121, 120, 0)}}); r.met() {
		t.Error("a goal that is missed counts as met")
	}
}

func TestLagCountsWhatWasNotDone(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	now := time.Now().Truncate(time.Second)
	c := crowd{size: 100, from: now.Add(-50 * time.Second), over: 30 * time.Second, since: now, token: func(int) string { return "any" }}
	if err := c.make(t.Context(), store.Pool); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Pool.Exec(t.Context(), `UPDATE connections c SET last_sync_at = b.due_at + interval '2 seconds' FROM bench_due b
		WHERE b.connection_id = c.id AND c.id % 100 <> 0`); err != nil {
		t.Fatal(err)
	}
	l, err := lagOf(t.Context(), store.Pool, c.from, now)
	if err != nil || l.due != 100 || l.done != 99 || l.most < 20 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := lagOf(t.Context(), store.Pool, now, now.Add(time.Minute)); err == nil {
		t.Error("nothing that was due passes for something")
	}
}

package extractor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"extractor/models"
)

const (
	// gaugesAge is how long the same figures are given to whoever asks:
	// collectors ask every 15 s or less often, and there may be several.
	gaugesAge = 10 * time.Second
	// gaugesTime ends a look that hangs; then the database counts as away.
	gaugesTime = 5 * time.Second
)

// gauges tell what the tables hold. All processes tell the same.
type gauges struct {
	store *models.Store
	age   time.Duration

	mu     sync.Mutex
	looked time.Time
	load   *models.Load // nil: the database cannot be used
}

var _ prometheus.Collector = (*gauges)(nil)

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("extractor_"+name, help, labels, nil)
}

// What each is, and in which unit. Times are seconds; counts of lanes and items end at 100,000.
var (
	databaseUp     = described("database_up", "1: our database can be used; 0: it cannot, and the other figures of the tables are missing.")
	workersAlive   = described("workers_alive", "Processes that work on lanes and were heard of lately.")
	lanesDue       = described("lanes_due", "Lanes that wait for a worker, by kind, 100000 at most.", "lane")
	lanesOldest    = described("lanes_oldest_due_seconds", "How long the oldest lane of a kind has been waiting for a worker.", "lane")
	itemsPending   = described("items_pending", "Items that are not delivered yet, 100000 at most.")
	itemsBad       = described("items_bad", "Records and items that are set aside and not settled, 100000 at most.")
	connections    = described("connections", "Connections by state: active, and of these: troubled, throttled, failing; paused at the host or at the target.", "state")
	serviceStopped = described("service_stopped", "1 for the reason why nothing is synchronised: switched off, token refused, target silent.", "reason")
	targetFailing  = described("target_failing_seconds", "How long the target has been failing; 0: it answers.")
	lastDelivery   = described("last_delivery_timestamp_seconds", "When the target took or answered a delivery last, to the minute. Absent: never.")
)

// Describe implements prometheus.Collector.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, workersAlive, lanesDue, lanesOldest, itemsPending, itemsBad, connections, serviceStopped, targetFailing, lastDelivery} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	l := g.look()
	if l == nil {
		tell(databaseUp, 0)
		return
	}
	tell(databaseUp, 1)
	tellWork(tell, l)
	tellState(tell, l)
}

type teller func(d *prometheus.Desc, v float64, labels ...string)

func tellWork(tell teller, l *models.Load) {
	tell(workersAlive, float64(l.Crew.Alive))
	for _, lane := range l.Lanes {
		tell(lanesDue, float64(lane.Due), string(lane.Kind))
		tell(lanesOldest, lane.Oldest.Seconds(), string(lane.Kind))
	}
	tell(itemsPending, float64(l.Pending))
	tell(itemsBad, float64(l.Bad))
	if l.LastDelivered != nil {
		tell(lastDelivery, float64(l.LastDelivered.Unix()))
	}
}

func tellState(tell teller, l *models.Load) {
	for state, n := range map[string]int64{
		"active": l.Active, "troubled": l.Troubled, "throttled": l.Throttled, "failing": l.Failing,
		"paused at host": l.PausedHost, "paused at target": l.PausedTarget,
	} {
		tell(connections, float64(n), state)
	}
	for reason, is := range map[string]bool{
		"switched off": !l.Service.Enabled, models.PauseTokenRefused: l.Service.Pause == models.PauseTokenRefused,
		models.PauseTargetSilent: l.Service.Pause == models.PauseTargetSilent,
	} {
		tell(serviceStopped, map[bool]float64{true: 1}[is], reason)
	}
	failing := 0.0
	if since := l.Service.TargetFailingSince; since != nil {
		failing = l.Now.Sub(*since).Seconds()
	}
	tell(targetFailing, failing)
}

// look reads the tables, or gives what was read a moment ago.
func (g *gauges) look() *models.Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.looked.IsZero() && time.Since(g.looked) < g.age {
		return g.load
	}
	ctx, cancel := context.WithTimeout(context.Background(), gaugesTime)
	defer cancel()
	load, err := g.store.Load(ctx)
	if err != nil {
		slog.Error("figures not read", "error", err)
		load = nil
	}
	g.load, g.looked = load, time.Now()
	return load
}

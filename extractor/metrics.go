package extractor

import (
	"github.com/prometheus/client_golang/prometheus"

	"extractor/models"
)

// meter counts what the engine does. Its labels are few and fixed; none names a merchant.
type meter struct {
	pages, records, deliveries, items, failures *prometheus.CounterVec
}

func newMeter() *meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "extractor", Name: name, Help: help}, labels)
	}
	return &meter{
		pages:      counter("pages_total", "Pages read from hosts and committed.", "host"),
		records:    counter("records_total", "Records read from hosts, by what they were to the ledger.", "host", "outcome"),
		deliveries: counter("deliveries_total", "Requests to the target, by the kind of answer.", "answer"),
		items:      counter("delivered_items_total", "Items in requests to the target, by the kind of answer.", "answer"),
		failures:   counter("lane_failures_total", "Lanes that stopped at an error, by lane and kind.", "lane", "kind"),
	}
}

// Collectors are the engine's metrics, to be registered once.
func (e *Engine) Collectors() []prometheus.Collector {
	m := e.meter
	return []prometheus.Collector{m.pages, m.records, m.deliveries, m.items, m.failures, &gauges{store: e.Store, age: gaugesAge}}
}

func (m *meter) page(host string, c counts) {
	m.records.WithLabelValues(host, "new").Add(float64(c.New))
	m.records.WithLabelValues(host, "changed").Add(float64(c.Changed))
	m.records.WithLabelValues(host, "unchanged").Add(float64(c.Unchanged))
	m.records.WithLabelValues(host, "bad").Add(float64(c.Bad))
}

func (m *meter) delivery(items int, err error) {
	answer := "taken"
	if err != nil {
		answer = string(models.KindOf(err))
	}
	m.deliveries.WithLabelValues(answer).Inc()
	m.items.WithLabelValues(answer).Add(float64(items))
}

func (m *meter) failure(lane models.LaneKind, kind models.Kind) {
	m.failures.WithLabelValues(string(lane), string(kind)).Inc()
}

package extractor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func TestGaugesTellWhatTheTablesHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	w.offer(3)
	w.pull()
	w.connect("c-2", "2020-01-01")
	w.connect("c-3", "2020-01-01")
	w.exec(`UPDATE lanes SET due_at = now() + interval '1 hour'`)
	w.exec(`UPDATE lanes SET due_at = now() - interval '90.5 seconds', failures = 4 WHERE kind = 'delivery' AND connection_id = $1`, w.conn)
	w.exec(`UPDATE connections SET pause = 'unauthorised', authorized = false WHERE external_id = 'c-2'`)
	w.exec(`UPDATE connections SET trouble_since = now() WHERE external_id = 'c-3'`)
	w.exec(`INSERT INTO bad_items (connection_id, stage, kind, key, record, message, friendly_message) VALUES ($1, 'target', 'sale', 'x', 'x', 'm', 'f')`, w.conn)
	w.exec(`INSERT INTO workers (id) VALUES (gen_random_uuid())`)
	w.exec(`UPDATE service SET pause = 'target silent', target_failing_since = now() - interval '1 hour', target_ok_at = '2026-01-02 03:04:05+00'`)
	g := &gauges{store: w.Store}
	text := exposed(t, g)
	for _, line := range []string{
		"extractor_database_up 1", "extractor_workers_alive 1", `extractor_lanes_due{lane="delivery"} 1`, `extractor_lanes_due{lane="incremental"} 0`,
		`extractor_lanes_oldest_due_seconds{lane="delivery"} 9`, `extractor_lanes_oldest_due_seconds{lane="backfill"} 0`,
		"extractor_items_pending 3", "extractor_items_bad 1",
		`extractor_connections{state="active"} 2`, `extractor_connections{state="troubled"} 1`, `extractor_connections{state="paused at host"} 1`,
		`extractor_connections{state="paused at target"} 0`, `extractor_service_stopped{reason="target silent"} 1`, `extractor_service_stopped{reason="switched off"} 0`,
		"extractor_target_failing_seconds 36", "extractor_last_delivery_timestamp_seconds 1.767323045e+09",
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
	w.exec(`ALTER TABLE lanes RENAME TO gone`)
	if text := exposed(t, g); !strings.Contains(text, "extractor_database_up 0") || strings.Contains(text, "workers_alive 1") {
		t.Errorf("without a database:\n%s", text)
	}
}

func TestGaugesAreReadOnceInAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "2020-01-01")
	g := &gauges{store: w.Store, age: gaugesAge}
	first := exposed(t, g)
	w.exec(`INSERT INTO workers (id) VALUES (gen_random_uuid())`)
	if again := exposed(t, g); again != first {
		t.Errorf("read again:\n%s", again)
	}
}

// exposed is what a collector tells, a figure a line.
func exposed(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatal(answer.Body)
	}
	return answer.Body.String()
}

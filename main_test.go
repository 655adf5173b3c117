package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/sandbox"
)

func TestStoryFromConnectionToTrustFile(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.host("/control/orders", map[string]any{"account": "shop-1", "count": 300, "from": days(5), "seed": 7,
		"mix": map[string]int{"refunded": 5, "partly": 5, "cancelled": 5, "test": 3, "pending": 3, "digital": 3, "pickup": 5}})
	s.connect("demo", "shop-1", days(40))
	s.eventually(20*time.Second, func() string { return s.settled("shop-1", "demo") })
	if n := s.repeats("demo"); n > 0 {
		t.Errorf("%d items were sent again without need", n)
	}

	orders := s.world.Host.Truth("shop-1")
	var plain []string
	for _, o := range orders {
		if o.Status == "paid" && len(o.Expected) == 1 {
			plain = append(plain, o.ID)
		}
	}
	s.host("/control/orders/"+plain[0]+"/refund", map[string]any{})
	s.host("/control/orders/"+plain[1]+"/refund", map[string]any{"amount": "1.00"})
	s.host("/control/orders/"+plain[1]+"/refund", map[string]any{"amount": "0.50"})
	s.host("/control/orders/"+plain[2]+"/cancel", map[string]any{})
	s.host("/control/orders/"+plain[3]+"/edit", map[string]any{})
	s.eventually(20*time.Second, func() string { return s.settled("shop-1", "demo") })

	var detail struct {
		Enabled, Authorized  bool
		HostSystemIdentifier string
		LastSyncAt           string
		StatusMessage        string
	}
	s.must(http.MethodGet, "/connections/demo", nil, &detail)
	if !detail.Enabled || !detail.Authorized || detail.HostSystemIdentifier != "account shop-1" || !strings.HasSuffix(detail.LastSyncAt, "+00:00") {
		t.Errorf("detail: %+v", detail)
	}
	var told struct{ Activities []struct{ Action string } }
	s.must(http.MethodGet, "/connections/demo/activities", nil, &told)
	all := fmt.Sprint(told.Activities)
	for _, words := range []string{"created the connection", "requested sales", "to TrustFile"} {
		if !strings.Contains(all, words) {
			t.Errorf("no activity says %q: %s", words, all)
		}
	}
}

// kept are the variables that the tests take over from whoever runs them.
var kept = []string{"PATH", "HOME", "TMPDIR", "TEST_DATABASE_URL", "GOCACHE", "GOPATH", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN", "CI"}

// TestMain runs the tests with few variables of the environment, or works as a
// worker process for one of them.
func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Exit(workAsProcess())
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !slices.Contains(kept, name) {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"extractor/sandbox"
)

// orders makes plain orders of the last days.
func (s *stage) orders(shop string, count int) {
	s.t.Helper()
	s.host("/control/orders", map[string]any{"account": shop, "count": count, "from": days(5), "seed": count, "touched": "now"})
}

// failures are the messages of GET /errors of one list.
func (s *stage) failures(list string) string {
	s.t.Helper()
	var all struct {
		Errors map[string][]struct{ Type, Timestamp, Message string }
	}
	s.must(http.MethodGet, "/errors", nil, &all)
	return fmt.Sprint(all.Errors[list])
}

func TestHostFaultsLoseAndRepeatNothing(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	for i, fault := range []map[string]any{
		{"kind": "429", "count": 2, "retryAfter": "1"},
		{"kind": "500", "count": 2},
		{"kind": "torn", "count": 2},
		{"kind": "cut", "count": 1},
		{"kind": "html", "count": 1},
		{"kind": "slow", "count": 2, "delayMs": 300},
		{"kind": "repeat", "count": 2},
		{"kind": "empty", "count": 1},
		{"kind": "late", "delayMs": 700},
		{"kind": "expired"},
	} {
		if i == 0 {
			s.connect("c", "shop-1", days(40))
		}
		s.host("/control/faults", fault)
		s.orders("shop-1", 301+i) // a page and a bit
		s.eventually(30*time.Second, func() string {
			if wrong := s.settled("shop-1", "c"); wrong != "" {
				return fmt.Sprint(fault["kind"], ": ", wrong)
			}
			return ""
		})
		s.host("/control/faults", map[string]any{})
	}
	if n := s.repeats("c"); n > 0 {
		t.Errorf("%d items were sent again without need", n)
	}
	for _, words := range []string{"slow down", "try again by ourselves"} {
		if all := s.failures("integration"); !strings.Contains(all, words) {
			t.Errorf("no failure says %q: %s", words, all)
		}
	}
}

func TestRevokedAccessStopsTheConnectionUntilItIsAuthorisedAgain(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.connect("c", "shop-1", days(40))
	s.host("/control/faults", map[string]any{"kind": "revoked", "account": "shop-1"})
	var c struct {
		Enabled, Authorized bool
		StatusMessage       string
	}
	s.eventually(30*time.Second, func() string {
		s.must(http.MethodGet, "/connections/c", nil, &c)
		if c.Enabled || c.Authorized || !strings.Contains(c.StatusMessage, "eauthorise") {
			return fmt.Sprint(c)
		}
		return ""
	})
	if all := s.failures("connection"); !strings.Contains(all, "no longer lets us in") {
		t.Error(all)
	}
	s.orders("shop-1", 20)
	s.authorise("c", "shop-1")
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
}

func TestTargetFaultsLoseAndRepeatNothing(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.connect("c", "shop-1", days(40))
	for i, fault := range []map[string]any{
		{"kind": "500", "count": 2},
		{"kind": "429", "count": 1, "retryAfter": "1"},
		{"kind": "timeout", "count": 1, "delayMs": 50},
		{"kind": "late", "count": 1, "delayMs": 300},
		{"kind": "slow", "count": 1, "delayMs": 300},
		{"kind": "partial", "count": 1},
		{"kind": "413", "count": 2, "limit": 100},
		{"kind": "html", "count": 1},
		{"kind": "400", "count": 1, "dataPath": ".items"},
		{"kind": "401", "count": 1},
	} {
		s.trustFile("/control/faults", fault)
		s.orders("shop-1", 30+i)
		s.eventually(30*time.Second, func() string {
			if wrong := s.settled("shop-1", "c"); wrong != "" {
				return fmt.Sprint(fault["kind"], ": ", wrong, "; failures: ", s.failures("integration"), s.failures("system"))
			}
			return ""
		})
		s.trustFile("/control/faults", map[string]any{})
	}
	s.eventually(30*time.Second, func() string { // all that was unclear is read back
		var n int
		err := s.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM entries WHERE verify_after IS NOT NULL OR state = 'pending'`).Scan(&n)
		if n > 0 || err != nil {
			return fmt.Sprint(n, " entries are not settled ", err)
		}
		return ""
	})
	for _, stats := range s.world.TrustFile.Stats() {
		if stats.MaxInFlight > 1 {
			t.Errorf("%d requests of a connection at once", stats.MaxInFlight)
		}
	}
}

func TestItemsThatTrustFileRefusesAreListedAndCanBeSentAgain(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-1", 50)
	bad := s.world.Host.Truth("shop-1")[20].ID
	s.trustFile("/control/faults", map[string]any{"kind": "400", "items": []string{bad}, "dataPath": ".salesTax"})
	s.connect("c", "shop-1", days(40))
	var list struct {
		Errors []struct {
			ConnectionID, Message, FriendlyMessage string
			BadItems                               []struct{ ItemID string }
		}
	}
	s.eventually(30*time.Second, func() string {
		s.must(http.MethodGet, "/baditems", nil, &list)
		if len(list.Errors) != 1 || len(list.Errors[0].BadItems) != 1 || list.Errors[0].BadItems[0].ItemID != bad {
			return fmt.Sprint(list)
		}
		if n := len(s.world.TrustFile.Items("c")); n != 49 {
			return fmt.Sprint(n, " items are there")
		}
		return ""
	})
	s.trustFile("/control/faults", map[string]any{})
	s.must(http.MethodPost, "/connections/c/baditems/retry", nil, nil)
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
	s.must(http.MethodGet, "/baditems", nil, &list)
	if len(list.Errors) != 0 {
		t.Errorf("still listed: %v", list)
	}
}

func TestUnknownConnectionAtTrustFileIsDisabledAndResumes(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-1", 10)
	s.trustFile("/control/faults", map[string]any{"kind": "404", "connectionId": "c"})
	s.connect("c", "shop-1", days(40))
	var c struct{ Enabled, Authorized bool }
	s.eventually(30*time.Second, func() string {
		if s.must(http.MethodGet, "/connections/c", nil, &c); c.Enabled || !c.Authorized {
			return fmt.Sprint(c)
		}
		return ""
	})
	s.trustFile("/control/faults", map[string]any{})
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
}

func TestTwoRefusalsOfOurTokenPauseTheConnectorAndItResumes(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-1", 10)
	s.trustFile("/control/faults", map[string]any{"kind": "401"})
	s.connect("c", "shop-1", days(40))
	var connector struct{ Enabled bool }
	s.eventually(30*time.Second, func() string {
		if s.must(http.MethodGet, "/connector", nil, &connector); connector.Enabled {
			return "the connector is still on"
		}
		return ""
	})
	s.trustFile("/control/faults", map[string]any{})
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
	if s.must(http.MethodGet, "/connector", nil, &connector); !connector.Enabled {
		t.Error("the connector did not come back")
	}
}

func TestSwitchedOffConnectorWaits(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.connect("c", "shop-1", days(40))
	s.must(http.MethodPut, "/connector", map[string]bool{"enabled": false}, nil)
	s.orders("shop-1", 10)
	time.Sleep(1500 * time.Millisecond) // longer than the interval between two looks
	if n := len(s.world.TrustFile.Items("c")); n != 0 {
		t.Errorf("%d items were sent while it was off", n)
	}
	s.must(http.MethodPut, "/connector", map[string]bool{"enabled": true}, nil)
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
}

func TestNoRequestStartsAfterDeleteOrDisable(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-1", 3000)
	s.trustFile("/control/faults", map[string]any{"kind": "slow", "delayMs": 400})
	for _, stop := range []func(id string){
		func(id string) { s.must(http.MethodDelete, "/connections/"+id, nil, nil) },
		func(id string) { s.must(http.MethodPut, "/connections/"+id, map[string]bool{"enabled": false}, nil) },
	} {
		id := fmt.Sprint("c", time.Now().UnixNano())
		s.connect(id, "shop-1", days(40))
		s.eventually(30*time.Second, func() string {
			if len(s.world.TrustFile.Requests(id)) == 0 {
				return "no delivery yet"
			}
			return ""
		})
		stop(id)
		answered := len(s.world.TrustFile.Requests(id))
		time.Sleep(time.Second)
		if later := len(s.world.TrustFile.Requests(id)); later > answered {
			t.Errorf("%d requests started after the answer", later-answered)
		}
		if n := len(s.world.TrustFile.Items(id)); n == 3000 {
			t.Error("all was delivered before the stop: the test shows nothing")
		}
	}
}

func TestRenameCarriesEverythingOn(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-1", 20)
	s.connect("old", "shop-1", days(40))
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "old") })
	s.must(http.MethodPut, "/connections/old", map[string]string{"connectionId": "new"}, nil)
	first := s.world.Host.Truth("shop-1")[0].ID
	s.host("/control/orders/"+first+"/refund", map[string]any{})
	s.eventually(30*time.Second, func() string {
		if n := len(s.world.TrustFile.Items("new")); n != 1 {
			return fmt.Sprint(n, " items under the new id")
		}
		return ""
	})
	if status := s.call(http.MethodGet, "/connections/old", nil, nil); status != http.StatusNotFound {
		t.Errorf("the old id answers %d", status)
	}
}

func TestOrderThatPagingDropsShowsAsAGapAndArrives(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.host("/control/orders", map[string]any{"account": "shop-1", "count": 40, "from": days(4), "to": days(2), "seed": 3})
	dropped := s.world.Host.Truth("shop-1")[11]
	s.host("/control/faults", map[string]any{"kind": "dropped", "orders": []string{dropped.ID}})
	s.connect("c", "shop-1", days(40))
	s.eventually(30*time.Second, func() string {
		if n := len(s.world.TrustFile.Items("c")); n != 39 {
			return fmt.Sprint(n, " items are there")
		}
		return ""
	})
	// Night falls.
	if _, err := s.store.Pool.Exec(t.Context(), `UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`); err != nil {
		t.Fatal(err)
	}
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
	s.eventually(30*time.Second, func() string {
		var body map[string]any
		s.must(http.MethodGet, "/connections/c/completeness", nil, &body)
		if !strings.Contains(fmt.Sprint(body), "missing:1") {
			return fmt.Sprint("no gap shown: ", body)
		}
		return ""
	})
}

func TestInstallSignsUpOneCompanyAndStartsWithThePut(t *testing.T) {
	s := newStage(t, sandbox.Config{})
	s.orders("shop-2", 15)
	for range 2 { // beginning again makes neither a second company nor a second connection
		b := newBrowser(t)
		res, page := b.visit(s.url + "/install/sandbox")
		_, page = b.submit(res, page, map[string][]string{"account": {"shop-2"}, "decision": {"allow"}})
		if !strings.Contains(page, "<h1>") {
			t.Fatalf("no page: %s", page)
		}
	}
	var id string
	s.eventually(30*time.Second, func() string {
		var list struct{ Connections []string }
		if s.must(http.MethodGet, "/connections?enabled=false", nil, &list); len(list.Connections) != 1 {
			return fmt.Sprint(list)
		}
		id = list.Connections[0]
		return ""
	})
	s.must(http.MethodPut, "/connections/"+id, map[string]any{"enabled": true, "startDate": days(40)}, nil)
	s.eventually(30*time.Second, func() string { return s.settled("shop-2", id) })
	var n int
	if err := s.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM connections`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d connections, %v", n, err)
	}
}

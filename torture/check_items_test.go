package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"extractor/sandbox"
)

// TestWhatADeletedConnectionSentIsAtTheTarget judges a connection that was
// deleted and created anew under its id, and sent nothing since.
func TestWhatADeletedConnectionSentIsAtTheTarget(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]sandbox.Expected)
		want   []string
	}{
		{"all of it is there", func([]sandbox.Expected) {}, nil},
		{"one amount is old", func(e []sandbox.Expected) { e[1].SalesAmount++ }, []string{"I1", "I10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := sandbox.Start(t.Context(), sandbox.Config{Token: targetToken})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := world.Host.MakeOrders("shop-1", 3, time.Time{}, 1); err != nil {
				t.Fatal(err)
			}
			sent := expected(world.Host, "shop-1")
			c.change(sent)
			send(t, world, "shop-1-1", sent)
			ends := time.Now()
			l := &life{account: "shop-1", begin: ends.Add(time.Millisecond), names: []span{{name: "shop-1-1", from: ends}}}
			m := &merchant{account: "shop-1", lives: []*life{l}}
			checker := newChecker(&stage{world: world, merchants: []*merchant{m}, seen: newSeen()})
			checker.final(m)
			if len(checker.violations) != len(c.want) {
				t.Fatalf("violations %q, want %q", checker.violations, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(checker.violations[i], want+":") {
					t.Errorf("violation %q, want %s", checker.violations[i], want)
				}
			}
		})
	}
}

// expected is what the target should have of an account.
func expected(host *sandbox.Host, account string) (all []sandbox.Expected) {
	for _, order := range host.Truth(account) {
		all = append(all, order.Expected...)
	}
	return all
}

// send gives items to the target.
func send(t *testing.T, world *sandbox.World, connection string, items []sandbox.Expected) {
	t.Helper()
	type address struct {
		State string `json:"state"`
		Zip   string `json:"zip"`
	}
	type item struct {
		sandbox.Expected
		ShipTo address `json:"shipToAddress"`
	}
	var all []item
	for _, e := range items {
		e.ReviewRequired = false
		all = append(all, item{e, address{e.State, e.Zip}})
	}
	body, err := json.Marshal(map[string]any{"items": all})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/connections/%s/items", world.ItemsURL(), connection), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+world.Token())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %s, %v", resp.Status, err)
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"extractor/sandbox"
)

const (
	span      = 90 * 24 * time.Hour // the orders' past
	zone      = "America/New_York"
	orderSeed = 7             // the same orders in every run
	tokenLife = 6 * time.Hour // nobody refreshes tokens in a turn
)

// world is where the simulators listen, as the simulator process tells it.
type world struct {
	Host      string            `json:"host"`
	TrustFile string            `json:"trustFile"`
	Items     string            `json:"items"`
	App       string            `json:"app"`
	Token     string            `json:"token"`  // for TrustFile
	Grants    map[string]string `json:"grants"` // access tokens by shop
	From      time.Time         `json:"from"`   // no order is older
	To        time.Time         `json:"to"`     // none is newer
	pid       int               // of the simulators
}

// shopOf is the shop with so many orders.
func shopOf(orders int) string { return fmt.Sprintf("shop-%d", orders) }

// simulate is the simulator process: it reads a list of shop sizes, prints a
// world, and serves it until its standard input ends.
func simulate(ctx context.Context) error {
	var sizes []int
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&sizes); err != nil {
		return err
	}
	w, err := startWorld(ctx, sizes)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(w); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
	return err
}

func startWorld(ctx context.Context, sizes []int) (*world, error) {
	var shops []sandbox.Shop
	for _, n := range sizes {
		shops = append(shops, sandbox.Shop{ID: shopOf(n), Name: shopOf(n), Zone: zone, Email: "bench@shop.example", Country: "US"})
	}
	s, err := sandbox.Start(ctx, sandbox.Config{Shops: shops, CountOnly: true, TokenLife: tokenLife})
	if err != nil {
		return nil, err
	}
	w := &world{Host: s.HostURL(), TrustFile: s.TrustFileURL(), Items: s.ItemsURL(), App: s.AppURL(), Token: s.Token(),
		Grants: map[string]string{}, From: time.Now().Add(-span).UTC()}
	for _, n := range sizes {
		if _, err := s.Host.MakeOrders(shopOf(n), n, w.From, orderSeed); err != nil {
			return nil, err
		}
		granted, err := s.Host.Grant(shopOf(n))
		if err != nil {
			return nil, err
		}
		w.Grants[shopOf(n)] = granted.AccessToken
	}
	w.To = time.Now().UTC()
	return w, nil
}

// taken is what TrustFile was given since it was reset.
type taken struct {
	Items    int `json:"items"`    // different ones
	Received int `json:"received"` // repeats included
	Requests int `json:"requests"`
}

func (w *world) taken(ctx context.Context) (t taken, err error) {
	return t, w.control(ctx, http.MethodGet, "/control/stats", &t)
}

func (w *world) reset(ctx context.Context) error {
	return w.control(ctx, http.MethodPost, "/control/reset", nil)
}

func (w *world) control(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, w.TrustFile+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(path + ": " + res.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

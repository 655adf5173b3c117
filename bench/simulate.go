package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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
	Quiet     string            `json:"quiet"`  // a host like Host that never has news and knows everybody; see slowPath
	From      time.Time         `json:"from"`   // no order is older
	To        time.Time         `json:"to"`     // none is newer
	pid       int               // of the simulators
}

// shopOf is the shop with so many orders.
func shopOf(orders int) string { return fmt.Sprintf("shop-%d", orders) }

// stock is what the host has.
type stock struct {
	Sizes []int // a shop with so many orders
	Small int   // so many shops with one order, made just now
}

// smallShop is the nth of the small ones, from 1 on.
func smallShop(n int) string { return fmt.Sprintf("small-%d", n) }

// simulate is the simulator process: it reads what the host has in stock, prints
// a world, and serves it until its standard input ends.
func simulate(ctx context.Context) error {
	var has stock
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&has); err != nil {
		return err
	}
	w, err := startWorld(ctx, has)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(w); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
	return err
}

func startWorld(ctx context.Context, has stock) (*world, error) {
	var shops []sandbox.Shop
	for _, id := range has.shops() {
		shops = append(shops, sandbox.Shop{ID: id, Name: id, Zone: zone, Email: "bench@shop.example", Country: "US"})
	}
	s, err := sandbox.Start(ctx, sandbox.Config{Shops: shops, CountOnly: true, TokenLife: tokenLife})
	if err != nil {
		return nil, err
	}
	w := &world{Host: s.HostURL(), TrustFile: s.TrustFileURL(), Items: s.ItemsURL(), App: s.AppURL(), Token: s.Token(),
		Grants: map[string]string{}, From: time.Now().Add(-span).UTC()}
	if err := w.stock(s, has); err != nil {
		return nil, err
	}
	w.To = time.Now().UTC()
	w.Quiet, err = serveQuiet(ctx)
	return w, err
}

// shops are the names of the host's shops.
func (has stock) shops() (ids []string) {
	for _, n := range has.Sizes {
		ids = append(ids, shopOf(n))
	}
	for n := range has.Small {
		ids = append(ids, smallShop(n+1))
	}
	return ids
}

// stock makes the orders, and lets us in.
func (w *world) stock(s *sandbox.World, has stock) error {
	for _, n := range has.Sizes {
		if _, err := s.Host.MakeOrders(shopOf(n), n, w.From, orderSeed); err != nil {
			return err
		}
	}
	for n := range has.Small {
		if _, err := s.Host.MakeOrders(smallShop(n+1), 1, time.Time{}, orderSeed); err != nil {
			return err
		}
	}
	for _, id := range has.shops() {
		granted, err := s.Host.Grant(id)
		if err != nil {
			return err
		}
		w.Grants[id] = granted.AccessToken
	}
	return nil
}

// slowPath goes behind the quiet host's address, for one that takes hostTakes.
const slowPath = "/slow"

// serveQuiet serves a host that is cheap to ask and never has news.
func serveQuiet(ctx context.Context) (address string, err error) {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	nothing := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"orders":[],"next":null}`) // whoever asked is gone
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/orders", nothing)
	mux.HandleFunc("GET "+slowPath+"/api/orders", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(hostTakes)
		nothing(w, r)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(socket) }() // until the process ends
	return "http://" + socket.Addr().String(), nil
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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"extractor/extractor"
	"extractor/internal/pgtest"
	"extractor/internal/process"
	"extractor/models"
	"extractor/sandbox"
)

// stage is the whole service between a sandbox host and a sandbox TrustFile, in
// this process, on a database of its own.
type stage struct {
	t     *testing.T
	world *sandbox.World
	url   string // of the API
	db    string
	store *models.Store
	env   map[string]string
	stop  func() // ends the service and waits for it

	service *service
	timing  extractor.Timing // zero: swift
	opened  time.Time
	passed  time.Duration // by pass
}

// swift shortens the engine's timers, so that what takes minutes in life takes
// moments here.
var swift = extractor.Timing{
	Sweep: 20 * time.Millisecond, Care: 200 * time.Millisecond, Quiet: 500 * time.Millisecond, Doubt: 200 * time.Millisecond,
	Probe: 100 * time.Millisecond, First: 20 * time.Millisecond, Resend: 50 * time.Millisecond,
}

func newStage(t *testing.T, c sandbox.Config) *stage {
	t.Helper()
	s := &stage{t: t, db: pgtest.URL(t)}
	s.raise(c)
	s.open()
	return s
}

// raise starts the sandbox and sets the variables that lead to it.
func (s *stage) raise(c sandbox.Config) {
	s.t.Helper()
	world, err := sandbox.Start(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = world.Close() })
	s.world = world
	port := freePort(s.t)
	s.url = "http://localhost:" + port
	s.env = map[string]string{
		"DATABASE_URL": s.db, "PORT": port, "PUBLIC_URL": s.url, "AVALARA_TO_EXTRACTOR_TOKEN": sandboxToken, "ENCRYPTION_KEYS": pgtest.Keys,
		"REDIRECT_ALLOWLIST": world.SuccessURL(), "DEFAULT_HOST": "sandbox", "SYNC_INTERVAL": "1s", "LOG_LEVEL": "warn",
		"EXTRACTOR_TO_AVALARA_TOKEN": world.Token(), "TRUSTFILE_ITEMS_URL": world.ItemsURL(), "TRUSTFILE_APP_URL": world.AppURL(),
		"SANDBOX_URL": world.HostURL(), "SANDBOX_CLIENT_ID": world.ClientID(), "SANDBOX_CLIENT_SECRET": world.ClientSecret(),
	}
	for name, value := range s.env {
		s.t.Setenv(name, value)
	}
}

// open starts the service in this process.
func (s *stage) open() {
	s.t.Helper()
	var c Config
	if err := load(&c.Web, &c.Database, &c.Keys, &c.Engine); err != nil {
		s.t.Fatal(err)
	}
	if s.timing == (extractor.Timing{}) {
		s.timing = swift
	}
	v, err := open(s.t.Context(), &c, s.timing)
	if err != nil {
		s.t.Fatal(err)
	}
	listener, err := process.Listen(s.t.Context(), "127.0.0.1", int(c.Web.Port))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.run(ctx, listener, c.Engine.Workers) }()
	s.service, s.store, s.opened = v, v.store, time.Now()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		v.close()
	}
	s.t.Cleanup(func() { s.stop() })
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := process.Listen(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	return port
}

// call calls the API with the bearer and decodes a JSON answer.
func (s *stage) call(method, path string, in, out any) int {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sandboxToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return res.StatusCode
}

// must calls the API and expects 200.
func (s *stage) must(method, path string, in, out any) {
	s.t.Helper()
	if status := s.call(method, path, in, out); status != http.StatusOK {
		s.t.Fatalf("%s %s: status %d", method, path, status)
	}
}

// control posts to a control API of the sandbox.
func (s *stage) control(base, path string, in any) {
	s.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.Post(base+path, "application/json", bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		s.t.Fatalf("%s: status %d: %s", path, res.StatusCode, b)
	}
}

func (s *stage) host(path string, in any) { s.t.Helper(); s.control(s.world.HostURL(), path, in) }
func (s *stage) trustFile(path string, in any) {
	s.t.Helper()
	s.control(s.world.TrustFileURL(), path, in)
}

// connect makes a connection and goes through its popup.
func (s *stage) connect(id, shop, start string) {
	s.t.Helper()
	s.must(http.MethodPost, "/connections", map[string]string{"connectionId": id, "startDate": start}, nil)
	s.authorise(id, shop)
}

// eventually waits until what is "" and fails with it after a while.
func (s *stage) eventually(within time.Duration, what func() string) {
	s.t.Helper()
	until := time.Now().Add(within)
	for {
		wrong := what()
		if wrong == "" {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("after %s: %s", within, wrong)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// settled says what still differs between what a shop's orders mean, as the
// shop tells it, and what TrustFile holds for a connection; "" = nothing.
func (s *stage) settled(shop, connection string) string {
	want := map[string]sandbox.Expected{}
	for _, order := range s.world.Host.Truth(shop) {
		for _, e := range order.Expected {
			want[itemName(e.ItemID, e.Refund)] = e
		}
	}
	have := s.world.TrustFile.Items(connection)
	for _, h := range have {
		name, last := itemName(h.ItemID, h.Refund), h.Versions[len(h.Versions)-1]
		e, wanted := want[name]
		delete(want, name)
		switch got := [4]models.Amount{last.SalesAmount, last.SalesTax, last.ShippingAmount, last.ShippingTax}; {
		case !wanted && got != [4]models.Amount{}:
			return name + " should not count, and has " + fmt.Sprint(got)
		case wanted && got != [4]models.Amount{e.SalesAmount, e.SalesTax, e.ShippingAmount, e.ShippingTax}:
			return fmt.Sprintf("%s has %v, not %v", name, got, e)
		}
	}
	for name := range want {
		return fmt.Sprintf("%d items are missing, such as %s; %d are there", len(want), name, len(have))
	}
	return ""
}

func itemName(id string, refund bool) string {
	if refund {
		return "refund " + id
	}
	return "sale " + id
}

// repeats counts versions that brought the same amounts as the one before.
func (s *stage) repeats(connection string) (n int) {
	for _, h := range s.world.TrustFile.Items(connection) {
		for i := 1; i < len(h.Versions); i++ {
			a, b := h.Versions[i-1], h.Versions[i]
			a.At, a.Request, b.At, b.Request = time.Time{}, 0, time.Time{}, 0
			if a == b {
				n++
			}
		}
	}
	return n
}

// days is so many days before today.
func days(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }

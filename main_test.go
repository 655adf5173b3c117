package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

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
	v, err := open(s.t.Context(), &c, swift)
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
	s.store = v.store
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

// browser walks through pages as a person without JavaScript would.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// visit opens an address and returns the page it ends on.
func (b *browser) visit(address string) (*http.Response, string) {
	b.t.Helper()
	res, err := b.client.Get(address)
	return b.page(res, err)
}

func (b *browser) page(res *http.Response, err error) (*http.Response, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

// submit sends the first form of a page, with fields chosen or pressed besides.
func (b *browser) submit(res *http.Response, page string, chosen url.Values) (*http.Response, string) {
	b.t.Helper()
	action, values := firstForm(b.t, page)
	for name, v := range chosen {
		values[name] = v
	}
	to, err := res.Request.URL.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", to.Scheme+"://"+to.Host)
	return b.page(b.client.Do(req))
}

// firstForm is the action and the hidden fields of a page's first form.
func firstForm(t *testing.T, page string) (action string, fields url.Values) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	fields = url.Values{}
	found := false
	for n := range root.Descendants() {
		switch {
		case n.Data == "form" && !found:
			found, action = true, attribute(n, "action")
		case n.Data == "input" && attribute(n, "type") == "hidden":
			fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if !found {
		t.Fatalf("no form on this page:\n%s", page)
	}
	return action, fields
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// authorise goes through the popup as the merchant of a shop.
func (s *stage) authorise(connection, shop string) {
	s.t.Helper()
	b := newBrowser(s.t)
	res, page := b.visit(s.url + "/connections/" + url.PathEscape(connection) + "/authentication?redirectUri=" +
		url.QueryEscape(s.world.SuccessURL()+"?id=theirs"))
	res, page = b.submit(res, page, nil)
	res, page = b.submit(res, page, url.Values{"account": {shop}, "decision": {"allow"}})
	if got := res.Request.URL.String(); got != s.world.SuccessURL()+"?id=theirs" {
		s.t.Fatalf("the popup ended on %s:\n%s", got, page)
	}
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

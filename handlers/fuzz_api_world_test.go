package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"extractor/extractor"
	"extractor/hostapi"
	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
	"extractor/models"
)

// soldShop is a host entered by OAuth that has sold something.
type soldShop struct{ consentShop }

var _ hostapi.Puller = soldShop{}

func (soldShop) Info() hostapi.Info {
	return hostapi.Info{Title: "Testshop", Settings: []hostapi.Setting{{Name: "location"}, {Name: "channel"}}}
}

func (soldShop) Pull(context.Context, hostapi.Account, models.Window, hostapi.Cursor) (*hostapi.Page, error) {
	p := &hostapi.Page{}
	for i := range 3 {
		p.Records = append(p.Records, hostapi.Record{Kind: "order", Key: strconv.Itoa(i), Version: hostapi.IntVersion(1), Body: json.RawMessage(strconv.Itoa(i))})
	}
	return p, nil
}

func (soldShop) Transform(r hostapi.Record) ([]models.Item, error) {
	if r.Key == "2" {
		return nil, models.Errorf(models.Refused, "The order has no day.")
	}
	charged := models.Amount(1080)
	return []models.Item{{Kind: models.KindSale, Key: r.Key, Sale: &models.Sale{Date: "2026-01-05T12:00:00", SalesAmount: 1000, SalesTax: 80, Charged: &charged, Currency: "USD",
		ShipTo: models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207", Country: "US"}}}}, nil
}

// fuzzed is a whole service in front of hosts of every kind, and its document.
type fuzzed struct {
	*doorway
	doc  *openapi3.T
	spec routers.Router
}

func newFuzzed(t *testing.T) *fuzzed {
	t.Helper()
	d := &doorway{t: t, store: pgtest.Store(t), shop: oauthtest.New(t), keys: newKeyServer(t), log: &journal{}}
	logger := slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	before := slog.Default()
	slog.SetDefault(logger)
	t.Cleanup(func() { slog.SetDefault(before) })
	doc, err := openapi3.NewLoader().LoadFromData(openapi)
	if err != nil {
		t.Fatal(err)
	}
	d.serve(t, logger)
	return &fuzzed{doorway: d, doc: doc, spec: specification(t)}
}

// serve starts the service with the engine's own preview and retry; nothing
// works on jobs.
func (d *doorway) serve(t *testing.T, logger *slog.Logger) {
	t.Helper()
	shop := consentShop{d.shop}
	hosts := map[string]hostapi.Host{"shop": soldShop{shop}, "typed": typedShop{shop}, "market": marketShop{shop}, "keys": keyShop{d.keys}, "bell": bellShop{shop: shopOf("Bell")}}
	engine, err := extractor.New(extractor.Options{Store: d.store, Hosts: hosts, SyncInterval: time.Hour, PeriodCloseDay: 10})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	d.url = "http://" + server.Listener.Addr().String()
	d.store.Titles = map[string]string{"shop": "Testshop", "typed": "Typeshop", "market": "Market", "keys": "Keyshop"}
	popup, err := NewPopup(PopupConfig{Store: d.store, Hosts: hosts, PublicURL: d.url, AppURL: "https://app.trustfile.example", Nudge: engine.Nudge})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	server.Config.Handler = New(Config{Store: d.store, Hosts: hosts, DefaultHost: "shop", Tokens: []string{testBearer, otherBearer},
		Retrier: engine, Previewer: engine, PublicURL: d.url, Logger: logger,
		Mount: []func(gin.IRouter){popup.Mount}, MountAuthorised: []func(gin.IRouter){popup.MountAuthorised}})
	server.Start()
	t.Cleanup(server.Close)
	d.shop.Do(func() {
		for name := range hosts {
			d.shop.Redirects = append(d.shop.Redirects, d.url+callbackPath(name), d.url+"/install/"+name)
		}
	})
}

func shopOf(title string) shop { return shop{hostapi.Info{Title: title}} }

// begin forgets what earlier checks did.
func (f *fuzzed) begin() error {
	_, err := f.store.Pool.Exec(context.Background(), `TRUNCATE connections, attempts, tickets, signups, failures, wakes, privacy_requests CASCADE`)
	if err != nil {
		return err
	}
	_, err = f.store.SwitchService(context.Background(), true)
	return err
}

// take is what was logged since the last time.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

// noRedirects is a client that shows redirects instead of following them.
func noRedirects(jar http.CookieJar) *http.Client {
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

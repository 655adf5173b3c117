package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
	world "extractor/sandbox"
)

// open makes the adapter for a shop system at address.
func open(t testing.TB, address string) hostapi.Host {
	t.Helper()
	h, err := (&Config{URL: address, ClientID: world.DefaultClientID, ClientSecret: world.DefaultClientSecret}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// letIn is the shop system of w for a client without a token: it adds one, and
// fails the test on anything but the listing of orders.
func letIn(t testing.TB, w *world.World, account string) http.Handler {
	t.Helper()
	g, err := w.Host.Grant(account)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/orders" {
			t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
		}
		r.Header.Set("Authorization", "Bearer "+g.AccessToken)
		answer := httptest.NewRecorder()
		w.Host.ServeHTTP(answer, r)
		rw.WriteHeader(answer.Code)                   // without its headers: the suite changes
		_, _ = rw.Write(lean(t, answer.Body.Bytes())) // bodies, and the length would be wrong
	})
}

// lean is a page without what the adapter does not read: the suite tries odd
// values for everything that is there.
func lean(t testing.TB, page []byte) []byte {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(page, &p); err != nil {
		t.Fatal(err)
	}
	for _, o := range p["orders"].([]any) {
		order := o.(map[string]any)
		for _, name := range []string{"customer", "payments", "fulfilments", "attributes", "tags", "note", "statusUrl", "landingPage"} {
			delete(order, name)
		}
		for _, l := range order["lines"].([]any) {
			for _, name := range []string{"taxLines", "description", "image", "options", "variant", "vendor"} {
				delete(l.(map[string]any), name)
			}
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bearer is a client that carries a token.
func bearer(t testing.TB, w *world.World, account string) *http.Client {
	t.Helper()
	g, err := w.Host.Grant(account)
	if err != nil {
		t.Fatal(err)
	}
	return oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: g.AccessToken}))
}

// control makes a call of the host's control API.
func control(t testing.TB, w *world.World, path string, body any) {
	t.Helper()
	if err := tryControl(t.Context(), w, path, body); err != nil {
		t.Fatal(err)
	}
}

func tryControl(ctx context.Context, w *world.World, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.HostURL()+"/control/"+path, bytes.NewReader(text))
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
	return nil
}

// everyKind is a mix that holds all kinds of order.
var everyKind = map[string]int{"refunded": 10, "partly": 10, "cancelled": 10, "test": 5, "pending": 5, "digital": 10, "pickup": 10}

var allTime = models.Window{From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}

func TestConformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	control(t, w, "orders", map[string]any{"account": "shop-1", "count": 2*pageSize + 7, "from": "2026-01-01", "to": "2026-02-01", "seed": 1, "mix": everyKind})
	var keys []string
	for _, x := range w.Host.Truth("shop-1") {
		keys = append(keys, x.ID)
	}
	hostapitest.Run(t, hostapitest.Case{
		Open:   open,
		Wire:   func(t testing.TB) http.Handler { return letIn(t, w, "shop-1") },
		Keys:   keys,
		Window: allTime,
	})
}

func TestGolden(t *testing.T) {
	t.Parallel()
	hostapitest.Golden(t, open(t, "http://localhost"), "testdata", models.Policy{})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config Config
		names  string
	}{
		{Config{"localhost:8081", "id", "hidden"}, "SANDBOX_URL"},
		{Config{"ftp://host", "id", "hidden"}, "SANDBOX_URL"},
		{Config{"http://host", "", "hidden"}, "SANDBOX_CLIENT_ID"},
		{Config{"http://host", "id", ""}, "SANDBOX_CLIENT_SECRET"},
	} {
		_, err := c.config.Open()
		if err == nil || !strings.Contains(err.Error(), c.names) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: %v", c.config.URL, err)
		}
	}
}

// TestLetInAndOut: the consent's token identifies the account, and can be given back.
func TestLetInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := open(t, w.HostURL()+"/").(*host)
	if got := h.OAuth(hostapi.Account{}).Endpoint.TokenURL; got != w.HostURL()+"/oauth/token" {
		t.Errorf("token endpoint %s", got)
	}
	g, err := w.Host.Grant("shop-2")
	if err != nil {
		t.Fatal(err)
	}
	c := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: g.AccessToken}))
	who, err := h.Identify(t.Context(), c, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if who.Account != "shop-2" || who.Label != "account shop-2" || who.Zone != "America/Los_Angeles" || who.Address.State != "CA" || who.Email == "" {
		t.Errorf("%+v", who)
	}
	if err := h.Revoke(t.Context(), hostapi.Account{}, c, g.AccessToken); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Identify(t.Context(), c, url.Values{}); models.KindOf(err) != models.Unauthorised {
		t.Errorf("after giving it back: %v", err)
	}
}

// TestOtherRoads: what the listing by updated time leaves out is found by
// created time, and can be read by its id.
func TestOtherRoads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := open(t, w.HostURL()).(*host)
	a := hostapi.Account{Client: bearer(t, w, "shop-1")}
	made, err := w.Host.MakeOrders("shop-1", 130, time.Now().AddDate(0, 0, -2), 1)
	if err != nil {
		t.Fatal(err)
	}
	w.Host.AddFault(world.Fault{Kind: world.FaultDropped, Account: "shop-1", Orders: []string{made.LastID}})
	pulled, err := h.Pull(t.Context(), a, allTime, "")
	if err != nil {
		t.Fatal(err)
	}
	counted, err := h.Recount(t.Context(), a, allTime, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(pulled.Records) != 129 || len(counted.Records) != 130 {
		t.Errorf("%d pulled, %d counted", len(pulled.Records), len(counted.Records))
	}
	keys := []string{"1"}
	for _, r := range counted.Records {
		keys = append(keys, r.Key)
	}
	fetched, err := h.Fetch(t.Context(), a, keys)
	if err != nil || len(fetched) != 130 {
		t.Errorf("%d of %d fetched: %v", len(fetched), len(keys), err)
	}
}

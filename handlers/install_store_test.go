package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/models"
)

// marketShop has an app store, which signs where it sends merchants, or sends
// them with a code at once.
type marketShop struct{ consentShop }

var _ hostapi.Installer = marketShop{}

func (marketShop) Info() hostapi.Info { return hostapi.Info{Title: "Market"} }

func (s marketShop) OAuth(a hostapi.Account) *oauth2.Config {
	c := s.consentShop.OAuth(a)
	c.Endpoint.AuthURL += "?shop=" + url.QueryEscape(a.HostID)
	return c
}

func (marketShop) Installation(query url.Values) (account string, redeem bool, err error) {
	switch {
	case query.Get("code") != "" && query.Get("shop") != "":
		return query.Get("shop"), true, nil
	case query.Get("shop") == "":
		return "", false, nil
	case query.Get("signature") != "good":
		return "", false, models.Errorf(models.Refused, "This link is not from Market. Install the app there again.")
	}
	return query.Get("shop"), false, nil
}

// is counts rows.
func (d *doorway) is(want int, sql string) {
	d.t.Helper()
	var got int
	if err := d.store.Pool.QueryRow(d.t.Context(), sql).Scan(&got); err != nil || got != want {
		d.t.Fatalf("%s: %d, want %d (%v)", sql, got, want, err)
	}
}

func TestStoreNamesTheAccount(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	b := d.browser()
	forged := b.get("/install/market?shop=acc-1&signature=bad")
	forged.wants(t, http.StatusBadRequest, "This link is not from Market.")
	b.get("/install/market?shop=acc-1&signature=good&x=%zz").wants(t, http.StatusBadRequest, "cannot be read")
	d.is(0, `SELECT count(*) FROM attempts`)
	toHost := b.get("/install/market?shop=acc-1&signature=good")
	if !strings.Contains(toHost.location(), "shop=acc-1&") {
		t.Fatalf("%d to %s", toHost.status, toHost.location())
	}
	b.get(b.get(b.consent(toHost, true)).location()).wants(t, http.StatusOK, "Setting up TrustFile")
	d.is(1, `SELECT count(*) FROM connections WHERE host = 'market' AND host_account = 'acc-1' AND external_id IS NULL`)

	other := b.get(b.consent(b.get("/install/market?shop=acc-2&signature=good"), true))
	other.wants(t, http.StatusConflict, "You asked to connect acc-2, but at Market you signed in with account acc-1")
	d.is(1, `SELECT count(*) FROM connections`)
	again := b.get(b.press(other).location()) // still for the account that the store named
	again.wants(t, http.StatusOK, "Connect Market to TrustFile")
	if toHost := b.press(again); !strings.Contains(toHost.location(), "shop=acc-2&") {
		t.Fatalf("%d to %s", toHost.status, toHost.location())
	}
	if alone := b.get("/install/market"); alone.status != http.StatusSeeOther { // a merchant who came by himself
		t.Fatalf("%d:\n%s", alone.status, alone.body)
	}
}

func TestStoreSendsACodeAtOnce(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/oauth/market/callback", "/install/market"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			d := newDoorway(t)
			d.connectionAt("market", "company-1")
			b := d.browser()
			b.press(b.open("company-1")) // the same browser is on another way meanwhile
			address := path + "?shop=acc-1&code=" + d.shop.Code(d.url+path)
			onward := b.get(address)
			if onward.status != http.StatusSeeOther {
				t.Fatalf("%d:\n%s", onward.status, onward.body)
			}
			b.get(onward.location()).wants(t, http.StatusOK, "Setting up TrustFile")
			d.browser().get(onward.location()).wants(t, http.StatusNotFound, "attempt")
			d.untouched("company-1")
			d.is(1, `SELECT count(*) FROM connections WHERE host_account = 'acc-1' AND external_id IS NULL AND authorized`)
			d.is(1, `SELECT count(*) FROM attempts WHERE kind = 'popup' AND used_at IS NULL`)

			reloaded := b.get(address)
			reloaded.wants(t, http.StatusBadGateway, "Market did not accept the sign-in")
			if page := b.get(b.press(reloaded).location()); page.status != http.StatusOK {
				t.Fatalf("%d:\n%s", page.status, page.body)
			}
			d.is(1, `SELECT count(*) FROM connections WHERE host_account IS NOT NULL`)
		})
	}
}

func TestCodeThatNobodyAskedForIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("market", "company-1")
	b := d.browser()
	b.press(b.open("company-1"))
	code := d.shop.Code(d.url + "/oauth/market/callback")
	b.get("/oauth/market/callback?code="+code).wants(t, http.StatusNotFound, "Please start again") // not the store's query
	b.get("/oauth/market/callback?shop=acc-1&state=made-up&code="+code).wants(t, http.StatusNotFound, "Please start again")
	b.get("/oauth/shop/callback?shop=acc-1&code="+code).wants(t, http.StatusNotFound, "Please start again") // no store
	b.get("/install/shop?shop=acc-1&code="+code).wants(t, http.StatusSeeOther, "")                          // asks for consent
	d.is(0, `SELECT count(*) FROM connections WHERE host_account IS NOT NULL`)
	if d.shop.Calls() != 0 {
		t.Fatal("a code was redeemed")
	}
	// The account that the query names has to be the one that the code opens.
	b.get("/oauth/market/callback?shop=acc-2&code="+code).wants(t, http.StatusConflict, "You asked to connect acc-2")
	d.is(0, `SELECT count(*) FROM connections WHERE host_account IS NOT NULL`)
	d.untouched("company-1")
}

func TestCodeForAnotherAddressIsNotRedeemed(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	code := d.shop.Code(d.url + "/install/market")
	d.browser().get("/oauth/market/callback?shop=acc-1&code="+code).wants(t, http.StatusBadGateway, "did not accept the sign-in")
	d.is(0, `SELECT count(*) FROM connections`)
}

func TestStoreThatShowsUsInAFrame(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	for _, path := range []string{"/oauth/market/callback", "/install/market"} {
		address := path + "?shop=acc-1&code=" + d.shop.Code(d.url+path)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Dest", "iframe")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || res.Header.Get("Set-Cookie") != "" || !strings.HasSuffix(res.Header.Get("Content-Security-Policy"), "frame-ancestors *") {
			t.Errorf("%d, %v", res.StatusCode, res.Header)
		}
		onward := d.browser().get(address) // in the new window
		if onward.status != http.StatusSeeOther {
			t.Fatalf("%d:\n%s", onward.status, onward.body)
		}
	}
}

func TestInstallsByCallbackAreLimited(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.shop.Do(func() {
		d.shop.Before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadRequest)
			return true
		}
	})
	b := d.browser()
	for range startsAtOnce + startsPerMinute {
		if b.get("/oauth/market/callback?shop=acc-1&code=x").status == http.StatusTooManyRequests {
			return
		}
	}
	t.Fatal("not limited")
}

package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/models"
)

// typedShop has to know the shop before its consent: each shop has a consent
// page and a token endpoint of its own.
type typedShop struct{ consentShop }

var _ hostapi.Starter = typedShop{}

func (typedShop) Info() hostapi.Info { return hostapi.Info{Title: "Typeshop"} }

func (s typedShop) OAuth(a hostapi.Account) *oauth2.Config {
	c := s.consentShop.OAuth(a)
	c.Endpoint.AuthURL += "?shop=" + url.QueryEscape(a.HostID)
	c.Endpoint.TokenURL += "?shop=" + url.QueryEscape(a.HostID)
	return c
}

func (typedShop) Question() hostapi.Question {
	return hostapi.Question{Label: "Your shop's address", Help: "It is in the address bar when you manage the shop.", Example: "corner.typeshop.example"}
}

var typedName = regexp.MustCompile(`^([a-z0-9-]+)(\.typeshop\.example)?$`)

func (typedShop) Account(typed string) (string, error) {
	parts := typedName.FindStringSubmatch(strings.ToLower(typed))
	if parts == nil {
		return "", models.Errorf(models.Invalid, "This is not a shop's address. Write it like corner.typeshop.example.")
	}
	return parts[1], nil
}

// field is the page's input element.
var field = regexp.MustCompile(`(?s)<input id="account".*?>`)

func TestAccountIsAskedForAndReachesTheHost(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	c := d.connectionAt("typed", "company-1")
	var asked string
	d.shop.Do(func() {
		d.shop.Account = "corner"
		d.shop.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			asked = r.URL.Query().Get("shop")
			return false
		}
	})
	b := d.browser()
	page := b.open("company-1")
	for _, part := range []string{`<label for="account">Your shop's address</label>`, "It is in the address bar", "For example: corner.typeshop.example", `autocomplete="off"`} {
		page.wants(t, http.StatusOK, part)
	}
	toHost := b.enter(page, "  Corner.TYPESHOP.example ")
	if !strings.Contains(toHost.location(), "shop=corner&") {
		t.Fatalf("%d to %s\n%s", toHost.status, toHost.location(), toHost.body)
	}
	var sealed string
	if err := d.store.Pool.QueryRow(t.Context(), `SELECT a::text || encode(secrets, 'escape') FROM attempts a`).Scan(&sealed); err != nil || strings.Contains(sealed, "corner") {
		t.Errorf("the account lies open in the database: %v", err)
	}
	if done := b.get(b.consent(toHost, true)); done.location() != "https://"+trustfileReturn {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
	if now := d.now("company-1"); !now.Enabled || *now.HostAccount != "corner" || asked != "corner" {
		t.Fatalf("asked %q for %+v", asked, now)
	}

	// Once it is known, nobody is asked, and nothing that is posted counts.
	again := b.open("company-1")
	again.wants(t, http.StatusOK, "Connect Typeshop")
	if strings.Contains(again.body, `name="account"`) {
		t.Error("asked again")
	}
	toHost = b.fill(again, url.Values{"account": {"another"}})
	if !strings.Contains(toHost.location(), "shop=corner&") {
		t.Errorf("to %s", toHost.location())
	}
	if done := b.get(b.consent(toHost, true)); done.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
	if log := d.log.String(); strings.Contains(log, "corner") {
		t.Errorf("logged for connection %d: %s", c.ID, log)
	}
}

func TestAccountThatCannotBeOneIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("typed", "company-1")
	d.shop.Do(func() { d.shop.Account = "corner" })
	b := d.browser()
	page := b.open("company-1")
	for typed, sentence := range map[string]string{
		`"><script>alert(1)</script>`: "Write it like corner.typeshop.example.",
		"corner.evil.example":         "Write it like corner.typeshop.example.",
		"   ":                         "Please fill this in.",
		strings.Repeat("x", 301):      "longer than 300 letters",
		"\x00\xff":                    "Write it like",
	} {
		wrong := b.enter(page, typed)
		wrong.wants(t, http.StatusBadRequest, sentence)
		input := field.FindString(wrong.body)
		if strings.Contains(wrong.body, "<script>") || !strings.Contains(input, `aria-invalid="true" aria-describedby="account-problem `) || !strings.Contains(wrong.body, "<title>Error: ") {
			t.Errorf("%q:\n%s", typed, wrong.body)
		}
		page = wrong
	}
	kept := b.enter(page, "corner & shop")
	if kept.wants(t, http.StatusBadRequest, "Write it like"); !strings.Contains(kept.body, `value="corner &amp; shop"`) {
		t.Errorf("what was typed is lost:\n%s", kept.body)
	}
	var started int
	if err := d.store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM attempts WHERE started_at IS NOT NULL`).Scan(&started); err != nil || started != 0 {
		t.Fatalf("%d attempts went to the host, %v", started, err)
	}
	if done := b.get(b.consent(b.enter(kept, "corner"), true)); done.status != http.StatusSeeOther || !d.now("company-1").Enabled {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
}

func TestOtherAccountThanTypedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("typed", "company-1")
	d.shop.Do(func() { d.shop.Account = "elsewhere" })
	b := d.browser()
	refused := b.get(b.consent(b.enter(b.open("company-1"), "corner"), true))
	refused.wants(t, http.StatusConflict, "You asked to connect corner, but at Typeshop you signed in with account elsewhere")
	d.untouched("company-1")
	if log := d.log.String(); strings.Contains(log, "corner") || strings.Contains(log, "elsewhere") {
		t.Errorf("logged: %s", log)
	}
	again := b.get(b.press(refused).location())
	if again.wants(t, http.StatusOK, "Connect Typeshop"); !strings.Contains(field.FindString(again.body), `value="corner"`) {
		t.Errorf("what was typed is lost:\n%s", again.body)
	}
	if done := b.get(b.consent(b.enter(again, "elsewhere"), true)); done.status != http.StatusSeeOther {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
}

func TestAccountMayBeChangedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.connectionAt("typed", "company-1")
	d.shop.Do(func() { d.shop.Account = "second" })
	b := d.browser()
	page := b.open("company-1")
	b.enter(page, "first")
	toHost := b.enter(page, "second") // back from the host, and on again
	if !strings.Contains(toHost.location(), "shop=second&") {
		t.Errorf("to %s", toHost.location())
	}
	if done := b.get(b.consent(toHost, true)); done.status != http.StatusSeeOther || *d.now("company-1").HostAccount != "second" {
		t.Fatalf("%d:\n%s", done.status, done.body)
	}
}

func TestInstallAsksForTheAccount(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	d.shop.Do(func() { d.shop.Account = "corner" })
	b := d.browser()
	page := b.get("/install/typed")
	page.wants(t, http.StatusOK, "<h1>Connect Typeshop to TrustFile</h1>")
	b.enter(page, "not a shop").wants(t, http.StatusBadRequest, "Write it like")
	denied := b.get(b.consent(b.enter(page, "corner"), false))
	denied.wants(t, http.StatusForbidden, "You did not allow access")
	again := b.get(b.press(denied).location())
	if !strings.Contains(field.FindString(again.body), `value="corner"`) {
		t.Errorf("what was typed is lost:\n%s", again.body)
	}
	onward := b.get(b.consent(b.enter(again, "corner"), true))
	b.get(onward.location()).wants(t, http.StatusOK, "Setting up TrustFile")
	d.browser().enter(page, "corner").wants(t, http.StatusNotFound, "does not belong to an attempt")
}

package handlers

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"extractor/internal/webdriver"
)

// consumer is TrustFile's side in the browser: a page with a button that opens
// the popup, one that frames it, and the page of success.
type consumer struct {
	url  string
	coop string // Cross-Origin-Opener-Policy of its pages
	to   string // the popup's address
}

func newConsumer(t *testing.T) *consumer {
	t.Helper()
	c := &consumer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /opener", func(w http.ResponseWriter, _ *http.Request) {
		if c.coop != "" {
			w.Header().Set("Cross-Origin-Opener-Policy", c.coop)
		}
		fmt.Fprintf(w, `<!doctype html><title>Opener</title><button id="connect" onclick="window.open('%s', '_blank', 'popup')">Connect</button>`, html.EscapeString(c.to))
	})
	mux.HandleFunc("GET /framing", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Framing</title><iframe src="%s" width="500" height="400"></iframe>`, html.EscapeString(c.to))
	})
	mux.HandleFunc("GET /connectors/success", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><title>Success</title>Welcome back`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// inBrowser is a service, its consumer and a browser.
func inBrowser(t *testing.T, o webdriver.Options) (*doorway, *consumer, *webdriver.Browser) {
	t.Helper()
	b := webdriver.Start(t, o)
	c := newConsumer(t)
	d := newDoorway(t, func(cfg *PopupConfig) { cfg.Redirects = []string{c.url + "/connectors/success"} })
	d.connection("company-1")
	c.to = d.url + "/connections/company-1/authentication?redirectUri=" + url.QueryEscape(c.url+"/connectors/success?id=token")
	return d, c, b
}

// picture keeps a screenshot where SCREENSHOTS says, for people to look at.
func picture(b *webdriver.Browser, name string) {
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		b.Screenshot(filepath.Join(dir, name+".png"))
	}
}

// allow goes from the question to the consumer's page of success.
func allow(b *webdriver.Browser, c *consumer) string {
	b.Click("button[type=submit]")
	b.Click("#allow")
	return b.Arrive(c.url + "/connectors/success")
}

func (d *doorway) isConnected() {
	d.t.Helper()
	if now := d.now("company-1"); !now.Enabled || !now.Authorized {
		d.t.Fatalf("%+v", now)
	}
}

func TestBrowserWithoutJavaScript(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{NoScript: true})
	d.exec(`UPDATE connections SET company_name = 'Best Company Ever'`)
	b.Open(c.to)
	b.Text("Connect Testshop to Best Company Ever")
	picture(b, "question")
	b.Click("button[type=submit]")
	b.Click("#deny")
	b.Text("You did not allow access")
	picture(b, "denied")
	b.Click("button[type=submit]") // try again
	b.Text("Connect Testshop to Best Company Ever")
	if to := allow(b, c); to != c.url+"/connectors/success?id=token" {
		t.Errorf("returned to %s", to)
	}
	d.isConnected()
}

func TestBrowserByHTTPSKeepsTheCookieToThisOrigin(t *testing.T) {
	b, c := webdriver.Start(t, webdriver.Options{NoScript: true}), newConsumer(t)
	d := newDoorway(t, func(cfg *PopupConfig) {
		cfg.Redirects = []string{c.url + "/connectors/success"}
		cfg.PublicURL = strings.Replace(cfg.PublicURL, "http://", "https://", 1)
	})
	d.connection("company-1")
	b.Open(d.url + "/connections/company-1/authentication?redirectUri=" + url.QueryEscape(c.url+"/connectors/success"))
	if names := b.Cookies(); len(names) != 1 || names[0] != "__Host-attempt" {
		t.Errorf("cookies %v", names)
	}
	allow(b, c)
	d.isConnected()
}

func TestBrowserPopupOfAnOpenerThatIsolatesItself(t *testing.T) {
	for _, policy := range []string{"", "same-origin-allow-popups", "same-origin"} {
		t.Run("policy "+policy, func(t *testing.T) {
			d, c, b := inBrowser(t, webdriver.Options{})
			c.coop = policy
			b.Open(c.url + "/opener")
			opener := b.Window()
			b.Click("#connect")
			for _, name := range b.Windows(2) {
				if name != opener {
					b.Switch(name)
				}
			}
			allow(b, c)
			d.isConnected()
		})
	}
}

func TestBrowserPopupClosedEarly(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{})
	first := b.Window()
	b.NewTab()
	b.Open(c.to)
	b.Click("button[type=submit]")
	b.Text("Let the extractor in?")
	b.Close()
	d.untouched("company-1")
	b.Switch(first)
	b.Open(c.to)
	allow(b, c)
	d.isConnected()
}

func TestBrowserBackButton(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{})
	b.Open(c.to)
	b.Click("button[type=submit]")
	b.Text("Let the extractor in?")
	b.Back()
	b.Text("Connect Testshop")
	allow(b, c)
	d.isConnected()
	calls := d.shop.Calls()
	b.Back()
	b.Text("Let the extractor in?")
	b.Click("#allow")
	b.Text("Testshop is connected already")
	picture(b, "already")
	if d.shop.Calls() != calls {
		t.Error("the second answer of the same attempt was taken to the host")
	}
}

func TestBrowserTwoTabs(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{})
	first := b.Window()
	b.Open(c.to)
	second := b.NewTab()
	b.Open(c.to)
	b.Switch(first)
	allow(b, c)
	d.isConnected()
	b.Switch(second)
	allow(b, c)
	d.isConnected()
}

func TestBrowserFrame(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{})
	b.Open(c.url + "/framing")
	framing := b.Window()
	b.Frame()
	b.Text("Continue in a new window")
	picture(b, "frame")
	b.Click("a.button")
	for _, name := range b.Windows(2) {
		if name != framing {
			b.Switch(name)
		}
	}
	allow(b, c)
	d.isConnected()

	stranger := newConsumer(t)
	stranger.to = c.to
	b.Switch(framing)
	b.Open(stranger.url + "/framing")
	b.Frame()
	if address := b.Address(); !strings.HasPrefix(address, stranger.url) {
		t.Fatalf("%s", address)
	}
	picture(b, "stranger")
	if text := b.Visible(); strings.Contains(text, "Continue in a new window") {
		t.Errorf("a stranger can frame the page:\n%s", text)
	}
}

func TestBrowserInstall(t *testing.T) {
	d, _, b := inBrowser(t, webdriver.Options{NoScript: true})
	b.Open(d.url + "/install/shop")
	b.Click("#allow")
	b.Text("Setting up TrustFile")
	picture(b, "installing")
	d.exec(`UPDATE connections SET external_id = 'company-token' WHERE external_id IS NULL`)
	b.Text("Testshop is connected to TrustFile") // by itself
	picture(b, "installed")
}

func TestBrowserTypesTheAccount(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{NoScript: true})
	d.connectionAt("typed", "company-2")
	d.shop.Do(func() { d.shop.Account = "corner" })
	d.exec(`UPDATE connections SET company_name = 'Best Company Ever'`)
	b.Open(strings.Replace(c.to, "company-1", "company-2", 1))
	b.Text("Your shop's address")
	picture(b, "account")
	b.Type("#account", `my "corner" shop`)
	b.Click("button[type=submit]")
	b.Text("This is not a shop's address.")
	picture(b, "account-wrong")
	if kept := b.Value("#account"); kept != `my "corner" shop` {
		t.Errorf("what was typed became %q", kept)
	}
	b.Type("#account", "corner.typeshop.example")
	allow(b, c)
	if now := d.now("company-2"); !now.Enabled || *now.HostAccount != "corner" {
		t.Fatalf("%+v", now)
	}
}

func TestBrowserGivesKeys(t *testing.T) {
	d, c, b := inBrowser(t, webdriver.Options{NoScript: true})
	d.connectionAt("keys", "company-2")
	b.Open(strings.Replace(c.to, "company-1", "company-2", 1))
	b.Type("#account", "corner.example")
	allow(b, c)
	if now := d.now("company-2"); !now.Enabled || *now.HostAccount != "corner.example" {
		t.Fatalf("%+v", now)
	}
}

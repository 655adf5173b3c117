package handlers

import (
	"context"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	"extractor/hostapi"
	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
	"extractor/models"
)

// consentShop is a host entered by OAuth.
type consentShop struct{ server *oauthtest.Server }

func (consentShop) Info() hostapi.Info { return hostapi.Info{Title: "Testshop"} }
func (consentShop) Transform(hostapi.Record) ([]models.Item, error) {
	return nil, models.Errorf(models.Internal, "the popup transforms nothing")
}
func (s consentShop) OAuth(hostapi.Account) *oauth2.Config { return s.server.Config() }
func (s consentShop) Identify(ctx context.Context, c *http.Client, _ url.Values) (hostapi.Identity, error) {
	who, err := s.server.Me(ctx, c, false)
	return hostapi.Identity{Account: who.ID, Label: "account " + who.ID, Zone: "America/New_York",
		Company: who.Title, Email: who.Email, Address: oauthtest.Shipping}, err
}

// doorway is a running service with the popup, in front of an OAuth server.
type doorway struct {
	t     *testing.T
	store *models.Store
	shop  *oauthtest.Server
	keys  *keyServer
	url   string
	log   *journal
}

// trustfileReturn is where TrustFile wants its users back, in its own writing.
const trustfileReturn = "app.trustfile.avalara.com/connectors/success?id=a%2Fb-token&x=1"

func newDoorway(t *testing.T, adjust ...func(*PopupConfig)) *doorway {
	t.Helper()
	d := &doorway{t: t, store: pgtest.Store(t), shop: oauthtest.New(t), log: &journal{}}
	d.store.Titles = map[string]string{"shop": "Testshop", "typed": "Typeshop", "market": "Market", "keys": "Keyshop"}
	server := httptest.NewUnstartedServer(nil)
	d.url = "http://" + server.Listener.Addr().String()
	d.keys = newKeyServer(t)
	hosts := map[string]hostapi.Host{"shop": consentShop{d.shop}, "other": consentShop{d.shop},
		"typed": typedShop{consentShop{d.shop}}, "market": marketShop{consentShop{d.shop}}, "keys": keyShop{d.keys}}
	cfg := PopupConfig{Store: d.store, Hosts: hosts, PublicURL: d.url, AppURL: "https://app.trustfile.example"}
	for _, f := range adjust {
		f(&cfg)
	}
	popup, err := NewPopup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = New(Config{Store: d.store, Hosts: hosts, DefaultHost: "shop", Tokens: []string{testBearer},
		Retrier: &retries{}, PublicURL: cfg.PublicURL, Logger: slog.New(slog.NewJSONHandler(d.log, nil)),
		Mount: []func(gin.IRouter){popup.Mount}, MountAuthorised: []func(gin.IRouter){popup.MountAuthorised}})
	if strings.HasPrefix(cfg.PublicURL, "https://127.0.0.1:") {
		d.url = cfg.PublicURL
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	d.shop.Do(func() {
		d.shop.Redirects = []string{d.url + "/oauth/shop/callback", d.url + "/oauth/typed/callback", d.url + "/oauth/market/callback"}
	})
	return d
}

// connection makes a connection as the consumer does.
func (d *doorway) connection(id string) *models.Connection {
	d.t.Helper()
	return d.connectionAt("shop", id)
}

func (d *doorway) connectionAt(host, id string) *models.Connection {
	d.t.Helper()
	c, err := d.store.CreateConnection(d.t.Context(), models.NewConnection{ExternalID: id, Host: host, StartDate: time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// now is the connection as it is now.
func (d *doorway) now(id string) *models.Connection {
	d.t.Helper()
	c, err := d.store.FindConnection(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *doorway) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Pool.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatal(err)
	}
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	d      *doorway
	client *http.Client
}

func (d *doorway) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &browser{d, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// shown is what a browser got.
type shown struct {
	status int
	header http.Header
	body   string
}

func (s shown) location() string { return s.header.Get("Location") }

func (b *browser) do(method, address string, form url.Values) shown {
	b.d.t.Helper()
	req, err := http.NewRequestWithContext(b.d.t.Context(), method, b.d.absolute(address), strings.NewReader(form.Encode()))
	if err != nil {
		b.d.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("X-Forwarded-Proto", "https") // as the router in front says it
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return shown{res.StatusCode, res.Header, string(body)}
}

func (d *doorway) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return d.url + address
	}
	return address
}

func (b *browser) get(address string) shown {
	b.d.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

var formParts = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">\s*<input type="hidden" name="attempt" value="([^"]*)">`)

// press presses the page's button.
func (b *browser) press(s shown) shown {
	b.d.t.Helper()
	return b.fill(s, nil)
}

// enter types an account into the page's field and presses its button.
func (b *browser) enter(s shown, account string) shown {
	b.d.t.Helper()
	if !strings.Contains(s.body, `name="account"`) {
		b.d.t.Fatalf("no field on the page (%d):\n%s", s.status, s.body)
	}
	return b.fill(s, url.Values{"account": {account}})
}

// fill posts the page's form with further values.
func (b *browser) fill(s shown, more url.Values) shown {
	b.d.t.Helper()
	parts := formParts.FindStringSubmatch(s.body)
	if parts == nil {
		b.d.t.Fatalf("no button on the page (%d):\n%s", s.status, s.body)
	}
	form := url.Values{"attempt": {html.UnescapeString(parts[2])}}
	maps.Copy(form, more)
	return b.do(http.MethodPost, html.UnescapeString(parts[1]), form)
}

// open opens the popup of a connection.
func (b *browser) open(id string) shown {
	b.d.t.Helper()
	return b.get("/connections/" + id + "/authentication?redirectUri=" + url.QueryEscape(trustfileReturn))
}

// consent answers the host's consent page and gives the callback's address.
func (b *browser) consent(toHost shown, allow bool) string {
	b.d.t.Helper()
	if toHost.status != http.StatusSeeOther {
		b.d.t.Fatalf("not sent to the host (%d):\n%s", toHost.status, toHost.body)
	}
	back, err := b.d.shop.ConsentForm(toHost.location(), allow)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return back.String()
}

// throughConsent goes all the way up to the callback's address.
func (b *browser) throughConsent(id string) string {
	b.d.t.Helper()
	return b.consent(b.press(b.open(id)), true)
}

// connect goes all the way.
func (b *browser) connect(id string) shown {
	b.d.t.Helper()
	return b.get(b.throughConsent(id))
}

func (s shown) wants(t *testing.T, status int, text string) {
	t.Helper()
	if s.status != status || !strings.Contains(html.UnescapeString(s.body), text) {
		t.Fatalf("got %d, want %d with %q:\n%s", s.status, status, text, s.body)
	}
}

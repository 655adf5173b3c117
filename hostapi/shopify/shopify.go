// Package shopify reads sales and refunds from Shopify.
//
// GraphQL Admin API, version 2026-10, by plain HTTP:
// https://shopify.dev/docs/api/admin-graphql/2026-10
//
// What to know about it
//
//   - Money comes from the sales ledger of an order, Order.agreements, and from
//     nowhere else: an agreement is what merchant and buyer agreed on at one
//     moment (the order, an edit, a return, a refund), with signed sales for each
//     line. totalAmount is after discounts and with tax, whether the tax was added
//     or was in the price already. An agreement becomes a sale of what is positive
//     in it and a refund of what is negative, dated at its own moment.
//     https://shopify.dev/docs/api/admin-graphql/2026-10/interfaces/SalesAgreement
//   - Refunds have no list of their own: a refund moves its order's updatedAt.
//   - Queries are paid for in points, counted before they run by how much they
//     could bring. The size of a page follows what the page before it cost.
//     https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
//   - Errors come with status 200, THROTTLED too.
//   - The past is read by bulk operations, which write one file of lines; see
//     backfill.go.
//   - Without the scope read_all_orders, orders older than 60 days are left out
//     without a word. Identify therefore looks at the scopes that were granted.
//   - A webhook's signature covers its body alone; see wake.go.
//   - PRODUCT is goods, SHIPPING is shipping. TIP and GIFT_CARD are left out.
//   - FEE, ADDITIONAL_FEE and DUTY are part of the price to the buyer: they count
//     as goods, and a person is asked to look. So do ADJUSTMENT (a restocking
//     fee, a discrepancy) and kinds that did not exist when this was written.
//   - A refund that is nothing but an ADJUSTMENT without tax is an amount that was
//     given back for no line. It is divided in proportion to what the order still
//     holds, and marked for review.
//   - An order counts once it is paid, in part at least. Pending, authorized,
//     voided and expired ones, and test orders, are left out with the reason.
//
// What is not handled
//
//   - Orders of the web shop that the buyer collects: the place of collection
//     would take one more permission. The billing address is used, for review.
//   - Goods sent from several places: the first one's address is used.
//   - A recount finds orders by the day they were made, so it does not find a
//     refund of that day for an order of another day.
//   - Taxes of marketplaces are sent as taxes. The description says so where
//     Shopify says that the channel or a merchant of record remits them.
package shopify

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
)

const (
	title      = "Shopify"
	apiVersion = "2026-10"

	// lag covers the search index, by which orders are listed: it follows a
	// change after some seconds.
	lag = time.Minute
	// lookback covers orders that the index listed later than lag allows for,
	// and agreements that were written after the order's updatedAt was.
	lookback = 10 * time.Minute
	// parallel backfill windows: Shopify runs five bulk operations of an app for
	// one shop at once, and one of them may be left over from a process that died.
	parallel = 4
	// concurrent requests share one bucket of points, which is ten of the
	// dearest queries large on the smallest plan.
	concurrent = 4
	// mapping is the version of Transform.
	mapping = 1
)

// Config is Shopify's part of the environment, with the prefix SHOPIFY.
type Config struct {
	ClientID     string `split_words:"true" desc:"Client ID of our app in the Shopify Dev Dashboard"`
	ClientSecret string `split_words:"true" secret:"true" desc:"Client secret of the same app"`
	OldSecret    string `split_words:"true" secret:"true" desc:"The secret before it, for as long as a rotation takes: until that one is revoked, Shopify signs with it"`
	AllOrders    bool   `split_words:"true" default:"true" desc:"true once Shopify has approved read_all_orders for the app; false: only the last 60 days can be read"`
	BaseURL      string `split_words:"true" desc:"Address instead of every shop's own, for tests"`
}

type host struct {
	config Config
	base   string       // instead of every shop's address; empty = the shop's own
	files  *http.Client // for result files: it carries no token
	now    func() time.Time
	zones  hostapi.Zones
}

var (
	_ hostapi.Config          = (*Config)(nil)
	_ hostapi.Puller          = (*host)(nil)
	_ hostapi.Backfiller      = (*host)(nil)
	_ hostapi.Recounter       = (*host)(nil)
	_ hostapi.Fetcher         = (*host)(nil)
	_ hostapi.Authorizer      = (*host)(nil)
	_ hostapi.Exchanger       = (*host)(nil)
	_ hostapi.Presenter       = (*host)(nil)
	_ hostapi.Starter         = (*host)(nil)
	_ hostapi.Installer       = (*host)(nil)
	_ hostapi.CallbackChecker = (*host)(nil)
	_ hostapi.Revoker         = (*host)(nil)
	_ hostapi.Waker           = (*host)(nil)
)

// Open checks the values.
func (c *Config) Open() (hostapi.Host, error) {
	if c.ClientID == "" {
		return nil, errors.New("SHOPIFY_CLIENT_ID is missing: the client ID of the app in the Shopify Dev Dashboard")
	}
	if c.ClientSecret == "" {
		return nil, errors.New("SHOPIFY_CLIENT_SECRET is missing: the client secret of the app in the Shopify Dev Dashboard")
	}
	base, err := hostapi.BaseAddress("SHOPIFY_BASE_URL", c.BaseURL, "", "https://shop.example.com")
	if err != nil {
		return nil, err
	}
	files := rest.NewClient(rest.NewTransport())
	files.Timeout = fileTime
	return &host{config: *c, base: base, files: files, now: time.Now}, nil
}

// Info describes Shopify.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Create an app in the Shopify Dev Dashboard (https://dev.shopify.com/dashboard), not embedded, with the scopes " +
			strings.Join(h.scopes(), ", ") + ". Enter our callback address as redirect URL and our /install/shopify as app URL, and " +
			"copy client ID and secret. Apply for access to protected customer data, level 2 (addresses), and for read_all_orders. " +
			"Subscribe webhooks to orders/create, orders/updated, orders/edited, orders/cancelled, orders/delete, refunds/create and " +
			"app/uninstalled, and enter the same address for the three compliance topics.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
		Quota:    hostapi.Quota{Concurrent: concurrent},
	}
}

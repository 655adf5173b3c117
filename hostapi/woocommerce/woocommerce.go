// Package woocommerce reads sales and refunds from WooCommerce shops.
//
// API wc/v3 of WooCommerce 5.8 and later, by plain HTTP on the shop's own site:
// https://woocommerce.github.io/woocommerce-rest-api-docs/
//
// What to know about it
//
//   - There is no vendor in between: each shop is a WordPress site of its own,
//     at an address that the merchant types in. It is reached through
//     internal/publicnet only, and no address in its answers is ever followed.
//   - Keys instead of OAuth: the merchant approves us on his own site, which
//     posts the keys to our server, unsigned. Whose they are is told by our own
//     state, and whether they are good by using them.
//     https://developer.woocommerce.com/docs/apis/rest-api/authentication/
//   - Amounts are stored without tax, whether prices include it or not. We ask
//     for six decimals (dp=6), which is what WooCommerce keeps, and round once
//     per amount that goes out.
//   - Dates in a query are written without a zone and with dates_are_gmt=true: a
//     zone would make WordPress convert them to the site's time, and then
//     compare that with GMT. Both ends of a span are outside of it.
//   - modified dates have whole seconds, and what is changed moves to the end of
//     the list while we turn its pages. So each page begins a new list, at the
//     last second of the page before; a second with more orders than a page
//     holds, as after a bulk edit, is read by id.
//   - status=any leaves out the trash, which is therefore listed as well.
//   - Some payment plugins refund without touching the order's modified date, and
//     some versions list an order's refunds as empty; so /wc/v3/refunds is read
//     by day, too. It came with WooCommerce 9.0; without it we do without it.
//     https://github.com/woocommerce/woocommerce-paypal-payments/issues/1125
//   - Sites answer with web pages where data was asked for: maintenance,
//     firewalls, warnings of PHP. That is trouble for a while, not a lost grant.
//
// What is not handled
//
//   - Webhooks: a key that may only read cannot make them, and we ask for no
//     more than reading. News come by asking.
//   - Sites whose web server drops the Authorization header. Keys in the query
//     would work there, and would stand in the log of every proxy on the way.
//   - Sites without permalinks, whose API has another address: one setting in
//     WordPress mends it, and the sentence for the merchant says which.
//   - Gift cards sold as products of a plugin: nothing in the order tells them
//     from goods. Fees that are called a tip or a gift card and bear no tax are
//     left out, and marked for review.
//   - Refunds that are deleted later without touching the order.
package woocommerce

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"extractor/hostapi"
	"extractor/internal/publicnet"
)

const (
	title = "WooCommerce"

	// lag covers sites that write through caches and copies of their database.
	lag = time.Minute
	// lookback covers clocks that disagree, and orders saved by a request that
	// took long: the date is set at its start, the order is seen at its end.
	lookback = 15 * time.Minute
	// parallel backfill windows, and concurrent requests to one site: most run on
	// shared machines, and buyers come first.
	parallel   = 1
	concurrent = 2
	// mapping is the version of Transform.
	mapping = 1
	// maxName is the longest app name that WooCommerce keeps.
	maxName = 170
)

// Config is WooCommerce's part of the environment, with the prefix WOOCOMMERCE.
// There is nothing to register and no secret.
type Config struct {
	AppName string `split_words:"true" default:"TrustFile" desc:"Name under which merchants see us on the page where they approve us"`
}

type host struct {
	config    Config
	transport http.RoundTripper
	base      string // in tests, where every site is; no variable sets it
}

var (
	_ hostapi.Config      = (*Config)(nil)
	_ hostapi.Puller      = (*host)(nil)
	_ hostapi.Recounter   = (*host)(nil)
	_ hostapi.Fetcher     = (*host)(nil)
	_ hostapi.Starter     = (*host)(nil)
	_ hostapi.Granter     = (*host)(nil)
	_ hostapi.Presenter   = (*host)(nil)
	_ hostapi.Transporter = (*host)(nil)
)

// Open checks the values.
func (c *Config) Open() (hostapi.Host, error) {
	name := strings.TrimSpace(c.AppName)
	if name == "" || utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		return nil, errors.New("WOOCOMMERCE_APP_NAME should be a short name, such as TrustFile")
	}
	return &host{config: Config{AppName: name}, transport: publicnet.NewTransport()}, nil
}

// Info describes WooCommerce.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Nothing to register: merchants type in their shop's address and approve us on their own site. Set " +
			"WOOCOMMERCE_APP_NAME to the name they shall read there.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
		Quota:    hostapi.Quota{Concurrent: concurrent},
	}
}

// Transport reaches sites on the public internet, and nothing else.
func (h *host) Transport() http.RoundTripper { return h.transport }

// site is the address of an account's site, without a slash at its end.
func (h *host) site(a hostapi.Account) string {
	if h.base != "" {
		return h.base
	}
	return a.HostID
}

// Package bigcommerce reads sales and refunds from BigCommerce.
//
// Orders come from the API v2 and refunds from v3, by plain HTTP:
// https://developer.bigcommerce.com/docs/rest-management/orders
// https://developer.bigcommerce.com/docs/rest-management/transactions/payment-actions
//
// What to know about it
//
//   - v2 answers in XML unless asked for JSON, says 204 with an empty body where
//     a list has no more, and writes money as decimals of four places in strings;
//     consignments and refunds have numbers instead. Some of its empty objects
//     are empty lists.
//   - One request lists orders with their addresses, lines and fees
//     (include=consignments,consignments.line_items,fees). Where that was not
//     heeded, the addresses and products are asked for order by order.
//   - A list is paged by number, and shifts when an order changes meanwhile. So
//     each page starts a new list at the date of the last order that was read.
//     Dates are whole seconds; orders of the second seen twice are left out.
//   - The totals are the truth. Goods are never rebuilt from subtotal and
//     discounts: the discounts contain tax in shops whose prices do.
//     refunded_amount and refund_amount are always 0.
//   - Gift certificates and store credit that pay for an order are tenders and
//     change nothing. Gift certificates that are sold are no sale yet.
//   - Fees are lines of their own. Whether the total contains them is found by
//     adding up; those that it does not contain are added to the sale.
//   - default_currency_code is the currency that was paid in; currency_code is
//     the one that prices were shown in. Nothing is converted.
//   - Refunds have no date of change and cannot be listed by one. They are read
//     by the date they were made, and again with each change of an order whose
//     status says that it was refunded, or that it does not count any more.
//   - A refund tells its tax as one sum. Unless it gives back shipping besides
//     goods, that sum belongs to one of them; else it is divided by the rates of
//     the sale. A refund at the level of the order is without tax there.
//   - An order sent to several addresses is one item for each.
//   - The access token has no end. It dies when the app is uninstalled, when its
//     scopes change, and when the store's owner changes.
//   - Hooks that fail for two days are switched off; Keep looks after them.
//
// What is not handled
//
//   - The moment of payment: telling it takes one more request per order. An
//     order counts on the day it was placed, once it is paid for or sent.
//   - Orders in the trash are not listed. A sale that was moved there is found
//     missing by the reconciliation, and is then read as deleted.
//   - Which marketplace owes the tax of an order: orders of marketplaces are sent
//     with the tax that BigCommerce shows.
//   - A refund whose payment is declined later is read again only when its order
//     changes, which it does in BigCommerce's own control panel.
//   - Tax that BigCommerce does not know, of invoices made by hand outside it.
package bigcommerce

import (
	"errors"
	"time"

	"extractor/hostapi"
)

const (
	title    = "BigCommerce"
	loginURL = "https://login.bigcommerce.com"
	apiURL   = "https://api.bigcommerce.com"

	// lag covers refunds, whose payments are made after the answer that creates them.
	lag = 2 * time.Minute
	// lookback covers orders that were listed later than lag allows for.
	lookback = time.Hour
	// parallel backfill windows: the quota is the store's, and its other apps
	// live on it as well.
	parallel = 2
	// quotaRequests in quotaTime is the smallest plan's quota.
	// https://developer.bigcommerce.com/docs/start/best-practices/api-rate-limits
	quotaRequests = 150
	quotaTime     = 30 * time.Second
	// concurrent requests to one store: what two windows ask side by side.
	concurrent = 8
	// mapping is the version of Transform.
	mapping = 1
)

// Config is BigCommerce's part of the environment, with the prefix BIGCOMMERCE.
type Config struct {
	ClientID     string `split_words:"true" desc:"Client ID of our app in the BigCommerce Developer Portal"`
	ClientSecret string `split_words:"true" secret:"true" desc:"Client secret of the same app"`
	LoginURL     string `split_words:"true" default:"https://login.bigcommerce.com" desc:"Address of BigCommerce's log-in; another one is for tests"`
	BaseURL      string `split_words:"true" default:"https://api.bigcommerce.com" desc:"Address of BigCommerce's API; another one is for tests"`
}

type host struct {
	config     Config
	login, api string // without a slash at the end
	now        func() time.Time
	zones      hostapi.Zones
}

var (
	_ hostapi.Config          = (*Config)(nil)
	_ hostapi.Puller          = (*host)(nil)
	_ hostapi.Recounter       = (*host)(nil)
	_ hostapi.Fetcher         = (*host)(nil)
	_ hostapi.Authorizer      = (*host)(nil)
	_ hostapi.Exchanger       = (*host)(nil)
	_ hostapi.Presenter       = (*host)(nil)
	_ hostapi.CallbackChecker = (*host)(nil)
	_ hostapi.Installer       = (*host)(nil)
	_ hostapi.Opener          = (*host)(nil)
	_ hostapi.Waker           = (*host)(nil)
	_ hostapi.Keeper          = (*host)(nil)
)

// Open checks the values.
func (c *Config) Open() (hostapi.Host, error) {
	if c.ClientID == "" {
		return nil, errors.New("BIGCOMMERCE_CLIENT_ID is missing: the client ID in the BigCommerce Developer Portal")
	}
	if c.ClientSecret == "" {
		return nil, errors.New("BIGCOMMERCE_CLIENT_SECRET is missing: the client secret in the BigCommerce Developer Portal")
	}
	login, err := hostapi.BaseAddress("BIGCOMMERCE_LOGIN_URL", c.LoginURL, loginURL, loginURL)
	if err != nil {
		return nil, err
	}
	api, err := hostapi.BaseAddress("BIGCOMMERCE_BASE_URL", c.BaseURL, apiURL, apiURL)
	if err != nil {
		return nil, err
	}
	return &host{config: *c, login: login, api: api, now: time.Now}, nil
}

// Info describes BigCommerce.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Create an app in the BigCommerce Developer Portal (https://devtools.bigcommerce.com). Under Technical enter our " +
			"install address as Auth Callback URL, and choose the scopes Orders: read-only, Order Transactions: read-only and " +
			"Information & Settings: read-only. Copy Client ID and Client Secret. Webhooks need no set-up: each store's are " +
			"made and looked after by this service.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
		Quota: hostapi.Quota{
			PerAccount: hostapi.Rate{Requests: quotaRequests, Per: quotaTime},
			Concurrent: concurrent,
		},
	}
}

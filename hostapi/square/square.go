// Package square reads sales and refunds from Square.
//
// API version 2026-05-20, by plain HTTP:
// https://developer.squareup.com/reference/square
//
// What to know about it
//
//   - Money is in integer minor units. A line's total_money is after discounts
//     and with tax, whether the tax was added or was in the price already, so
//     total less tax is right for both.
//     https://developer.squareup.com/docs/orders-api/apply-taxes-and-discounts
//   - Shipping has no field: what a checkout charges for it becomes a service
//     charge, told apart by its name and by the order having a shipment.
//     https://developer.squareup.com/docs/orders-api/service-charges
//   - A return is an order of its own, which names its sale in
//     returns[].source_order_id; an exchange has lines and returns. A refund of
//     an amount makes a return with one line CUSTOM_AMOUNT and no tax.
//     https://developer.squareup.com/docs/orders-api/order-returns-exchanges
//   - GET /v2/refunds lists money given back. It says whether a return was
//     really paid back, and is the only trace of a refund without a return.
//     An item belongs to the return order where there is one, so that nothing
//     counts twice. The payment, not the refund's order, leads to the sale.
//     https://developer.squareup.com/reference/square/refunds-api/list-payment-refunds
//   - Tills that were offline send their orders up to 72 hours late, with the
//     old created_at and a new updated_at; hence all reading goes by updated_at.
//   - A cursor of the order search lives five minutes. Ours holds the time it
//     has come to as well, so that a later process takes up the window there.
//     https://developer.squareup.com/docs/orders-api/manage-orders/search-orders
//   - Orders paid for online stay OPEN until they are fulfilled, and count then.
//
// What is not handled
//
//   - Addresses that are kept in the customer's profile only: reading them would
//     take one more permission. The order's own address or the location's is used.
//   - Tax on orders of delivery marketplaces, which the marketplace owes: Square
//     does not say reliably who collected it.
//   - When one of several partial refunds fails later, the ones after it keep
//     their cents until they are read again.
package square

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
)

const (
	title      = "Square"
	apiVersion = "2026-05-20"
	production = "https://connect.squareup.com"
	sandbox    = "https://connect.squareupsandbox.com"

	// lag covers refunds, which are listed "several seconds" after they were made.
	lag = time.Minute
	// lookback covers orders that were listed later than lag allows for. Late
	// tills need none of it: their orders get a new updated_at.
	lookback = time.Hour
	// parallel backfill windows: Square publishes no quota, and a merchant's
	// tills share it with us.
	parallel = 2
	// mapping is the version of Transform.
	mapping = 1
)

// Config is Square's part of the environment, with the prefix SQUARE.
type Config struct {
	ClientID     string `split_words:"true" desc:"Application ID of our app in the Square Developer Console"`
	ClientSecret string `split_words:"true" secret:"true" desc:"Application secret of the same app (OAuth page)"`
	Environment  string `split_words:"true" default:"production" desc:"production or sandbox"`
	WebhookKey   string `split_words:"true" secret:"true" desc:"Signature keys of the webhook subscription, comma-separated; empty: no webhooks"`
	WebhookURL   string `split_words:"true" desc:"Notification URL of that subscription, exactly as entered at Square"`
	BaseURL      string `split_words:"true" desc:"Address instead of Square's own, for tests"`
}

type host struct {
	config Config
	base   string
	plain  *http.Client // for calls that carry the application's secret instead of a merchant's token
	now    func() time.Time
	zones  hostapi.Zones
}

var (
	_ hostapi.Config     = (*Config)(nil)
	_ hostapi.Puller     = (*host)(nil)
	_ hostapi.Recounter  = (*host)(nil)
	_ hostapi.Fetcher    = (*host)(nil)
	_ hostapi.Authorizer = (*host)(nil)
	_ hostapi.Exchanger  = (*host)(nil)
	_ hostapi.Revoker    = (*host)(nil)
	_ hostapi.Waker      = (*host)(nil)
)

// Open checks the values.
func (c *Config) Open() (hostapi.Host, error) {
	if c.ClientID == "" {
		return nil, errors.New("SQUARE_CLIENT_ID is missing: the Application ID in the Square Developer Console")
	}
	if c.ClientSecret == "" {
		return nil, errors.New("SQUARE_CLIENT_SECRET is missing: the Application secret in the Square Developer Console")
	}
	if (c.WebhookKey == "") != (c.WebhookURL == "") {
		return nil, errors.New("SQUARE_WEBHOOK_KEY and SQUARE_WEBHOOK_URL belong together: set both, or neither")
	}
	base, err := c.address()
	if err != nil {
		return nil, err
	}
	return &host{config: *c, base: base, plain: rest.NewClient(rest.NewTransport()), now: time.Now}, nil
}

// address is where Square is.
func (c *Config) address() (string, error) {
	if c.BaseURL != "" {
		return hostapi.BaseAddress("SQUARE_BASE_URL", c.BaseURL, "", "https://connect.example.com")
	}
	switch c.Environment {
	case "production", "":
		return production, nil
	case "sandbox":
		return sandbox, nil
	}
	return "", fmt.Errorf("SQUARE_ENVIRONMENT should be production or sandbox")
}

// Info describes Square.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Create an app in the Square Developer Console (https://developer.squareup.com/apps). On its OAuth page " +
			"enter our callback address as redirect URL, and copy Application ID and Application secret. For news " +
			"within minutes, subscribe a webhook to order.created, order.updated, refund.created, refund.updated and " +
			"oauth.authorization.revoked.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
	}
}

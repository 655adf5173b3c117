// Package stripe reads payments and refunds from Stripe.
//
// API version 2026-08-26.dahlia, by plain HTTP, pinned by the Stripe-Version header:
// https://docs.stripe.com/api
//
// Merchants let us in by installing a Stripe App, by OAuth 2. Connect's OAuth
// is closed for this: Stripe takes no new platforms of that kind, and one with
// write access cannot attach accounts that another platform controls.
// https://docs.stripe.com/stripe-apps/api-authentication/oauth
//
// What to know about it
//
//   - One record is one payment: a PaymentIntent with its charge, the Checkout
//     Session, invoice and credit notes that belong to it, and its refunds. What
//     was sold is told by the first that is there of session, invoice, the
//     intent's amount_details, and the bare charge, which tells an amount only.
//     A payment with a session has the intent's id as key, one of an invoice the
//     invoice's, because several payments may pay one invoice.
//   - Nothing has an updated_at. News are read from the list of events, which
//     reaches back 30 days; an event only names what is then read afresh. Further
//     back, what was created in a window is listed. Lists run newest first.
//   - Nothing has a version, either. Ours is the instant up to which a reading
//     is certain to hold every change: see version.
//   - Events are shaped after the API version of the day they were made, so that
//     nothing but ids is taken from them. https://docs.stripe.com/api/events/object
//   - Money is in the currency's smallest unit, of which some currencies have
//     none and some a thousand. https://docs.stripe.com/currencies#zero-decimal
//   - A session's and an invoice's amounts are after discounts; tax may be in
//     the price or be added, and total less tax is right for both.
//   - A refund is an amount. A credit note that names it tells what it is made
//     of; without one it is divided as the sale was. A credit note that gives
//     credit instead of money is given back as well, under its own id, and one
//     from before the payment makes the sale smaller.
//   - A charge is dated when it was made, also if it was captured later: the
//     charge does not tell the moment of its capture.
//   - No list names the session or the invoice of a payment, so that each payment
//     takes one or two calls of its own, and more if it was refunded: some ten
//     payments a second at our quota.
//   - Test payments are told by livemode. They count where our own key is a test key.
//
// What is not handled
//
//   - Disputes: the sale stays, whoever wins. They are no refunds.
//   - Stripe Tax transactions: they are read by id only, and nothing names the id.
//   - Invoices that are paid in part: they count when the rest is paid.
//   - Charges of invoices from before there were intents (2019): Stripe no longer
//     tells their invoice, so that they are bare charges.
//   - Where goods are sent from: Stripe knows a postal code at most, and an
//     address needs a state. The target then takes the company's own.
//   - Checkout Sessions with Adaptive Pricing from before 2025-03-31: their
//     amounts are in the buyer's currency, and so is the item. Since then
//     presentment_details holds the buyer's currency, which is not looked at.
//   - Invoices that were settled outside Stripe and are older than the window
//     that is read back: the list goes by the day an invoice was made. Those that
//     are settled while we are connected are found by their event.
package stripe

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
)

const (
	title      = "Stripe"
	apiVersion = "2026-08-26.dahlia"
	apiBase    = "https://api.stripe.com"
	consent    = "https://marketplace.stripe.com/oauth/v2/authorize"

	// lag covers events, which are listed some seconds after what they tell of.
	lag = time.Minute
	// lookback covers events that were listed later than lag allows for.
	lookback = 15 * time.Minute
	// parallel backfill windows of one merchant share his quota; more would not be faster.
	parallel = 2
	// perSecond is how often we ask. Stripe allows 100 requests a second, and 25
	// to one endpoint (or 25 in all, in a sandbox). Nearly all of ours go to two
	// endpoints, and the merchant's own shop shares the limit with us.
	// https://docs.stripe.com/rate-limits
	perSecond = 20
	// atOnce bounds requests under way: Stripe limits these as well, without saying to how many.
	atOnce = 8
	// mapping is the version of Transform.
	mapping = 1
)

// Config is Stripe's part of the environment, with the prefix STRIPE.
type Config struct {
	ClientID      string `split_words:"true" desc:"Client ID of our Stripe App (ca_…), from its external test or settings page"`
	SecretKey     string `split_words:"true" secret:"true" desc:"Secret key of the account that owns the app (sk_live_…; a test key reads test payments)"`
	WebhookSecret string `split_words:"true" secret:"true" desc:"Signing secrets of the webhook endpoint (whsec_…), comma-separated; empty: no webhooks"`
	AuthorizeURL  string `split_words:"true" desc:"Install link without its parameters, while the app is not published; empty: Stripe's own"`
	BaseURL       string `split_words:"true" desc:"Address instead of Stripe's own, for tests"`
}

type host struct {
	config  Config
	base    string
	consent string
	live    bool         // whether live payments count, or those of test mode
	plain   *http.Client // for calls that carry our own key instead of a merchant's token
	now     func() time.Time
	zones   hostapi.Zones
}

var (
	_ hostapi.Config     = (*Config)(nil)
	_ hostapi.Puller     = (*host)(nil)
	_ hostapi.Backfiller = (*host)(nil)
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
		return nil, errors.New("STRIPE_CLIENT_ID is missing: the client ID of the Stripe App")
	}
	if c.SecretKey == "" {
		return nil, errors.New("STRIPE_SECRET_KEY is missing: the secret key of the account that owns the app")
	}
	live, test := c.mode()
	if live == test {
		return nil, errors.New("STRIPE_SECRET_KEY should begin with sk_live_ or sk_test_")
	}
	base, err := hostapi.BaseAddress("STRIPE_BASE_URL", c.BaseURL, apiBase, apiBase)
	if err != nil {
		return nil, err
	}
	authorize, err := hostapi.BaseAddress("STRIPE_AUTHORIZE_URL", c.AuthorizeURL, consent, consent)
	if err != nil {
		return nil, err
	}
	return &host{config: *c, base: base, consent: authorize, live: live, plain: rest.NewClient(rest.NewTransport()), now: time.Now}, nil
}

// mode says which data the key opens.
func (c *Config) mode() (live, test bool) {
	return strings.HasPrefix(c.SecretKey, "sk_live_"), strings.HasPrefix(c.SecretKey, "sk_test_")
}

// key is the header that says who we are, where no merchant's token is used:
// Basic, with the secret key as user and no password.
func (c *Config) key() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.SecretKey+":"))
}

// Info describes Stripe.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Create a Stripe App (https://docs.stripe.com/stripe-apps/create-app) whose manifest has stripe_api_access_type oauth, " +
			"distribution_type public, our callback address in allowed_redirect_uris, and the permissions connected_account_read, " +
			"event_read, charge_read, payment_intent_read, checkout_session_read, invoice_read and credit_note_read. Copy its client ID, and the " +
			"secret key of the account that owns it. For news within minutes, add a webhook endpoint for events on connected accounts.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
		Quota: hostapi.Quota{
			PerAccount: hostapi.Rate{Requests: perSecond, Per: time.Second},
			Concurrent: atOnce,
		},
	}
}

// Package quickbooks reads sales and refunds from QuickBooks Online.
//
// Accounting API v3, minor version 75, by plain HTTP:
// https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice
//
// What to know about it
//
//   - Sales are documents of four entities. SalesReceipt and Invoice become
//     sales, RefundReceipt and CreditMemo refunds. Ids are unique within a
//     company and entity only, so keys of records and items carry the entity:
//     "Invoice-264".
//   - Documents are listed by a query language, in the order of
//     MetaData.LastUpdatedTime. Positions in a list shift when something in it
//     changes, so each page begins with the last document of the page before;
//     where it is another one, the list starts again at the time it had come to.
//     https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
//   - Queries do not show what was deleted. Change data capture does, for 30
//     days and for at most 1000 objects; what it cannot tell is found by the
//     nightly recount, which asks for each document that is no longer listed.
//     https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
//   - A version is MetaData.LastUpdatedTime, to the second, and then the
//     SyncToken. The SyncToken alone is not enough: it stays when a payment
//     changes an invoice's balance. A deletion is the last version of its second.
//   - A voided document stays, with zero amounts and the note "Voided". It means
//     nothing any more, and what was sent for it is taken back, as for a deleted one.
//   - TxnDate is a calendar day of the company, without a time or a zone. It is
//     sent as the beginning of that day, which lies within the half-open day
//     that periods are cut by; the same in UTC, so that a target which asks for
//     UTC is told the same day.
//   - QuickBooks gives one tax for a document. Where a taxable line is shipping,
//     that tax is divided in proportion and the item marked for review. In
//     proportion to goods with a tax code other than NON: rates that differ
//     between lines are not told in a way that could be relied on.
//   - Discount lines have positive amounts, which are subtracted. A bundle's
//     amount is that of the lines within it.
//   - Invoices count on their own date whether paid or not, and credit memos
//     too (accrual). With QUICKBOOKS_BASIS=cash they wait until nothing is left
//     of their balance, and count on the day of the last payment.
//   - Addresses may be five lines of free text. State and ZIP code are read from
//     them where they stand as in US mail; else the item is set aside.
//   - Faults come as JSON in two spellings, and for throttling as XML, with
//     status 403 at times.
//   - The limits are per company and shared with its other apps: 500 requests a
//     minute, 10 a second, 10 at once.
//     https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
//
// What is not handled
//
//   - Sales that a connector has copied into QuickBooks from a shop or a till.
//     They look like all others here, so a merchant who has also connected that
//     shop files them twice. Nothing is guessed or marked: the help says so.
//   - Other currencies than a document's own: ExchangeRate and HomeTotalAmt are
//     not used, as the tax was charged in the document's currency. Companies
//     with one currency may leave it out; it is then US dollars, unless the
//     document has a field that only companies outside the US have.
//   - Tips and gift certificates that are booked as ordinary products: QuickBooks
//     does not tell them from goods.
//   - Sales that are booked without a document of the four: journal entries,
//     deposits, statement charges.
//   - Partial payments under cash basis, and a payment whose date is changed
//     later, as long as its invoice stays the same; the recount finds the latter.
package quickbooks

import (
	"errors"
	"net/http"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
)

const (
	title        = "QuickBooks"
	minorVersion = "75" // the only one since August 2025; said so that a later one does not surprise us

	production = "https://quickbooks.api.intuit.com"
	sandbox    = "https://sandbox-quickbooks.api.intuit.com"

	accrual = "accrual" // an invoice counts when it is made out
	cash    = "cash"    // and here when it is paid

	// lag covers the time between a change and its place in queries and change
	// data capture. Intuit names none; seconds are what people see.
	lag = time.Minute
	// lookback covers changes that were listed later than lag allows for.
	lookback = time.Hour
	// parallel backfill windows: two keep well within the company's 500 requests
	// a minute, which its other apps share.
	parallel = 2
	// perSecond is below both limits, 10 a second and 500 a minute, and spreads
	// what a quota by the minute would let through in one burst.
	perSecond = 8
	// concurrent is the limit for one company and app.
	concurrent = 10
	// mapping is the version of Transform.
	mapping = 1
)

// Config is QuickBooks' part of the environment, with the prefix QUICKBOOKS.
type Config struct {
	ClientID        string `split_words:"true" desc:"Client ID of our app in Intuit's developer portal, of the same environment"`
	ClientSecret    string `split_words:"true" secret:"true" desc:"Client secret of the same app"`
	Environment     string `split_words:"true" default:"production" desc:"production or sandbox"`
	Basis           string `split_words:"true" default:"accrual" desc:"accrual or cash: whether an invoice counts when it is made out or when it is paid"`
	WebhookVerifier string `split_words:"true" secret:"true" desc:"Verifier tokens of the app's webhooks, comma-separated; empty: no webhooks"`
	BaseURL         string `split_words:"true" desc:"Address instead of Intuit's own, for tests"`
}

type host struct {
	config Config
	at     addresses
	cash   bool
	plain  *http.Client // for calls that carry the app's secret instead of a merchant's token
	now    func() time.Time
}

var (
	_ hostapi.Config          = (*Config)(nil)
	_ hostapi.Puller          = (*host)(nil)
	_ hostapi.Recounter       = (*host)(nil)
	_ hostapi.Fetcher         = (*host)(nil)
	_ hostapi.Authorizer      = (*host)(nil)
	_ hostapi.Exchanger       = (*host)(nil)
	_ hostapi.CallbackChecker = (*host)(nil)
	_ hostapi.Revoker         = (*host)(nil)
	_ hostapi.Waker           = (*host)(nil)
)

// addresses are where Intuit is.
type addresses struct{ api, consent, token, revoke string }

// Open checks the values.
func (c *Config) Open() (hostapi.Host, error) {
	if c.ClientID == "" {
		return nil, errors.New("QUICKBOOKS_CLIENT_ID is missing: the Client ID in Intuit's developer portal, under Keys & credentials")
	}
	if c.ClientSecret == "" {
		return nil, errors.New("QUICKBOOKS_CLIENT_SECRET is missing: the Client Secret in Intuit's developer portal, under Keys & credentials")
	}
	if c.Basis != "" && c.Basis != accrual && c.Basis != cash {
		return nil, errors.New("QUICKBOOKS_BASIS should be accrual or cash")
	}
	at, err := c.addresses()
	if err != nil {
		return nil, err
	}
	return &host{config: *c, at: at, cash: c.Basis == cash, plain: rest.NewClient(rest.NewTransport()), now: time.Now}, nil
}

// addresses are Intuit's, or those of the stand-in. Both environments share the
// consent page and the token endpoint.
// https://developer.intuit.com/.well-known/openid_configuration
func (c *Config) addresses() (addresses, error) {
	at := addresses{ //nolint:gosec // addresses, no credentials
		consent: "https://appcenter.intuit.com/connect/oauth2",
		token:   "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
		revoke:  "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
	}
	if c.BaseURL != "" {
		base, err := hostapi.BaseAddress("QUICKBOOKS_BASE_URL", c.BaseURL, "", "https://quickbooks.example.com")
		return addresses{base, base + "/connect/oauth2", base + "/oauth2/v1/tokens/bearer", base + "/v2/oauth2/tokens/revoke"}, err
	}
	switch c.Environment {
	case "production", "":
		at.api = production
	case "sandbox":
		at.api = sandbox
	default:
		return at, errors.New("QUICKBOOKS_ENVIRONMENT should be production or sandbox")
	}
	return at, nil
}

// Info describes QuickBooks.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title: title,
		Help: "Create an app in Intuit's developer portal (https://developer.intuit.com) with the scope " +
			"com.intuit.quickbooks.accounting. Under Keys & credentials enter our callback address as redirect URI, and " +
			"copy Client ID and Client Secret. For news within minutes, enter our webhook address under Webhooks, in the " +
			"CloudEvents format, for Invoice, SalesReceipt, RefundReceipt and CreditMemo, and copy the verifier token. " +
			"Where a shop or till copies its sales into QuickBooks, connect only one of the two: QuickBooks does not tell " +
			"copies from sales of its own, and both would be filed.",
		Mapping:  mapping,
		Lag:      lag,
		Lookback: lookback,
		Parallel: parallel,
		Quota: hostapi.Quota{
			PerAccount: hostapi.Rate{Requests: perSecond, Per: time.Second},
			Concurrent: concurrent,
		},
	}
}

// Package sandbox reads orders and refunds from the stand-in shop system that
// comes with the extractor. It is the adapter to read first and to copy from:
// each step of it is a step of every other one, and nothing here is special
// because the host is a stand-in.
//
// An adapter answers four questions:
//
//  1. How are we let in?       oauth.go
//  2. What happened there?     pull.go (and split.go, which cuts a page into records; wake.go, by which we ask sooner)
//  3. What does it mean?       convert.go (and read.go, which reads an order)
//  4. What should be known of the host as a whole?   Info, below
//
// Everything else (when to ask, what to do when asking fails, what to keep, how
// to send it on) is done by the engine, in the same way for all hosts.
//
// What to know about this host
//
//   - Orders hold their refunds; any change of either raises the order's version
//     and its updatedAt.
//   - Money is written as decimals in strings: "12.34".
//   - A refund names the lines it gives back, or an amount only.
//   - Tips and gift cards sold are part of an order's total; a gift card that
//     somebody pays with is a payment, and leaves the sale as it is.
package sandbox

import (
	"errors"
	"net/http"
	"time"

	"extractor/hostapi"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// title is the host's name in sentences for people.
	title = "The sandbox shop"
	// lookback is how far each pull overlaps the one before it. The host lists
	// changes at once; two minutes are for clocks that disagree.
	lookback = 2 * time.Minute / models.Pace
	// parallel is how many windows of the past may be read at the same time: the
	// host has no quota. As long as it answers at once, the engine reads fewer.
	parallel = 8
	// window is how small they may be cut to be shared out: a request costs the host
	// nothing, so that one for a day without orders is no waste.
	window = 24 * time.Hour
	// mapping is the version of Transform. Raise it when Transform changes what it
	// makes of a record: what was refused is then tried again.
	mapping = 1
)

// Config is this host's part of the environment. The folder's name is the
// prefix, so the first field is read from SANDBOX_URL.
type Config struct {
	URL          string `split_words:"true" default:"http://localhost:8081" desc:"Address of the sandbox's shop system"`
	ClientID     string `split_words:"true" default:"sandbox-client" desc:"OAuth client ID of the extractor at the sandbox's shop system"`
	ClientSecret string `split_words:"true" secret:"true" default:"sandbox-secret" desc:"OAuth client secret to go with it"`
}

// host is the working type. It stays private: the engine knows it by the
// interfaces it implements.
type host struct {
	config Config
	base   string       // without a slash at the end
	plain  *http.Client // for calls that carry our own secret instead of a merchant's token
	zones  hostapi.Zones
}

// What the adapter can do, said where the reader looks first. The compiler
// holds it to that.
var (
	_ hostapi.Config     = (*Config)(nil)
	_ hostapi.Puller     = (*host)(nil) // the way in: we ask
	_ hostapi.Authorizer = (*host)(nil) // merchants let us in by OAuth 2
	_ hostapi.Revoker    = (*host)(nil) // and we can give the permission back
	_ hostapi.Recounter  = (*host)(nil) // there is a second road to the same orders
	_ hostapi.Waker      = (*host)(nil) // it tells us that there is news
	_ hostapi.Fetcher    = (*host)(nil) // and each can be read by its id
)

// Open checks the values and makes the host. An error names the variable and
// says what it should be, and never repeats a secret.
func (c *Config) Open() (hostapi.Host, error) {
	base, err := hostapi.BaseAddress("SANDBOX_URL", c.URL, "http://localhost:8081", "http://localhost:8081")
	if err != nil {
		return nil, err
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		return nil, errors.New("SANDBOX_CLIENT_ID and SANDBOX_CLIENT_SECRET should be those of the sandbox, or left out")
	}
	return &host{config: *c, base: base, plain: rest.NewClient(rest.NewTransport())}, nil
}

// Info describes the host to the engine and to people.
func (h *host) Info() hostapi.Info {
	return hostapi.Info{
		Title:    "Sandbox",
		Help:     "Nothing to set up: `extractor sandbox` starts the shop system and knows our client.",
		Mapping:  mapping,
		Lookback: lookback,
		Parallel: parallel,
		Window:   window,
	}
}

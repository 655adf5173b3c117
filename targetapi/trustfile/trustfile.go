// Package trustfile brings sales and refunds into Avalara's TrustFile.
//
// Two of its APIs are called: items (v3, TRUSTFILE_ITEMS_URL) and provisioning
// (v4, TRUSTFILE_APP_URL). The Transaction Routing Service is a newer door to
// the same data; TRUSTFILE_CONSUMER_SYSTEM chooses it.
//
// What is odd about it:
//   - An item is named by itemId and refund together: a sale and its refund may
//     share an id, two refunds may not.
//   - A POST creates or replaces; there is no delete and no version. The request
//     that arrives last wins, so an unclear outcome is sent again with the same
//     bytes, or read back.
//   - One bad item makes a 400 for the whole batch. Its dataPath names the
//     culprit most of the time.
//   - The amounts of refunds are positive on the way in and negative inside.
//   - transactionDate has no zone. We read it as the merchant's wall clock.
package trustfile

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"extractor/internal/rest"
	"extractor/models"
	"extractor/targetapi"
)

const (
	title = "TrustFile"
	// maxBatch is the most items that one POST may carry, by the API's contract.
	maxBatch = 1000
)

// Config is TrustFile's part of the environment, with the prefix TRUSTFILE. The
// token is the exception: its name is fixed for all extractors.
type Config struct {
	ItemsURL       string `split_words:"true" required:"true" desc:"the base address of TrustFile's items API, https and without a query (http on this machine only)" example:"https://api.trustfile.avalara.com/v3"`
	AppURL         string `split_words:"true" required:"true" desc:"the base address of TrustFile's provisioning API, https and without a query (http on this machine only)" example:"https://app.trustfile.avalara.com/v4"`
	Token          string `envconfig:"EXTRACTOR_TO_AVALARA_TOKEN" required:"true" secret:"true" desc:"the bearer that we present to Avalara's APIs, visible ASCII characters without a space"`
	DateZone       string `split_words:"true" default:"local" desc:"local or utc: the clock of transactionDate, the merchant's or UTC"`
	ConsumerSystem string `split_words:"true" desc:"the consumer behind the Transaction Routing Service, when TRUSTFILE_ITEMS_URL is that service's address; not set when it is TrustFile's own" example:"avalaraccount"`
	RoutingToken   string `split_words:"true" secret:"true" desc:"the bearer for the Transaction Routing Service, set together with TRUSTFILE_CONSUMER_SYSTEM"`
}

type target struct {
	items    rest.Caller
	itemsURL string // without a slash at its end
	appURL   string
	bearer   http.Header // for items
	appAuth  http.Header // for provisioning
	encoder  encoder
}

var (
	_ targetapi.Config      = (*Config)(nil)
	_ targetapi.Looker      = (*target)(nil)
	_ targetapi.Describer   = (*target)(nil)
	_ targetapi.Provisioner = (*target)(nil)
	_ targetapi.Homer       = (*target)(nil)
)

// Open checks the values and makes the target.
func (c *Config) Open() (targetapi.Target, error) {
	items, err := base("TRUSTFILE_ITEMS_URL", c.ItemsURL, "https://api.trustfile.avalara.com/v3")
	if err != nil {
		return nil, err
	}
	app, err := base("TRUSTFILE_APP_URL", c.AppURL, "https://app.trustfile.avalara.com/v4")
	if err != nil {
		return nil, err
	}
	bearer, appAuth, err := c.authorisations()
	if err != nil {
		return nil, err
	}
	encoder, err := c.encoder()
	if err != nil {
		return nil, err
	}
	caller := rest.Caller{Client: rest.NewClient(rest.NewTransport()), Title: title}
	return &target{items: caller, itemsURL: items, appURL: app, bearer: bearer, appAuth: appAuth, encoder: encoder}, nil
}

// Home is the web application, at the root of where its API is.
func (t *target) Home() string {
	u, err := url.Parse(t.appURL)
	if err != nil {
		return "" // checked by Open
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
}

// base checks a base address. Our bearer goes there, so it must be https,
// except on this very machine.
func base(name, value, example string) (string, error) {
	u, err := url.Parse(value)
	usable := err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
	if !usable || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return "", fmt.Errorf("%s is ill-formed: it should be an https address without a query, such as %s (http on this machine only)", name, example)
	}
	return strings.TrimRight(value, "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// authorisations makes the headers for items and for provisioning.
func (c *Config) authorisations() (items, app http.Header, err error) {
	if app, err = authorisation("EXTRACTOR_TO_AVALARA_TOKEN", c.Token); err != nil {
		return nil, nil, err
	}
	switch {
	case c.ConsumerSystem == "" && c.RoutingToken != "":
		return nil, nil, errors.New("TRUSTFILE_CONSUMER_SYSTEM is not set, but TRUSTFILE_ROUTING_TOKEN is: it should be set too, such as to avalaraccount")
	case c.ConsumerSystem != "" && c.RoutingToken == "":
		return nil, nil, errors.New("TRUSTFILE_ROUTING_TOKEN is not set, but TRUSTFILE_CONSUMER_SYSTEM is: it should be set too, to the bearer for the Transaction Routing Service")
	case c.ConsumerSystem == "":
		return app, app, nil
	}
	items, err = authorisation("TRUSTFILE_ROUTING_TOKEN", c.RoutingToken)
	return items, app, err
}

func authorisation(name, token string) (http.Header, error) {
	ok := token != ""
	for _, r := range token {
		ok = ok && r > ' ' && r < 0x7f
	}
	if !ok {
		return nil, fmt.Errorf("%s is ill-formed: it should be a bearer of visible ASCII characters without a space", name)
	}
	return http.Header{"Authorization": {"Bearer " + token}}, nil
}

func (c *Config) encoder() (encoder, error) {
	switch c.DateZone {
	case "", "local":
		return encoder{consumer: c.ConsumerSystem}, nil
	case "utc":
		return encoder{consumer: c.ConsumerSystem, utc: true}, nil
	}
	return encoder{}, errors.New("TRUSTFILE_DATE_ZONE is ill-formed: it should be local or utc")
}

// Info tells the batch size.
func (t *target) Info() targetapi.Info { return targetapi.Info{Title: title, Batch: maxBatch} }

// connection is the address of a connection, or of something beneath it.
func (t *target) connection(a targetapi.Account, beneath ...string) (string, error) {
	address := t.itemsURL + "/connections"
	for _, part := range append([]string{a.ConnectionID}, beneath...) {
		if part == "" || part == "." || part == ".." { // a path would lose them on the way
			return "", models.Errorf(models.NotFound, "%s cannot have anything under an empty or dotted name.", title)
		}
		address += "/" + url.PathEscape(part)
	}
	return address, nil
}

// Package publicnet calls addresses that a stranger typed in, and reaches only
// the public internet by it: an address could as well be our own database's, a
// neighbour's in the data centre, or the cloud's metadata service.
//
// What an address resolves to is checked when it is dialled, after DNS has
// spoken and for each address of its answer. A name that resolves to something
// else the second time is therefore checked the second time as well, and there
// is no way to write an address that means one thing to us and another to the
// dialler. Which networks are public is the word of the IANA's registries of
// special addresses, as code.dny.dev/ssrf keeps them: for IPv6 all but 2000::/3
// is refused, and with it every form that wraps an IPv4 address.
package publicnet

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"

	"extractor/internal/rest"
	"extractor/models"
)

const (
	// httpsPort is the one port that is dialled. Others are where the databases are.
	httpsPort = 443
	// connectTimeout is longer than for a host that we know to be up: a small site
	// may be far away.
	connectTimeout = 5 * time.Second
	// keepAlive finds a peer that went away without a word.
	keepAlive = 15 * time.Second
	// maxHeader is room for the cookies of a site with many plugins.
	maxHeader = 64 << 10
)

// Transport sends requests by HTTPS to public addresses, and to no others. It
// follows no redirects by itself; a client that does comes through here again.
type Transport struct {
	base *http.Transport
}

// NewTransport makes a Transport.
func NewTransport() *Transport {
	return newTransport(ssrf.New(ssrf.WithPorts(httpsPort)), nil, nil)
}

// newTransport is NewTransport with what tests stand in for: which addresses
// are let through, who resolves names, and whose certificates are good.
func newTransport(guard *ssrf.Guardian, names *net.Resolver, trust *tls.Config) *Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: keepAlive, Control: guard.Safe, Resolver: names}
	base := rest.NewTransport()
	base.Proxy = nil // a proxy would resolve the name again, beyond our check
	base.DialContext = dialer.DialContext
	base.TLSClientConfig = trust
	base.MaxResponseHeaderBytes = maxHeader
	return &Transport{base}
}

// RoundTrip implements http.RoundTripper. Its own refusals are of kind Unavailable.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, models.Errorf(models.Unavailable, "This address is not encrypted; we only call addresses that begin with https://.")
	}
	res, err := t.base.RoundTrip(req)
	if forbidden(err) {
		return nil, models.Errorf(models.Unavailable, "This address is not one of the public internet, so we do not call it. Check the address.").Because(err)
	}
	return res, err
}

// CloseIdleConnections closes what rests.
func (t *Transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// forbidden reports whether the guard stopped a dial.
func forbidden(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork)
}

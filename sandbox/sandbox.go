package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Defaults of Config. The secrets guard nothing: they are printed in the README.
const (
	DefaultClientID     = "sandbox-client"
	DefaultClientSecret = "sandbox-secret"
	DefaultToken        = "sandbox-extractor-to-avalara"
	DefaultRoutingToken = "sandbox-routing"
	defaultTokenLife    = 5 * time.Minute  // short, so that a demonstration sees tokens refreshed
	defaultGrace        = time.Minute      // how long a grace-mode server takes a rotated refresh token
	readHeaderTimeout   = 10 * time.Second // a client that sends no header is not worth a socket
	shutdownGrace       = time.Second      // then connections are cut: nothing here outlives the process
	loopbackAnyPort     = "127.0.0.1:0"
)

// Config says what world to start. The zero value is a whole one on free ports.
type Config struct {
	HostAddr      string        // "127.0.0.1:8081"; empty or port 0 = a free port
	TrustFileAddr string        // "127.0.0.1:8082"; likewise
	ClientID      string        // the OAuth client of the extractor
	ClientSecret  string        //
	RedirectURIs  []string      // allowed besides every address on localhost; globs such as "https://x.example/**"
	TokenLife     time.Duration // of access tokens; 0 = five minutes
	Grace         time.Duration // how long a rotated refresh token still works; 0 = a minute, negative = not at all
	Token         string        // the bearer TrustFile asks for
	RoutingToken  string        // the bearer of the Transaction Routing Service
	CountOnly     bool          // TrustFile keeps no items, only how many: for benchmarks
	Shops         []Shop        // the merchants; nil = DefaultShops
}

// World is a running sandbox.
type World struct {
	config    Config
	Host      *Host
	TrustFile *TrustFile
	hostURL   string
	targetURL string
	servers   []*http.Server
}

// Start starts a world. It ends by Close, or with ctx.
func Start(ctx context.Context, c Config) (*World, error) {
	w := &World{config: c.filled()}
	hostSocket, err := listen(ctx, w.config.HostAddr)
	if err != nil {
		return nil, err
	}
	targetSocket, err := listen(ctx, w.config.TrustFileAddr)
	if err != nil {
		return nil, errors.Join(err, hostSocket.Close())
	}
	if w.Host, err = newHost(w.config); err != nil {
		return nil, errors.Join(err, hostSocket.Close(), targetSocket.Close())
	}
	w.TrustFile = newTrustFile(w.config)
	w.hostURL = w.serve(hostSocket, w.Host)
	w.targetURL = w.serve(targetSocket, w.TrustFile)
	context.AfterFunc(ctx, func() { _ = w.Close() })
	return w, nil
}

// filled is c with its defaults.
func (c Config) filled() Config {
	c.ClientID = or(c.ClientID, DefaultClientID)
	c.ClientSecret = or(c.ClientSecret, DefaultClientSecret)
	c.Token = or(c.Token, DefaultToken)
	c.RoutingToken = or(c.RoutingToken, DefaultRoutingToken)
	c.HostAddr = or(c.HostAddr, loopbackAnyPort)
	c.TrustFileAddr = or(c.TrustFileAddr, loopbackAnyPort)
	c.TokenLife = or(c.TokenLife, defaultTokenLife)
	c.Grace = or(c.Grace, defaultGrace)
	if c.Shops == nil {
		c.Shops = DefaultShops()
	}
	return c
}

// or is v, or fallback when v is the zero value.
func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// serve serves h on socket and returns its base URL.
func (w *World) serve(socket net.Listener, h http.Handler) string {
	server := &http.Server{Handler: h, ReadHeaderTimeout: readHeaderTimeout}
	w.servers = append(w.servers, server)
	go func() { _ = server.Serve(socket) }() // ends with ErrServerClosed
	return "http://" + reachable(socket.Addr().String())
}

// reachable is an address to which a client on this machine can connect.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Close stops both servers. Requests under way get a second to end.
func (w *World) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	var all error
	for _, s := range w.servers {
		if s.Shutdown(ctx) != nil {
			all = errors.Join(all, s.Close())
		}
	}
	return all
}

// HostURL is the shop system's base URL, without a slash at the end.
func (w *World) HostURL() string { return w.hostURL }

// TrustFileURL is TrustFile's base URL, without a slash at the end.
func (w *World) TrustFileURL() string { return w.targetURL }

// ItemsURL is the base of the items API, for TRUSTFILE_ITEMS_URL.
func (w *World) ItemsURL() string { return w.targetURL + itemsBase }

// RoutingURL is the base of the Transaction Routing Service.
func (w *World) RoutingURL() string { return w.targetURL + routingBase }

// AppURL is the base of the provisioning API, for TRUSTFILE_APP_URL.
func (w *World) AppURL() string { return w.targetURL + appBase }

// SuccessURL is where the popup may send the browser when it is done.
func (w *World) SuccessURL() string { return w.targetURL + successPath }

// ClientID is the extractor's OAuth client at the host.
func (w *World) ClientID() string { return w.config.ClientID }

// ClientSecret is that client's secret.
func (w *World) ClientSecret() string { return w.config.ClientSecret }

// Token is the bearer TrustFile asks for.
func (w *World) Token() string { return w.config.Token }

// RoutingToken is the bearer of the Transaction Routing Service.
func (w *World) RoutingToken() string { return w.config.RoutingToken }

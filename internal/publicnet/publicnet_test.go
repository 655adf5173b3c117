package publicnet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/dns/dnsmessage"

	"extractor/internal/rest"
	"extractor/models"
)

// canary listens where nobody may come by, and counts who does.
type canary struct {
	net.Listener
	visits atomic.Int64
}

func newCanary(t *testing.T, network, address string) *canary {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	c := &canary{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.visits.Add(1)
			conn.Close()
		}
	}()
	return c
}

func (c *canary) port() uint16 { return uint16(c.Addr().(*net.TCPAddr).Port) }

// alone makes sure that nobody came.
func (c *canary) alone(t *testing.T, what string) {
	t.Helper()
	time.Sleep(20 * time.Millisecond) // a connection is counted by another goroutine
	if n := c.visits.Swap(0); n > 0 {
		t.Errorf("%s: %d connections where nobody may come", what, n)
	}
}

// names is a DNS server on the loopback that gives each question the next of its
// answers; the last one stays. It makes the resolver of a Transport.
func names(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go answerNames(server, answers)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func answerNames(server net.PacketConn, answers []string) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := server.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q := m.Questions[0]; len(answers) > 0 && resource(netip.MustParseAddr(answers[0]), q.Type) != nil {
			header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			m.Answers = []dnsmessage.Resource{{Header: header, Body: resource(netip.MustParseAddr(answers[0]), q.Type)}}
			answers = answers[min(1, len(answers)-1):]
		}
		packed, err := m.Pack()
		if err == nil {
			_, _ = server.WriteTo(packed, from)
		}
	}
}

// resource is the record of an address; nil when the question is for the other family.
func resource(a netip.Addr, q dnsmessage.Type) dnsmessage.ResourceBody {
	switch {
	case a.Is4() && q == dnsmessage.TypeA:
		return &dnsmessage.AResource{A: a.As4()}
	case a.Is6() && q == dnsmessage.TypeAAAA:
		return &dnsmessage.AAAAResource{AAAA: a.As16()}
	}
	return nil
}

func get(t *testing.T, client *http.Client, address string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	res.Body.Close()
	return res.StatusCode, nil
}

// hostile are hosts that lead to a listener on this machine, or would.
var hostile = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
	"[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fec0::1]", "[ff02::1]",
	"[2001:db8::1]", "[3fff::1]", "[100::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]",
	"192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
	"localhost", "localhost.", "LOCALHOST", "db.localhost", "127.0.0.1.", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
	"127.1", "localtest.example.com", "ip6-localhost",
}

// Whatever form an address has, nothing on this machine is reached by it, even
// where its port is one that may be dialled.
func TestHostileAddressesReachNothing(t *testing.T) {
	t.Parallel()
	for _, at := range []struct{ network, address, named string }{{"tcp4", "127.0.0.1:0", "127.0.0.1"}, {"tcp6", "[::1]:0", "::1"}} {
		t.Run(at.network, func(t *testing.T) {
			t.Parallel()
			c := newCanary(t, at.network, at.address)
			transport := newTransport(ssrf.New(ssrf.WithPorts(c.port())), names(t, at.named), nil)
			for _, host := range hostile {
				status, err := get(t, rest.NewClient(transport), fmt.Sprintf("https://%s:%d/", host, c.port()))
				if err == nil {
					t.Errorf("%s answered %d", host, status)
				}
			}
			c.alone(t, "hostile addresses")
		})
	}
}

// The refusal is the guard's, not an accident of this machine's network.
func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	for _, host := range hostile {
		address, err := netip.ParseAddr(strings.Trim(strings.Replace(host, "%25", "%", 1), "[]"))
		if err != nil { // a name, which is looked up
			continue
		}
		_, err = get(t, rest.NewClient(NewTransport()), "https://"+host+"/")
		if models.KindOf(err) != models.Unavailable || !errors.Is(err, ssrf.ErrProhibitedIP) {
			t.Errorf("%v: %v", address, err)
		}
	}
}

func TestPublicAddressesPass(t *testing.T) {
	t.Parallel()
	guard := ssrf.New(ssrf.WithPorts(httpsPort))
	for _, address := range []string{"1.1.1.1:443", "[2606:4700:4700::1111]:443", "198.20.0.1:443", "172.32.0.1:443", "100.128.0.1:443"} {
		if err := guard.SafeAddrPort(netip.MustParseAddrPort(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Other ports and plain HTTP are refused before anything is dialled.
func TestOnlyHTTPS(t *testing.T) {
	t.Parallel()
	c := newCanary(t, "tcp4", "127.0.0.1:0")
	client := rest.NewClient(NewTransport())
	for _, address := range []string{
		"http://example.com/", fmt.Sprintf("http://127.0.0.1:%d/", c.port()), fmt.Sprintf("https://127.0.0.1:%d/", c.port()), "https://1.1.1.1:8443/", "ftp://example.com/",
	} {
		if _, err := get(t, client, address); models.KindOf(err) != models.Unavailable {
			t.Errorf("%s: %v", address, err)
		}
	}
	c.alone(t, "other ports")
}

// site is an HTTPS server that stands for one on the public internet: the one
// address of the loopback that the transport lets through.
func site(t *testing.T, handler http.HandlerFunc) (*httptest.Server, uint16) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has no second loopback address: %v", err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = l
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, uint16(l.Addr().(*net.TCPAddr).Port)
}

// reaching makes a transport that takes the site for public.
func reaching(server *httptest.Server, names *net.Resolver, ports ...uint16) *Transport {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	guard := ssrf.New(ssrf.WithPorts(ports...), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.2/32")))
	return newTransport(guard, names, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
}

// A name that means a public address first and this machine afterwards is
// followed once, and refused afterwards.
func TestNameThatChangesItsMind(t *testing.T) {
	t.Parallel()
	server, port := site(t, func(http.ResponseWriter, *http.Request) {})
	c := newCanary(t, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	transport := reaching(server, names(t, "127.0.0.2", "127.0.0.1"), port)
	address := fmt.Sprintf("https://example.com:%d/", port)
	if status, err := get(t, rest.NewClient(transport), address); err != nil || status != http.StatusOK {
		t.Fatalf("the public address: %d, %v", status, err)
	}
	transport.CloseIdleConnections()
	if _, err := get(t, rest.NewClient(transport), address); !errors.Is(err, ssrf.ErrProhibitedIP) {
		t.Errorf("the second answer: %v", err)
	}
	c.alone(t, "a name that changes")
}

// A redirect is not followed by our clients, and by one that follows it is
// checked like any address.
func TestRedirects(t *testing.T) {
	t.Parallel()
	c := newCanary(t, "tcp4", "127.0.0.1:0")
	for _, scheme := range []string{"https", "http"} {
		server, port := site(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fmt.Sprintf("%s://127.0.0.1:%d/", scheme, c.port()), http.StatusFound)
		})
		transport := reaching(server, names(t, "127.0.0.2"), port, c.port())
		address := fmt.Sprintf("https://example.com:%d/", port)
		if status, err := get(t, rest.NewClient(transport), address); err != nil || status != http.StatusFound {
			t.Errorf("%s: not followed: %d, %v", scheme, status, err)
		}
		if _, err := get(t, &http.Client{Transport: transport}, address); models.KindOf(err) != models.Unavailable {
			t.Errorf("%s: followed: %v", scheme, err)
		}
		c.alone(t, "a redirect to "+scheme)
	}
}

// A proxy of the environment is not asked: it would look the name up itself.
func TestNoProxy(t *testing.T) {
	c := newCanary(t, "tcp4", "127.0.0.1:0")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://"+c.Addr().String())
	}
	server, port := site(t, func(http.ResponseWriter, *http.Request) {})
	transport := reaching(server, names(t, "127.0.0.2"), port)
	if transport.base.Proxy != nil {
		t.Error("there is a proxy")
	}
	if status, err := get(t, rest.NewClient(transport), fmt.Sprintf("https://example.com:%d/", port)); err != nil || status != http.StatusOK {
		t.Errorf("%d, %v", status, err)
	}
	c.alone(t, "a proxy")
}

// A certificate that is not the name's is no answer.
func TestCertificates(t *testing.T) {
	t.Parallel()
	server, port := site(t, func(http.ResponseWriter, *http.Request) { t.Error("a request came through") })
	server.Config.ErrorLog = nil
	transport := reaching(server, names(t, "127.0.0.2"), port)
	if _, err := get(t, rest.NewClient(transport), fmt.Sprintf("https://example.org:%d/", port)); err == nil {
		t.Error("another name's certificate was taken")
	}
}

// Headers without end are cut off.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	server, port := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 4*maxHeader))
	})
	transport := reaching(server, names(t, "127.0.0.2"), port)
	if _, err := get(t, rest.NewClient(transport), fmt.Sprintf("https://example.com:%d/", port)); err == nil {
		t.Error("endless headers were read")
	}
}

package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/internal/pgtest"
	"extractor/sandbox"
)

// slowRoad is a proxy in front of a host. It holds back the first answer that
// lists the past and holds an order, until it is told to let go.
type slowRoad struct {
	held, release chan struct{}
	once          sync.Once
}

func newSlowRoad(t *testing.T, host string) (*slowRoad, string) {
	t.Helper()
	to, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	r := &slowRoad{held: make(chan struct{}), release: make(chan struct{})}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = p.In.Host },
		ModifyResponse: r.hold,
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return r, server.URL
}

func (r *slowRoad) hold(res *http.Response) error {
	from, err := time.Parse(time.RFC3339Nano, res.Request.URL.Query().Get("updated_from"))
	if strings.HasSuffix(res.Request.URL.Path, "/api/orders") && err == nil && time.Since(from) > time.Hour && res.ContentLength > 200 {
		r.once.Do(func() {
			close(r.held)
			<-r.release
		})
	}
	return nil
}

// TestOlderReadingOfAnotherLaneComesTooLate: the lane of the past has read an
// order and is slow to bring it; meanwhile the order changes, and the lane of
// the news brings that. What the slow one brings then is old, and stays out.
func TestOlderReadingOfAnotherLaneComesTooLate(t *testing.T) {
	s := &stage{t: t, db: pgtest.URL(t)}
	s.raise(sandbox.Config{})
	road, address := newSlowRoad(t, s.world.HostURL())
	t.Setenv("SANDBOX_URL", address)
	s.open()
	s.host("/control/orders", map[string]any{"account": "shop-1", "count": 3, "from": days(5), "seed": 5})
	s.connect("c", "shop-1", days(40))
	select {
	case <-road.held:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody reads the past")
	}
	order := s.world.Host.Truth("shop-1")[1]
	s.host("/control/orders/"+order.ID+"/edit", map[string]any{"amount": "12.34"})
	s.eventually(30*time.Second, func() string {
		if len(s.world.TrustFile.Items("c")) == 0 {
			return "the change has not arrived"
		}
		return ""
	})
	close(road.release)
	s.eventually(30*time.Second, func() string { return s.settled("shop-1", "c") })
	for _, item := range s.world.TrustFile.Items("c") {
		if item.ItemID == order.ID && len(item.Versions) != 1 {
			t.Errorf("the changed order was sent %d times", len(item.Versions))
		}
	}
}

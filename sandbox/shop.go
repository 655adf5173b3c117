package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// Shop is one merchant of the stand-in host.
type Shop struct {
	ID        string `json:"id"` // the account's id at the host
	Name      string `json:"name"`
	Zone      string `json:"zone"` // IANA
	Email     string `json:"email"`
	Phone     string `json:"phone"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Line1     string `json:"line1"`
	City      string `json:"city"`
	State     string `json:"state"`
	Zip       string `json:"zip"`
	Country   string `json:"country"`
}

// DefaultShops are the merchants of a world that names none: one on each side
// of the continent, one without daylight saving time, one far west.
func DefaultShops() []Shop {
	at := func(id, name, zone, city, state, zip string) Shop {
		return Shop{
			ID: id, Name: name, Zone: zone, Email: id + "@shop.example", Phone: "+15550100", FirstName: "Sam", LastName: "Example",
			Line1: "1 Main St", City: city, State: state, Zip: zip, Country: "US",
		}
	}
	return []Shop{
		at("shop-1", "Harbor Goods", "America/New_York", "New York", "NY", "10001"),
		at("shop-2", "Sunset Supply", "America/Los_Angeles", "Los Angeles", "CA", "90012"),
		at("shop-3", "Desert Threads", "America/Phoenix", "Phoenix", "AZ", "85003"),
		at("shop-4", "Island Crafts", "Pacific/Honolulu", "Honolulu", "HI", "96813"),
	}
}

// firstOrder is the first order's id: long, as real ones are.
const firstOrder = 5_000_000_000_001

// Host is the stand-in shop system.
type Host struct {
	mux      *http.ServeMux
	shops    []*shopState
	tokens   *tokens
	provider op.OpenIDProvider
	prints   map[string][]*blueprint
	faults   faults
	holds    holds
	next     atomic.Int64 // the next order's id
}

// shopState is a shop, its orders and what was asked of it.
type shopState struct {
	Shop
	orders *orders
	mu     sync.Mutex
	stats  ShopStats
}

// ShopStats counts what was asked for one shop.
type ShopStats struct {
	Pages       int   `json:"pages"`    // answered listings
	Requests    int   `json:"requests"` // all API requests, refused ones too
	Orders      int   `json:"orders"`   // it has
	Grants      int   `json:"grants"`   // consents given
	Refreshes   int   `json:"refreshes"`
	Refused     int   `json:"refusedRefreshes"` // with a dead refresh token
	Revocations int   `json:"revocations"`
	InFlight    int   `json:"inFlight"`
	MaxInFlight int   `json:"maxInFlight"`
	LastRequest int64 `json:"lastRequest"` // Unix milliseconds
}

func newHost(c Config) (*Host, error) {
	h := &Host{mux: http.NewServeMux(), prints: newBlueprints()}
	h.next.Store(firstOrder)
	for _, s := range c.Shops {
		if _, err := time.LoadLocation(s.Zone); err != nil {
			return nil, err
		}
		h.shops = append(h.shops, &shopState{Shop: s, orders: newOrders(s)})
	}
	if err := h.openOAuth(c); err != nil {
		return nil, err
	}
	h.route()
	return h, nil
}

// ServeHTTP serves the API, OAuth, the control API and the page.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Host) route() {
	h.mux.HandleFunc("GET /api/orders", h.authorised(doorOrders, h.listOrders))
	h.mux.HandleFunc("GET /api/shop", h.authorised(doorShop, h.showShop))

	h.routeOAuth()
	h.mux.HandleFunc("GET "+consentPath, h.askConsent)
	h.mux.HandleFunc("POST "+consentPath, h.takeConsent)

	h.mux.HandleFunc("POST /control/orders", h.controlMake)
	h.mux.HandleFunc("GET /control/orders", h.controlTruth)
	h.mux.HandleFunc("POST /control/orders/{id}/refund", h.controlRefund)
	h.mux.HandleFunc("POST /control/orders/{id}/cancel", h.controlCancel)
	h.mux.HandleFunc("POST /control/orders/{id}/edit", h.controlEdit)
	h.mux.HandleFunc("POST /control/faults", h.controlFaults)
	h.mux.HandleFunc("POST /control/grants", h.controlGrant)
	h.mux.HandleFunc("GET /control/stats", h.controlStats)
	h.mux.HandleFunc("GET /{$}", h.page)
}

// shop finds a shop by its id; nil when there is none.
func (h *Host) shop(id string) *shopState {
	at := slices.IndexFunc(h.shops, func(s *shopState) bool { return s.ID == id })
	if at < 0 {
		return nil
	}
	return h.shops[at]
}

// count changes a shop's counters.
func (s *shopState) count(f func(*ShopStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// Stats is what was asked of each shop so far.
func (h *Host) Stats() map[string]ShopStats {
	all := map[string]ShopStats{}
	for _, s := range h.shops {
		s.count(func(n *ShopStats) { all[s.ID] = *n })
		n := all[s.ID]
		n.Orders = s.orders.len()
		all[s.ID] = n
	}
	return all
}

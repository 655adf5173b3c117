package sandbox

import (
	"maps"
	"net/http"
	"slices"
)

// Items are the items of a connection, with all versions received.
func (t *TrustFile) Items(connectionID string) []Held { return t.book(connectionID).history() }

// Requests are the POSTs of items of a connection, oldest first.
func (t *TrustFile) Requests(connectionID string) []Request { return t.book(connectionID).log() }

// Stats is what was given for each connection.
func (t *TrustFile) Stats() map[string]BookStats {
	all := map[string]BookStats{}
	for id, b := range t.allBooks() {
		all[id] = b.stats()
	}
	return all
}

func (t *TrustFile) allBooks() map[string]*book {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.books)
}

// AddFault puts a fault in force.
func (t *TrustFile) AddFault(f Fault) { t.faults.add(f) }

// ClearFaults ends all faults.
func (t *TrustFile) ClearFaults() { t.faults.clear() }

// controlItems answers GET /control/items?connectionId=.
func (t *TrustFile) controlItems(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"items": t.Items(r.URL.Query().Get("connectionId"))})
}

// controlRequests answers GET /control/requests?connectionId=.
func (t *TrustFile) controlRequests(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"requests": t.Requests(r.URL.Query().Get("connectionId"))})
}

// controlStats answers GET /control/stats.
func (t *TrustFile) controlStats(w http.ResponseWriter, _ *http.Request) {
	all := t.Stats()
	sum := BookStats{}
	for _, s := range all {
		sum.Items += s.Items
		sum.Received += s.Received
		sum.Requests += s.Requests
		sum.InFlight += s.InFlight
		sum.MaxInFlight = max(sum.MaxInFlight, s.MaxInFlight)
	}
	answer(w, http.StatusOK, map[string]any{
		"items": sum.Items, "received": sum.Received, "requests": sum.Requests, "connections": all, "companies": t.Companies(),
	})
}

// controlFaults answers POST /control/faults: puts one in force, or ends all with an empty body.
func (t *TrustFile) controlFaults(w http.ResponseWriter, r *http.Request) {
	controlFaults(w, r, t, "TrustFile", targetFaults)
}

var targetFaults = []string{
	FaultRefuse, FaultToken, FaultUnknown, FaultTooLarge, FaultThrottle, FaultError, FaultHTML,
	FaultTimeout, FaultLate, FaultSlow, FaultPartial,
}

// controlReset answers POST /control/reset: forgets all items and requests.
func (t *TrustFile) controlReset(w http.ResponseWriter, _ *http.Request) {
	t.mu.Lock()
	t.books = map[string]*book{}
	t.mu.Unlock()
	answer(w, http.StatusOK, map[string]bool{"success": true})
}

// success answers the page a popup ends on.
func (t *TrustFile) success(w http.ResponseWriter, _ *http.Request) { show(w, "success.html", nil) }

// app answers the page that stands for the TrustFile web application.
func (t *TrustFile) app(w http.ResponseWriter, _ *http.Request) { show(w, "app.html", nil) }

// bookView is a connection as the page shows it. The id is a bearer, so the
// page shows its beginning.
type bookView struct {
	Name  string
	ID    string
	Stats BookStats
	Items []Held
	More  int
}

// shown is how many items the page shows of each connection.
const shown = 100

// page answers GET /: what TrustFile was given.
func (t *TrustFile) page(w http.ResponseWriter, _ *http.Request) {
	var all []bookView
	books := t.allBooks()
	for _, id := range slices.Sorted(maps.Keys(books)) {
		items := books[id].history()
		v := bookView{Name: t.companyOf(id).Name, ID: short(id), Stats: books[id].stats(), Items: items}
		if len(items) > shown {
			v.Items, v.More = items[len(items)-shown:], len(items)-shown
		}
		all = append(all, v)
	}
	show(w, "trustfile.html", all)
}

// idShown is how much of a connection's id a person needs to tell it from others.
const idShown = 8

func short(id string) string {
	if len(id) <= idShown {
		return id
	}
	return id[:idShown] + "…"
}

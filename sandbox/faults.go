package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The kinds of Fault. Which neighbour knows which is said in shop_control.go and
// trustfile_control.go.
const (
	FaultThrottle = "429"     // asks to come later, with RetryAfter
	FaultError    = "500"     // a fault of its own
	FaultSlow     = "slow"    // answers well, after DelayMS
	FaultTorn     = "torn"    // a complete answer that holds half a JSON text
	FaultCut      = "cut"     // the connection ends in the middle of the answer
	FaultHTML     = "html"    // status 200 with a web page
	FaultRepeat   = "repeat"  // the same page is served once more before the next
	FaultEmpty    = "empty"   // a page without records that says there is more
	FaultLate     = "late"    // host: changes are listed only after DelayMS; TrustFile: applied after DelayMS, the answer is lost
	FaultDropped  = "dropped" // orders absent from the listing by updated time
	FaultRevoked  = "revoked" // the merchant takes the access back
	FaultExpired  = "expired" // access tokens die before their time; refresh tokens live
	FaultLost     = "lost"    // the refresh token is rotated, and the answer is lost
	FaultRefuse   = "400"     // names the items of Items as culprits, or ".items" when DataPath says so
	FaultToken    = "401"     // our bearer is bad
	FaultUnknown  = "404"     // the connection is not known
	FaultTooLarge = "413"     // batches above Limit items are too large
	FaultTimeout  = "timeout" // applied, then no answer for DelayMS, then the connection is cut
	FaultPartial  = "partial" // the first half is applied, and processed says so
)

// Fault is one way to misbehave, in force until it is cleared or used up.
type Fault struct {
	Kind         string   `json:"kind"`
	Door         string   `json:"door,omitempty"`         // host: "orders" (default), "token" or "shop"
	Account      string   `json:"account,omitempty"`      // host: this merchant only
	ConnectionID string   `json:"connectionId,omitempty"` // TrustFile: this connection only
	Count        int      `json:"count,omitempty"`        // so many requests (dropped: orders); 0 = until cleared
	DelayMS      int      `json:"delayMs,omitempty"`
	RetryAfter   string   `json:"retryAfter,omitempty"` // the header as it is; default "1"
	Orders       []string `json:"orders,omitempty"`     // dropped: these
	Items        []string `json:"items,omitempty"`      // 400: these item ids; late: batches with one of them only
	DataPath     string   `json:"dataPath,omitempty"`   // 400: property named (".salesTax"), or ".items" for none by index
	Limit        int      `json:"limit,omitempty"`      // 413: most items that pass
}

// Delay is how long the fault delays.
func (f Fault) Delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

// faults are the faults in force at one server.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// add puts f in force.
func (fs *faults) add(f Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = append(fs.list, &f)
}

// clear ends all of them.
func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// take uses the oldest fault that matches, and drops it when it is used up.
func (fs *faults) take(matches func(*Fault) bool) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	at := slices.IndexFunc(fs.list, matches)
	if at < 0 {
		return Fault{}, false
	}
	f := *fs.list[at]
	if f.Count == 1 {
		fs.list = slices.Delete(fs.list, at, at+1)
	} else if f.Count > 1 {
		fs.list[at].Count--
	}
	return f, true
}

// look finds the oldest fault that matches without using it up.
func (fs *faults) look(matches func(*Fault) bool) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	at := slices.IndexFunc(fs.list, matches)
	if at < 0 {
		return Fault{}, false
	}
	return *fs.list[at], true
}

// faulty is a neighbour that can be told to misbehave.
type faulty interface {
	AddFault(Fault)
	ClearFaults()
}

// controlFaults puts the fault of the body in force, one of the kinds that the
// neighbour knows, or ends all faults when the body is empty.
func controlFaults(w http.ResponseWriter, r *http.Request, who faulty, title string, known []string) {
	var f Fault
	if !read(w, r, &f) {
		return
	}
	switch {
	case f.Kind == "":
		who.ClearFaults()
	case !slices.Contains(known, f.Kind):
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%s knows the faults %v.", title, known))
		return
	default:
		who.AddFault(f)
	}
	answer(w, http.StatusOK, map[string]bool{"success": true})
}

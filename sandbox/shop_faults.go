package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// on matches faults of a door and a merchant, of the given kinds.
func (h *Host) on(door, account string, kinds ...string) func(*Fault) bool {
	return func(f *Fault) bool {
		return or(f.Door, doorOrders) == door && (f.Account == "" || f.Account == account) && slices.Contains(kinds, f.Kind)
	}
}

// misbehave lets a fault act before the request is worked on, and reports
// whether it has answered.
func (h *Host) misbehave(w http.ResponseWriter, r *http.Request, door string, s *shopState) bool {
	if f, ok := h.faults.take(h.on(door, s.ID, FaultSlow)); ok && !wait(r.Context(), f.Delay()) {
		return true
	}
	f, ok := h.faults.take(h.on(door, s.ID, FaultThrottle, FaultError, FaultHTML))
	if ok {
		answerFault(w, f)
	}
	return ok
}

// answerFault answers as the fault says.
func answerFault(w http.ResponseWriter, f Fault) {
	switch f.Kind {
	case FaultThrottle:
		w.Header().Set("Retry-After", or(f.RetryAfter, "1"))
		refuse(w, http.StatusTooManyRequests, "Too many requests. Please slow down.")
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Maintenance</title><p>We will be back soon.</p>"))
	default:
		refuse(w, http.StatusInternalServerError, "Something went wrong on our side.")
	}
}

// writePage writes a page of orders, whole or as a fault breaks it.
func (h *Host) writePage(w http.ResponseWriter, page []byte, s *shopState) {
	f, ok := h.faults.take(h.on(doorOrders, s.ID, FaultTorn, FaultCut))
	switch {
	case !ok:
		writeBody(w, page)
	case f.Kind == FaultTorn:
		writeBody(w, page[:len(page)/2])
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000000000")
		_, _ = w.Write(page[:len(page)/2])
		hangUp()
	}
}

// tokenDoor lets faults act on the token endpoint.
func (h *Host) tokenDoor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer h.tokens.enter()()
		defer h.tokens.keep(r)()
		if f, ok := h.faults.take(h.onToken(FaultSlow)); ok && !wait(r.Context(), f.Delay()) {
			return
		}
		if f, ok := h.faults.take(h.onToken(FaultThrottle, FaultError, FaultHTML)); ok {
			answerFault(w, f)
			return
		}
		if _, ok := h.faults.take(h.onToken(FaultLost)); ok {
			next.ServeHTTP(lost{}, r)
			hangUp()
		}
		next.ServeHTTP(w, r)
	})
}

func (h *Host) onToken(kinds ...string) func(*Fault) bool {
	return func(f *Fault) bool { return f.Door == doorToken && slices.Contains(kinds, f.Kind) }
}

// visibleFrom is when a change made now is listed.
func (h *Host) visibleFrom(account string) time.Time {
	f, ok := h.faults.look(h.on(doorOrders, account, FaultLate))
	if !ok {
		return time.Time{}
	}
	return time.Now().Add(f.Delay())
}

// AddFault puts a fault in force.
func (h *Host) AddFault(f Fault) {
	switch f.Kind {
	case FaultDropped:
		h.eachShop(f.Account, func(s *shopState) { s.orders.drop(orderIDs(f.Orders), f.Count) })
	case FaultRevoked:
		h.eachShop(f.Account, func(s *shopState) { h.tokens.revokeShop(s.ID) })
	case FaultExpired:
		h.eachShop(f.Account, func(s *shopState) { h.tokens.expireShop(s.ID) })
	default:
		h.faults.add(f)
	}
}

// ClearFaults ends all faults. What was revoked stays revoked.
func (h *Host) ClearFaults() {
	h.faults.clear()
	h.eachShop("", func(s *shopState) { s.orders.show() })
}

func (h *Host) eachShop(account string, f func(*shopState)) {
	for _, s := range h.shops {
		if account == "" || s.ID == account {
			f(s)
		}
	}
}

// lost is an answer that goes nowhere.
type lost struct{}

func (lost) Header() http.Header            { return http.Header{} }
func (lost) Write(text []byte) (int, error) { return len(text), nil }
func (lost) WriteHeader(int)                {}

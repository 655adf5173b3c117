package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// TokenCall is one call of the token endpoint with a refresh token: a history
// that only grows, for those who ask whether refreshes ever met.
type TokenCall struct {
	Shop    string    `json:"shop"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // answered, or given up by the client
	Renewed bool      `json:"renewed"`        // a new pair was made, whether or not it arrived
}

// TokenCalls are all calls with a refresh token so far, oldest first.
func (h *Host) TokenCalls() []TokenCall { return h.tokens.history() }

func (t *tokens) history() []TokenCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]TokenCall, len(t.log))
	for i, c := range t.log {
		all[i] = *c
	}
	return all
}

// keep notes a call, if it shows a refresh token that was ever given, and gives
// the function that notes its end.
func (t *tokens) keep(r *http.Request) (end func()) {
	shown := r.PostFormValue("refresh_token")
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.refresh[shown]
	if g == nil {
		return func() {}
	}
	c := &TokenCall{Shop: g.shop, Started: time.Now()}
	t.log = append(t.log, c)
	stop := make(chan struct{})
	go func() { // who gave up is no longer in flight
		select {
		case <-r.Context().Done():
		case <-stop:
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		c.Ended = time.Now()
	}()
	return func() { close(stop) }
}

// renewed notes that the newest call of a shop that is under way made a pair;
// t.mu is held.
func (t *tokens) renewed(shop string) {
	for _, c := range slices.Backward(t.log) {
		if c.Shop == shop && c.Ended.IsZero() && !c.Renewed {
			c.Renewed = true
			return
		}
	}
}

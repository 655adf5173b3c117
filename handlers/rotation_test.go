package handlers

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	oldBearer = "bearer-that-leaves"
	newBearer = "bearer-that-comes"
)

// fleet is two processes behind a router, which a platform replaces one by one
// when a variable changes, and a consumer that never stops asking.
type fleet struct {
	*bench
	processes [2]atomic.Value // of http.Handler
	presented atomic.Value    // the bearer that the consumer uses now
	asked     atomic.Int64
	refused   atomic.Int64
}

// under runs steps while eight callers ask, and says how many of how many
// requests were refused.
func (f *fleet) under(steps func()) (refused, asked int64) {
	f.asked.Store(0)
	f.refused.Store(0)
	var stop atomic.Bool
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for n := i; !stop.Load(); n++ {
				f.ask(n)
			}
		})
	}
	steps()
	stop.Store(true)
	callers.Wait()
	return f.refused.Load(), f.asked.Load()
}

// ask asks whichever process comes next.
func (f *fleet) ask(n int) {
	req := httptest.NewRequest(http.MethodGet, "/connections", nil)
	req.Header.Set("Authorization", "Bearer "+f.presented.Load().(string))
	answer := httptest.NewRecorder()
	f.processes[n%2].Load().(http.Handler).ServeHTTP(answer, req)
	f.asked.Add(1)
	if answer.Code != http.StatusOK {
		f.refused.Add(1)
	}
}

// process is one with a value of the variable.
func (f *fleet) process(tokens ...string) http.Handler {
	return New(Config{Store: f.store, Hosts: f.api.Hosts, DefaultHost: "shop", Tokens: tokens, PublicURL: f.api.PublicURL, Logger: f.api.Logger})
}

// deploy gives a value of the variable to one process after the other.
func (f *fleet) deploy(tokens ...string) {
	for i := range f.processes {
		f.processes[i].Store(f.process(tokens...))
		f.await(200)
	}
}

// await lets the callers ask so many times more.
func (f *fleet) await(requests int64) {
	f.t.Helper()
	until, end := f.asked.Load()+requests, time.Now().Add(30*time.Second)
	for f.asked.Load() < until {
		if time.Now().After(end) {
			f.t.Error("nobody asks")
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestBearerRotationUnderLoad: with both bearers valid while the consumer
// changes over, no request is refused. Without that some are, which shows that
// a refusal would be seen.
func TestBearerRotationUnderLoad(t *testing.T) {
	t.Parallel()
	f := &fleet{bench: newBench(t)}
	f.presented.Store(oldBearer)
	for i := range f.processes {
		f.processes[i].Store(f.process(oldBearer))
	}
	refused, asked := f.under(func() {
		f.await(200)
		f.deploy(newBearer, oldBearer)
		f.presented.Store(newBearer)
		f.await(200)
		f.deploy(newBearer)
	})
	if refused > 0 {
		t.Errorf("%d of %d requests were refused", refused, asked)
	}
	t.Logf("%d requests", asked)
	refused, asked = f.under(func() { f.deploy(oldBearer) })
	if refused == 0 {
		t.Errorf("none of %d requests were refused although the consumer's bearer was not valid", asked)
	}
}

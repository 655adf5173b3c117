package bigcommerce

import (
	"slices"
	"testing"
)

const door = "https://us.example.com/webhooks/bigcommerce"

func keep(t *testing.T, f *fakeBigCommerce) (changes int) {
	t.Helper()
	h, a := counter(t, f)
	if err := h.Keep(t.Context(), a, door); err != nil {
		t.Fatal(err)
	}
	for route, n := range f.calls {
		if route != "GET /v3/hooks" {
			changes += n
		}
	}
	f.calls = nil
	return changes
}

// Missing hooks are made with our secret, and left alone the next day.
func TestKeepMakesHooks(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t}
	if n := keep(t, f); n != len(hookScopes) {
		t.Errorf("%d changes", n)
	}
	secret := waker(t).hookSecret(fakeStore)
	for _, h := range f.hooks {
		if !h.IsActive || h.Destination != door || h.Headers[hookHeader] != secret || !slices.Contains(hookScopes, h.Scope) {
			t.Errorf("%+v", h)
		}
	}
	if n := keep(t, f); n != 0 || len(f.hooks) != len(hookScopes) {
		t.Errorf("%d changes on the second day", n)
	}
}

// What BigCommerce switched off is switched on; a secret of old is replaced; others' hooks stay.
func TestKeepMendsHooks(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t}
	keep(t, f)
	f.hooks[0].IsActive = false
	f.hooks[1].Headers = map[string]string{hookHeader: "old"}
	f.hooks[2].Headers = map[string]string{"x-extractor-hook": f.hooks[2].Headers[hookHeader]}
	other := hook{ID: 99, Scope: hookScopes[0], Destination: "https://other.example.com", Headers: nil}
	f.hooks = append(f.hooks, other)
	if n := keep(t, f); n != 2 {
		t.Errorf("%d changes", n)
	}
	if !f.hooks[0].IsActive || f.hooks[1].Headers[hookHeader] == "old" || f.hooks[5].IsActive {
		t.Errorf("%+v", f.hooks)
	}
}

// BigCommerce posts to https on its own port only, so nothing is asked for otherwise.
func TestKeepNeedsHTTPS(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t}
	h, a := counter(t, f)
	for _, address := range []string{"http://us.example.com/webhooks/bigcommerce", "https://us.example.com:8443/x", "", "::"} {
		if err := h.Keep(t.Context(), a, address); err != nil || len(f.calls) != 0 {
			t.Errorf("%q: %v, %v", address, err, f.calls)
		}
	}
}

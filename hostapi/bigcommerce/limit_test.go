package bigcommerce

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

func quota(left, reset string) http.Header {
	return http.Header{
		http.CanonicalHeaderKey("X-Rate-Limit-Requests-Left"): {left}, http.CanonicalHeaderKey("X-Rate-Limit-Time-Reset-Ms"): {reset},
		http.CanonicalHeaderKey("X-Rate-Limit-Requests-Quota"): {"150"}, http.CanonicalHeaderKey("X-Rate-Limit-Time-Window-Ms"): {"30000"},
	}
}

// With few requests left the work is put off until the quota begins anew, so
// that the store's other apps are not shut out.
func TestLittleQuotaPutsOff(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4, header: quota("3", "15000")}
	h, a := counter(t, f)
	_, err := h.Pull(t.Context(), a, window, "")
	var e *models.Error
	if !errors.As(err, &e) || e.Kind != models.Throttled || e.RetryAfter <= 10*time.Second || e.RetryAfter > 15*time.Second {
		t.Errorf("%v", err)
	}
}

// A short wait is waited for.
func TestLittleQuotaWaitsBriefly(t *testing.T) {
	t.Parallel()
	f := &fakeBigCommerce{t: t, pageSize: 4, header: quota("0", "30"), orders: []map[string]any{fakeOrder(1, 1)}}
	h, a := counter(t, f)
	started := time.Now()
	page, err := h.Pull(t.Context(), a, window, "")
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("%v", err)
	}
	if time.Since(started) < 30*time.Millisecond {
		t.Error("went on at once")
	}
	if page.Wait <= 0 || page.Wait > 30*time.Millisecond {
		t.Errorf("the next page waits %v", page.Wait)
	}
}

func TestEnoughQuotaDoesNotWait(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{quota("100", "29000"), quota("few", "29000"), quota("0", "soon"), quota("0", "-1"), {}} {
		f := &fakeBigCommerce{t: t, pageSize: 4, header: header, orders: []map[string]any{fakeOrder(1, 1)}}
		h, a := counter(t, f)
		if page, err := h.Pull(t.Context(), a, window, ""); err != nil || page.Wait != 0 {
			t.Errorf("%v: %v", header, err)
		}
	}
}

// A 429 tells by its own header when to come again; an absurd time is bounded.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	for reset, want := range map[string]time.Duration{"15000": 15 * time.Second, "1": time.Second, "999999999999": longestReset, "": 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Rate-Limit-Time-Reset-Ms", reset)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		t.Cleanup(server.Close)
		h := open(t, server.URL).(*host)
		_, err := h.Pull(t.Context(), hostapi.Account{HostID: fakeStore, Client: server.Client()}, window, "")
		var e *models.Error
		if !errors.As(err, &e) || e.Kind != models.Throttled || e.RetryAfter != want {
			t.Errorf("%q: %v", reset, err)
		}
	}
}

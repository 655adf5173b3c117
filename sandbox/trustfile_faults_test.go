package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTargetRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	for kind, want := range map[string]int{
		FaultToken: 401, FaultUnknown: 404, FaultTooLarge: 413, FaultThrottle: 429, FaultError: 500,
	} {
		if r := ask(t, "POST", w.TrustFileURL()+"/control/faults", "", Fault{Kind: kind, ConnectionID: "c", Count: 1}); r.status != http.StatusOK {
			t.Fatalf("%s: %d", kind, r.status)
		}
		if r := post(t, w, "other", good("1", nil)); r.status != http.StatusOK {
			t.Errorf("%s: another connection got %d", kind, r.status)
		}
		if r := post(t, w, "c", good("1", nil)); r.status != want {
			t.Errorf("%s: %d", kind, r.status)
		}
		if n := len(w.TrustFile.Items("c")); n != 0 {
			t.Fatalf("%s: %d items taken", kind, n)
		}
	}
	if r := post(t, w, "c", good("1", nil)); r.status != http.StatusOK {
		t.Errorf("afterwards: %d", r.status)
	}
	if r := ask(t, "POST", w.TrustFileURL()+"/control/faults", "", `{"kind":"flood"}`); r.status != http.StatusBadRequest {
		t.Errorf("an unknown fault: %d", r.status)
	}
}

func TestUnknownConnectionIsUnknownEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultUnknown, ConnectionID: "c"})
	for _, path := range []string{"", "/items/1"} {
		if r := ask(t, "GET", w.ItemsURL()+"/connections/c"+path, w.Token(), nil); r.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, r.status)
		}
	}
	w.TrustFile.ClearFaults()
	if r := ask(t, "GET", w.ItemsURL()+"/connections/c", w.Token(), nil); r.status != http.StatusOK {
		t.Errorf("after clearing: %d", r.status)
	}
}

func TestBlame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultRefuse, Items: []string{"2", "9"}, DataPath: ".shippingTax"})
	r := post(t, w, "c", good("1", nil), good("2", nil), good("3", nil))
	if r.status != http.StatusBadRequest || !strings.Contains(string(r.body), `"dataPath":".items[1].shippingTax"`) || strings.Contains(string(r.body), ".items[0]") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := post(t, w, "c", good("1", nil), good("3", nil)); r.status != http.StatusOK {
		t.Errorf("without the culprit: %d", r.status)
	}
	w.TrustFile.ClearFaults()
	w.TrustFile.AddFault(Fault{Kind: FaultRefuse, Items: []string{"2"}, DataPath: ".items"})
	r = post(t, w, "c", good("1", nil), good("2", nil))
	if r.status != http.StatusBadRequest || !strings.Contains(string(r.body), `"dataPath":".items"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestUnsureOutcomes: the answer is lost or odd, and something was applied.
func TestUnsureOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultTimeout, ConnectionID: "timeout", Count: 1})
	if r := post(t, w, "timeout", good("1", nil)); r.err == nil {
		t.Errorf("timeout: %d", r.status)
	}
	if n := len(w.TrustFile.Items("timeout")); n != 1 {
		t.Errorf("timeout: %d items applied", n)
	}
	if q := w.TrustFile.Requests("timeout"); len(q) != 1 || q[0].Status != 0 || q[0].Applied != 1 || q[0].Ended.IsZero() || q[0].Fault != FaultTimeout {
		t.Errorf("timeout: %+v", q)
	}
	w.TrustFile.AddFault(Fault{Kind: FaultPartial, ConnectionID: "partial", Count: 1})
	if r := post(t, w, "partial", good("1", nil), good("2", nil)); r.status != http.StatusOK || !strings.Contains(string(r.body), `"processed":1`) {
		t.Errorf("partial: %d %s", r.status, r.body)
	}
	if n := len(w.TrustFile.Items("partial")); n != 1 {
		t.Errorf("partial: %d items applied", n)
	}
}

func TestLateApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultLate, Count: 1, DelayMS: 100})
	if r := post(t, w, "c", good("1", nil)); r.err == nil {
		t.Errorf("%d", r.status)
	}
	if n := len(w.TrustFile.Items("c")); n != 0 {
		t.Errorf("%d items applied at once", n)
	}
	for deadline := time.Now().Add(5 * time.Second); len(w.TrustFile.Items("c")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the items were never applied")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestLateForSome: batches without the items named are taken at once.
func TestLateForSome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultLate, DelayMS: 60_000, Items: []string{"2"}})
	if r := post(t, w, "c", good("1", nil)); r.status != http.StatusOK {
		t.Errorf("another item: %d %v", r.status, r.err)
	}
	if r := post(t, w, "c", good("1", nil), good("2", nil)); r.err == nil {
		t.Errorf("the item named: %d", r.status)
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.TrustFile.AddFault(Fault{Kind: FaultSlow, DelayMS: 100})
	done := make(chan reply, 2)
	for range 2 {
		go func() { done <- post(t, w, "c", good("1", nil)) }()
	}
	for range 2 {
		if r := <-done; r.status != http.StatusOK {
			t.Errorf("%d %v", r.status, r.err)
		}
	}
	if s := w.TrustFile.Stats()["c"]; s.MaxInFlight != 2 || s.InFlight != 0 || s.LastStarted.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestSignupFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	in := map[string]string{"email": "a@shop.example", "companyName": "A"}
	w.TrustFile.AddFault(Fault{Kind: FaultTimeout, Door: doorSignup, Count: 1})
	if r := ask(t, "POST", w.AppURL()+"/company/signup", w.Token(), in); r.err == nil {
		t.Errorf("lost answer: %d", r.status)
	}
	if n := len(w.TrustFile.Companies()); n != 1 {
		t.Errorf("%d companies after a lost answer", n)
	}
	w.TrustFile.AddFault(Fault{Kind: FaultRefuse, Door: doorSignup, Count: 1})
	if r := ask(t, "POST", w.AppURL()+"/company/signup", w.Token(), in); r.status != http.StatusOK || !strings.Contains(string(r.body), `"Failed"`) {
		t.Errorf("the older server's refusal: %d %s", r.status, r.body)
	}
}

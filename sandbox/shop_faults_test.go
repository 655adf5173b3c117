package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const always = "updated_from=2000-01-01T00:00:00Z&updated_to=2100-01-01T00:00:00Z"

// TestRefusalsAndBrokenAnswers: each happens as often as asked, and is over then.
func TestRefusalsAndBrokenAnswers(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(3, nil)
	for kind, wrong := range map[string]func(reply) bool{
		FaultThrottle: func(r reply) bool { return r.status == 429 && r.header.Get("Retry-After") == "7" },
		FaultError:    func(r reply) bool { return r.status == 500 },
		FaultHTML:     func(r reply) bool { return r.status == 200 && strings.HasPrefix(string(r.body), "<!doctype") },
		FaultTorn:     func(r reply) bool { return r.status == 200 && r.err == nil && !json.Valid(r.body) },
		FaultCut:      func(r reply) bool { return r.status == 200 && r.err != nil },
	} {
		s.fault(Fault{Kind: kind, Count: 2, RetryAfter: "7", Account: "shop-1"})
		for range 2 {
			if r := s.get(always); !wrong(r) {
				t.Errorf("%s: %d %v %.60s", kind, r.status, r.err, r.body)
			}
		}
		if p := into[listing](t, s.get(always)); len(p.Orders) != 3 {
			t.Errorf("after %s: %d orders", kind, len(p.Orders))
		}
	}
}

func TestFaultsOfOthers(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.fault(Fault{Kind: FaultError, Account: "shop-2"})
	if r := s.get(always); r.status != http.StatusOK {
		t.Errorf("a fault of another account: %d", r.status)
	}
	s.fault(Fault{Kind: FaultError})
	if r := s.get(always); r.status != http.StatusInternalServerError {
		t.Errorf("a fault of all accounts: %d", r.status)
	}
	if r := s.control("faults", nil); r.status != http.StatusOK {
		t.Fatal(r.status)
	}
	if r := s.get(always); r.status != http.StatusOK {
		t.Errorf("after clearing: %d", r.status)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	const delay = 50 * time.Millisecond
	s.fault(Fault{Kind: FaultSlow, Count: 1, DelayMS: int(delay / time.Millisecond)})
	started := time.Now()
	if r := s.get(always); r.status != http.StatusOK || time.Since(started) < delay {
		t.Errorf("%d after %v", r.status, time.Since(started))
	}
}

func TestRepeatedAndEmptyPages(t *testing.T) {
	t.Parallel()
	for kind, wantMore := range map[string]int{FaultRepeat: 10, FaultEmpty: 0} {
		s := openShop(t, Config{})
		s.make(25, nil)
		first := into[listing](t, s.get(always+"&limit=10"))
		s.fault(Fault{Kind: kind, Count: 1})
		odd := into[listing](t, s.get(always+"&limit=10&cursor="+url.QueryEscape(*first.Next)))
		if len(odd.Orders) != wantMore || odd.Next == nil || *odd.Next == *first.Next {
			t.Fatalf("%s: %d orders, next %v", kind, len(odd.Orders), odd.Next)
		}
		rest := into[listing](t, s.get(always+"&limit=250&cursor="+url.QueryEscape(*odd.Next)))
		if len(rest.Orders) != 15 {
			t.Errorf("%s: %d orders follow, want 15", kind, len(rest.Orders))
		}
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(2, nil)
	s.fault(Fault{Kind: FaultLate, DelayMS: 60_000})
	late := into[Made](t, s.control("orders", `{"account":"shop-1","count":1}`))
	if all, _ := s.all("updated", 10); len(all) != 2 {
		t.Errorf("%d orders listed, the late one too", len(all))
	}
	if p := into[listing](t, s.get("ids="+late.FirstID)); len(p.Orders) != 1 {
		t.Error("a late order cannot be read by its id")
	}
	s.control("faults", nil)
	if all, _ := s.all("updated", 10); len(all) != 3 {
		t.Errorf("%d orders listed after clearing", len(all))
	}
}

func TestDropped(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	made := s.make(10, nil)
	s.fault(Fault{Kind: FaultDropped, Account: "shop-1", Orders: []string{made.LastID}})
	s.fault(Fault{Kind: FaultDropped, Account: "shop-1", Count: 2})
	updated, _ := s.all("updated", 3)
	created, _ := s.all("created", 3)
	if len(updated) != 7 || len(created) != 10 {
		t.Errorf("%d by updated time, %d by created time", len(updated), len(created))
	}
	dropped := 0
	for _, x := range s.Host.Truth("shop-1") {
		if x.Dropped {
			dropped++
		}
	}
	if dropped != 3 {
		t.Errorf("%d orders marked as dropped", dropped)
	}
}

func TestWithdrawnTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	token := consented(t, w, "shop-1")
	w.Host.AddFault(Fault{Kind: FaultExpired, Account: "shop-1"})
	if got := shopWith(t, w, token.AccessToken); got != http.StatusUnauthorized {
		t.Errorf("expired: %d", got)
	}
	renewed, err := refreshed(t, w, token.RefreshToken)
	if err != nil {
		t.Fatalf("after expiry the refresh token works: %v", err)
	}
	w.Host.AddFault(Fault{Kind: FaultRevoked, Account: "shop-1"})
	if got := shopWith(t, w, renewed.AccessToken); got != http.StatusUnauthorized {
		t.Errorf("revoked: %d", got)
	}
	wantInvalidGrant(t, w, renewed.RefreshToken)
	w.Host.ClearFaults()
	wantInvalidGrant(t, w, renewed.RefreshToken)
}

// TestTokenDoor: the token endpoint misbehaves by itself.
func TestTokenDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Grace: -1})
	g, err := w.Host.Grant("shop-1")
	if err != nil {
		t.Fatal(err)
	}
	w.Host.AddFault(Fault{Kind: FaultError, Door: doorToken, Count: 1})
	if _, err := refreshed(t, w, g.RefreshToken); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("an error of the token endpoint: %v", err)
	}
	if got := shopWith(t, w, g.AccessToken); got != http.StatusOK {
		t.Errorf("the API meanwhile: %d", got)
	}
	w.Host.AddFault(Fault{Kind: FaultLost, Door: doorToken, Count: 1})
	if _, err := refreshed(t, w, g.RefreshToken); err == nil {
		t.Error("the lost answer arrived")
	}
	wantInvalidGrant(t, w, g.RefreshToken) // rotated all the same
}

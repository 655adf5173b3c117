package sandbox

import (
	"testing"
	"time"
)

// TestAPageHeldSaysWhatWasTrueThen: an order changes while its page waits.
func TestAPageHeldSaysWhatWasTrueThen(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(2, nil)
	order := s.Host.Truth("shop-1")[0]
	hold := s.Host.Hold("shop-1", order.ID)
	pages := make(chan reply, 1)
	go func() { pages <- s.get(always) }()
	select {
	case <-hold.Taken():
	case <-time.After(10 * time.Second):
		t.Fatal("the page was not held")
	}
	s.control("orders/"+order.ID+"/edit", map[string]string{"amount": "1.00"})
	if got := versionIn(into[listing](t, s.get(always)), order.ID); got != order.Version+1 {
		t.Errorf("the next page says version %d", got)
	}
	hold.Release()
	hold.Release()
	if got := versionIn(into[listing](t, <-pages), order.ID); got != order.Version {
		t.Errorf("the page that was held says version %d", got)
	}
}

// versionIn is the version of an order on a page; 0: it is not there.
func versionIn(p listing, id string) int64 {
	for _, o := range p.Orders {
		if o.ID == id {
			return o.Version
		}
	}
	return 0
}

// TestAHoldReleasedBeforeItsPage keeps nothing back.
func TestAHoldReleasedBeforeItsPage(t *testing.T) {
	t.Parallel()
	s := openShop(t, Config{})
	s.make(1, nil)
	s.Host.Hold("shop-2", s.Host.Truth("shop-1")[0].ID)
	s.Host.Hold("shop-1", s.Host.Truth("shop-1")[0].ID).Release()
	if p := into[listing](t, s.get(always)); len(p.Orders) != 1 {
		t.Errorf("%d orders", len(p.Orders))
	}
}

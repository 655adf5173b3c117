package sandbox

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"
)

// Hold keeps one page of the host back: the next one of a merchant that lists a
// certain order. The page is made already, so it says what was true then.
type Hold struct {
	account string
	order   []byte // as a page names it
	taken   chan struct{}
	over    chan struct{}
	end     sync.Once
}

// holds are the holds that no page has met yet.
type holds struct {
	mu   sync.Mutex
	list []*Hold
}

// Hold keeps back the next page of the account that lists the order, until it is
// released or the client gives up.
func (h *Host) Hold(account, order string) *Hold {
	d := &Hold{account: account, order: []byte(`"id":` + strconv.Quote(order)), taken: make(chan struct{}), over: make(chan struct{})}
	h.holds.mu.Lock()
	defer h.holds.mu.Unlock()
	h.holds.list = append(h.holds.list, d)
	return d
}

// Taken is closed once a page is kept back.
func (d *Hold) Taken() <-chan struct{} { return d.taken }

// Release sends the page, and keeps no other one back. It may be called twice.
func (d *Hold) Release() { d.end.Do(func() { close(d.over) }) }

// meet keeps a page back if a hold says so, and reports whether anybody waits
// for it still.
func (hs *holds) meet(ctx context.Context, account string, page []byte) bool {
	d := hs.take(account, page)
	if d == nil {
		return true
	}
	close(d.taken)
	select {
	case <-d.over:
		return true
	case <-ctx.Done():
		return false
	}
}

// take is the hold that a page meets; each meets one.
func (hs *holds) take(account string, page []byte) *Hold {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	at := slices.IndexFunc(hs.list, func(d *Hold) bool { return d.account == account && bytes.Contains(page, d.order) })
	if at < 0 {
		return nil
	}
	d := hs.list[at]
	hs.list = slices.Delete(hs.list, at, at+1)
	return d
}

package sandbox

import (
	"cmp"
	"encoding/json"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"extractor/models"
)

// book is what TrustFile was given for one connection: an append-only history.
type book struct {
	id        string
	countOnly bool
	mu        sync.Mutex
	items     map[itemKey]*held
	counted   map[uint64]struct{} // with countOnly: a hash of each key seen
	received  int                 // items applied, updates included
	requests  []*Request
	inFlight  int
	most      int
}

type itemKey struct {
	id     string
	refund bool
}

// held is an item and its versions, oldest first.
type held struct {
	current  []byte // as it was received
	versions []version
}

// version is one reading of an item; 56 bytes, so that long histories fit.
type version struct {
	request int32 // its number, from 1
	inexact bool  // an amount was finer than a cent
	review  bool
	at      int64 // Unix milliseconds, when it was applied
	amounts [4]models.Amount
}

// Request is one POST of items.
type Request struct {
	Number  int       `json:"number"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Items   int       `json:"items"`
	Applied int       `json:"applied"`
	Status  int       `json:"status"` // 0 = no answer was given
	Fault   string    `json:"fault,omitempty"`
}

func newBook(id string, countOnly bool) *book {
	return &book{id: id, countOnly: countOnly, items: map[itemKey]*held{}, counted: map[uint64]struct{}{}}
}

// begin notes that a request has started.
func (b *book) begin() *Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight++
	b.most = max(b.most, b.inFlight)
	r := &Request{Number: len(b.requests) + 1, Started: time.Now().UTC()}
	b.requests = append(b.requests, r)
	return r
}

// end notes that a request has ended.
func (b *book) end(r *Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	r.Ended = time.Now().UTC()
}

// note changes what is told of a request.
func (b *book) note(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// seed makes the hashes of this process.
var seed = maphash.MakeSeed()

// apply takes the items: creates what is new and updates what exists.
func (b *book) apply(r *Request, items []item, raw [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.Applied += len(items)
	b.received += len(items)
	at := time.Now().UnixMilli()
	for i := range items {
		key := itemKey{*items[i].ItemID, *items[i].Refund}
		if b.countOnly {
			b.counted[maphash.Comparable(seed, key)] = struct{}{}
			continue
		}
		h := b.items[key]
		if h == nil {
			h = &held{}
			b.items[key] = h
		}
		h.current = slices.Clone(raw[i])
		h.versions = append(h.versions, items[i].version(r.Number, at))
	}
}

func (i *item) version(request int, at int64) version {
	v := version{request: int32(request), at: at, review: i.ReviewRequired != nil && *i.ReviewRequired}
	for n, raw := range [][]byte{i.SalesAmount, i.SalesTax, i.ShippingAmount, i.ShippingTax} {
		amount, err := models.ParseAmount(string(raw))
		if err != nil {
			d, _ := decimal.NewFromString(string(raw))
			amount, v.inexact = models.RoundDecimal(d), true
		}
		v.amounts[n] = amount
	}
	return v
}

// Held is an item with its history, as the control API tells it.
type Held struct {
	ItemID   string          `json:"itemId"`
	Refund   bool            `json:"refund"`
	Item     json.RawMessage `json:"item"` // the current version, as it was received
	Versions []HeldVersion   `json:"versions"`
}

// HeldVersion is one version of an item, oldest first.
type HeldVersion struct {
	Request        int           `json:"request"`
	At             time.Time     `json:"at"`
	SalesAmount    models.Amount `json:"salesAmount"`
	SalesTax       models.Amount `json:"salesTax"`
	ShippingAmount models.Amount `json:"shippingAmount"`
	ShippingTax    models.Amount `json:"shippingTax"`
	ReviewRequired bool          `json:"reviewRequired,omitempty"`
	Inexact        bool          `json:"inexact,omitempty"` // finer than a cent: rounded here
}

// history is all items, by id.
func (b *book) history() []Held {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Held, 0, len(b.items))
	for key, h := range b.items {
		all = append(all, Held{key.id, key.refund, h.current, h.told()})
	}
	slices.SortFunc(all, func(x, y Held) int {
		return cmp.Or(cmp.Compare(x.ItemID, y.ItemID), compareBool(x.Refund, y.Refund))
	})
	return all
}

func compareBool(x, y bool) int {
	if x == y {
		return 0
	} else if y {
		return -1
	}
	return 1
}

func (h *held) told() []HeldVersion {
	all := make([]HeldVersion, len(h.versions))
	for i, v := range h.versions {
		all[i] = HeldVersion{
			int(v.request), time.UnixMilli(v.at).UTC(), v.amounts[0], v.amounts[1], v.amounts[2], v.amounts[3], v.review, v.inexact,
		}
	}
	return all
}

// find is the sale and the refund of an id, as they were received.
func (b *book) find(id string) []json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []json.RawMessage
	for _, refund := range []bool{false, true} {
		if h := b.items[itemKey{id, refund}]; h != nil {
			found = append(found, json.RawMessage(h.current))
		}
	}
	return found
}

// BookStats counts what was given for one connection.
type BookStats struct {
	Items       int       `json:"items"`    // distinct
	Received    int       `json:"received"` // applied, updates included
	Requests    int       `json:"requests"`
	InFlight    int       `json:"inFlight"`
	MaxInFlight int       `json:"maxInFlight"`
	LastStarted time.Time `json:"lastStarted,omitzero"`
}

func (b *book) stats() BookStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BookStats{
		Items: len(b.items) + len(b.counted), Received: b.received,
		Requests: len(b.requests), InFlight: b.inFlight, MaxInFlight: b.most,
	}
	if n := len(b.requests); n > 0 {
		s.LastStarted = b.requests[n-1].Started
	}
	return s
}

// log is a copy of all requests.
func (b *book) log() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Request, len(b.requests))
	for i, r := range b.requests {
		all[i] = *r
	}
	return all
}

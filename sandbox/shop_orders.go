package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

// order is one order of a shop. Times are Unix milliseconds.
type order struct {
	id               int64
	created, updated int64
	version          int64
	made             *blueprint
	own              *document // nil until its first change
	visibleAt        int64     // the listing by updated time hides it until then
	dropped          bool      // the listing by updated time never shows it
}

// orders are a shop's orders, sorted for both roads they are listed by.
type orders struct {
	mu        sync.RWMutex
	shop      Shop
	byID      map[int64]*order
	byUpdated []*order
	byCreated []*order
}

func newOrders(s Shop) *orders { return &orders{shop: s, byID: map[int64]*order{}} }

// A road is an order of listing.
type road func(*order) int64

func updatedRoad(o *order) int64 { return o.updated }
func createdRoad(o *order) int64 { return o.created }

// position is where an order stands on a road.
type position struct{ at, id int64 }

func (r road) compare(o *order, p position) int {
	return cmp.Or(cmp.Compare(r(o), p.at), cmp.Compare(o.id, p.id))
}

func (r road) sort(list []*order) {
	slices.SortFunc(list, func(a, b *order) int { return r.compare(a, position{r(b), b.id}) })
}

// find is the index of the first order at or after p.
func (r road) find(list []*order, p position) int {
	at, _ := slices.BinarySearchFunc(list, p, r.compare)
	return at
}

// recipe says which orders to make.
type recipe struct {
	Account string         `json:"account"`
	Count   int            `json:"count"`
	From    string         `json:"from"` // RFC 3339 or a day; empty = all of them now
	To      string         `json:"to"`   // empty = now
	Seed    uint64         `json:"seed"`
	Mix     map[string]int `json:"mix"`     // per cent of other kinds than plain sales: "refunded", "partly", "cancelled", "test", "pending", "digital", "pickup"
	Touched string         `json:"touched"` // "now": updated now, although created earlier
}

// make adds the orders of a recipe, whose span is [from, to), ids counting up from first.
func (os *orders) make(c recipe, prints map[string][]*blueprint, first int64, from, to, visibleAt time.Time) []*order {
	random := rand.New(rand.NewPCG(c.Seed, 2)) // #nosec G404 -- the same seed must make the same orders
	added := make([]*order, c.Count)
	step := float64(to.UnixMilli()-from.UnixMilli()) / float64(max(c.Count, 1))
	for i := range added {
		choice := prints[c.kind(random.IntN(100))]
		o := &order{id: first + int64(i), version: 1, made: choice[random.IntN(len(choice))]}
		o.created = from.UnixMilli() + int64((float64(i)+random.Float64())*step)
		o.updated = o.created
		if c.Touched == "now" {
			o.updated = to.UnixMilli()
		}
		if visibleAt.After(to) {
			o.visibleAt = visibleAt.UnixMilli()
		}
		added[i] = o
	}
	os.insert(added)
	return added
}

// kind is the kind of order at a given per cent.
func (c recipe) kind(percent int) string {
	for _, kind := range specialKinds {
		if percent -= c.Mix[kind]; percent < 0 {
			return kind
		}
	}
	return kindPlain
}

func (os *orders) insert(added []*order) {
	os.mu.Lock()
	defer os.mu.Unlock()
	for _, o := range added {
		os.byID[o.id] = o
	}
	os.byUpdated, os.byCreated = append(os.byUpdated, added...), append(os.byCreated, added...)
	road(updatedRoad).sort(os.byUpdated)
	road(createdRoad).sort(os.byCreated)
}

// change applies f to the order's document; version and updated time follow.
func (os *orders) change(id int64, visibleAt time.Time, f func(*document, time.Time) error) (*document, error) {
	os.mu.Lock()
	defer os.mu.Unlock()
	o := os.byID[id]
	if o == nil {
		return nil, errNoOrder
	}
	d := os.document(o)
	at := max(time.Now().UnixMilli(), o.updated+1)
	if err := f(d, time.UnixMilli(at).UTC()); err != nil {
		return nil, err
	}
	d.Version, d.UpdatedAt = o.version+1, stamp(at)
	os.move(o, at)
	o.version, o.own = d.Version, d
	if visibleAt.UnixMilli() > at {
		o.visibleAt = visibleAt.UnixMilli()
	}
	return d, nil
}

var errNoOrder = fmt.Errorf("there is no such order")

// move gives the order its new place on the road by updated time.
func (os *orders) move(o *order, updated int64) {
	by := road(updatedRoad)
	at := by.find(os.byUpdated, position{o.updated, o.id})
	os.byUpdated = slices.Delete(os.byUpdated, at, at+1)
	o.updated = updated
	at = by.find(os.byUpdated, position{o.updated, o.id})
	os.byUpdated = slices.Insert(os.byUpdated, at, o)
}

// document is a copy of the order's document, free to be changed.
func (os *orders) document(o *order) *document {
	if o.own == nil {
		return o.made.fill(os.filling(o))
	}
	text, err := json.Marshal(o.own)
	if err != nil {
		panic(err) // the document is ours
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	return &d
}

func (os *orders) filling(o *order) *filling {
	return &filling{
		id: strconv.FormatInt(o.id, 10), created: stamp(o.created), updated: stamp(o.updated), shop: os.shop.ID, zone: os.shop.Zone,
	}
}

// appendTo appends the order's text.
func (os *orders) appendTo(buf []byte, o *order) []byte {
	if o.own == nil {
		return o.made.appendTo(buf, os.filling(o))
	}
	text, err := json.Marshal(o.own)
	if err != nil {
		panic(err)
	}
	return append(buf, text...)
}

// query is what a client lists: a window of a road, after a position.
type query struct {
	by       road
	from, to int64 // milliseconds; half-open
	after    *position
	limit    int
	hiding   bool // leaves out what is late or dropped
	now      int64
}

// list appends the orders of one page, comma-separated, and tells the last
// one's position and whether there are more.
func (os *orders) list(buf []byte, q query) (page []byte, last position, more bool) {
	os.mu.RLock()
	defer os.mu.RUnlock()
	n := 0
	for _, o := range os.rest(q) {
		if q.by(o) >= q.to {
			break
		}
		if q.hiding && (o.dropped || o.visibleAt > q.now) {
			continue
		}
		if n == q.limit {
			return buf, last, true
		}
		if n > 0 {
			buf = append(buf, ',')
		}
		buf = os.appendTo(buf, o)
		last = position{q.by(o), o.id}
		n++
	}
	return buf, last, false
}

// rest is all orders of the road from the query's start on.
func (os *orders) rest(q query) []*order {
	list := os.byUpdated
	if !q.hiding {
		list = os.byCreated
	}
	start := position{q.from, 0}
	if q.after != nil {
		start = position{q.after.at, q.after.id + 1}
	}
	return list[q.by.find(list, start):]
}

// pick appends the orders with these ids, comma-separated.
func (os *orders) pick(buf []byte, ids []int64) []byte {
	os.mu.RLock()
	defer os.mu.RUnlock()
	n := 0
	for _, id := range ids {
		if o := os.byID[id]; o != nil {
			if n++; n > 1 {
				buf = append(buf, ',')
			}
			buf = os.appendTo(buf, o)
		}
	}
	return buf
}

// drop hides the orders with these ids, or the first count, from the listing by updated time.
func (os *orders) drop(ids []int64, count int) int {
	os.mu.Lock()
	defer os.mu.Unlock()
	n := 0
	for _, o := range os.byCreated {
		if slices.Contains(ids, o.id) || len(ids) == 0 && n < count {
			o.dropped = true
			n++
		}
	}
	return n
}

// show ends all hiding.
func (os *orders) show() {
	os.mu.Lock()
	defer os.mu.Unlock()
	for _, o := range os.byID {
		o.dropped, o.visibleAt = false, 0
	}
}

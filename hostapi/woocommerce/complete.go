package woocommerce

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	json "github.com/goccy/go-json"
	"golang.org/x/sync/errgroup"

	"extractor/hostapi"
	"extractor/models"
)

// kindOrder is the one kind of record: an order and its refunds.
const kindOrder = "order"

// reader reads one page of one shop and completes its records.
type reader struct {
	session
}

// records makes records of orders: each with its refunds and the shop's
// address. sure asks for refunds even where an order lists none.
func (r *reader) records(ctx context.Context, orders []head, sure bool) ([]hostapi.Record, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	shop, err := r.store(ctx)
	if err != nil {
		return nil, err
	}
	refunds := make([][]json.RawMessage, len(orders))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(concurrent)
	for i, o := range orders {
		if !o.maySell() || !sure && len(o.refunds) == 0 && o.status != "refunded" {
			continue
		}
		work.Go(func() (err error) {
			refunds[i], err = r.refundsOf(ctx, o.id)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return pack(orders, refunds, shop)
}

// maySell reports whether Transform looks at the refunds of the order.
func (h head) maySell() bool { return h.id != 0 && !void[h.status] && !unpaid[h.status] }

// pack makes the records. Their bodies lie in one piece of memory: a page of
// them is made for each page read.
func pack(orders []head, refunds [][]json.RawMessage, shop store) ([]hostapi.Record, error) {
	tail, err := json.Marshal(shop)
	if err != nil {
		return nil, unreadable(err)
	}
	tail = slices.Concat([]byte(`,"store":`), tail, []byte{'}'})
	parts := make([][]byte, 0, usualParts*len(orders))
	ends := make([]int, len(orders)) // of each order's parts
	for i, o := range orders {
		parts = append(appendParts(parts, o.raw, refunds[i]), tail)
		ends[i] = len(parts)
	}
	memory := bytes.Join(parts, nil) // at once, which leaves it unwritten before
	records, from := make([]hostapi.Record, len(orders)), 0
	for i, o := range orders {
		size := 0
		for _, part := range parts[from:ends[i]] {
			size += len(part)
		}
		records[i] = hostapi.Record{Kind: kindOrder, Key: o.key, Version: hostapi.TimeVersion(version(o, refunds[i])), Body: memory[:size:size]}
		memory, from = memory[size:], ends[i]
	}
	return records, nil
}

// usualParts are those of a parcel without refunds; see native.go.
const usualParts = 3

var orderName, refundsName, comma, closing = []byte(`{"order":`), []byte(`,"refunds":[`), []byte{','}, []byte{']'}

// appendParts appends the parts of a parcel, but for the shop's.
func appendParts(parts [][]byte, order []byte, refunds []json.RawMessage) [][]byte {
	parts = append(parts, orderName, order)
	for i, raw := range refunds {
		before := comma
		if i == 0 {
			before = refundsName
		}
		parts = append(parts, before, raw)
	}
	if len(refunds) > 0 {
		parts = append(parts, closing)
	}
	return parts
}

// version covers the order and its refunds: not every plugin that makes one
// touches the order's date.
func version(o head, refunds []json.RawMessage) time.Time {
	at := o.modified
	for _, raw := range refunds {
		var r struct {
			Created json.RawMessage `json:"date_created_gmt"`
		}
		if json.Unmarshal(raw, &r) != nil {
			continue
		}
		if made := instant(word(r.Created)); made.After(at) {
			at = made
		}
	}
	return at
}

// madeRefund is what the list of refunds says of one.
type madeRefund struct {
	ID       int64 `json:"id"`
	ParentID int64 `json:"parent_id"` // told by later versions
	Links    struct {
		Up []struct {
			Href string `json:"href"`
		} `json:"up"`
	} `json:"_links"`
}

// order is the id of the order that a refund belongs to, "" when it is not
// told. The link is read for its last part; it is never followed.
func (r madeRefund) order() string {
	if r.ParentID > 0 {
		return strconv.FormatInt(r.ParentID, 10)
	}
	if len(r.Links.Up) == 0 {
		return ""
	}
	href := r.Links.Up[0].Href
	_, key := number([]byte(href[strings.LastIndexByte(href, '/')+1:]))
	return key
}

// refundPage reads the orders of refunds that were made in w, as far as the
// list of orders did not show them.
// https://github.com/woocommerce/woocommerce/pull/46895
func (r *reader) refundPage(ctx context.Context, by road, w models.Window, p position) (*hostapi.Page, error) {
	made, next, more, err := r.refundsMade(ctx, w, p)
	if err != nil {
		return nil, err
	}
	orders, err := r.refunded(ctx, by, w, made)
	if err != nil {
		return nil, err
	}
	records, err := r.records(ctx, orders, true)
	if err != nil {
		return nil, err
	}
	if !more {
		return &hostapi.Page{Records: records}, nil
	}
	return &hostapi.Page{Records: records, Next: hostapi.CursorOf(next), More: true}, nil
}

// refundsMade is a page of the refunds of all orders; none where the shop's
// version has no such list.
func (r *reader) refundsMade(ctx context.Context, w models.Window, p position) (made []madeRefund, next position, more bool, err error) {
	q := listQuery("after", "before", w, max(p.Page, 1))
	q.Set("_fields", "id,parent_id,_links")
	q.Set("per_page", strconv.Itoa(refundsInPage))
	answer, c, err := r.list(ctx, "/wc/v3/refunds", q)
	if errors.Is(err, errNoRoute) {
		return nil, next, false, nil
	}
	if err != nil {
		return nil, next, false, err
	}
	next, more, again := p.turn(c)
	if again {
		return nil, next, true, nil
	}
	return made, next, more, r.read(answer, &made)
}

// refunded are the orders of refunds, without those that the list of orders
// brought together with the refund.
func (r *reader) refunded(ctx context.Context, by road, w models.Window, made []madeRefund) ([]head, error) {
	var ids []string
	refunds := map[string][]int64{}
	for _, m := range made {
		if id := m.order(); id != "" {
			if refunds[id] == nil {
				ids = append(ids, id)
			}
			refunds[id] = append(refunds[id], m.ID)
		}
	}
	orders, err := r.ordersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(orders, func(o head) bool {
		at := by.at(o)
		listed := !at.Before(w.From.Truncate(time.Second)) && at.Before(w.To)
		return listed && !slices.ContainsFunc(refunds[o.key], func(id int64) bool { return !slices.Contains(o.refunds, id) })
	}), nil
}

// Fetch reads orders by key. What lies in the trash is absent, like what was
// deleted for good.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	var ids []string
	for _, key := range keys {
		if _, id := number([]byte(key)); id == key && id != "" {
			ids = append(ids, id)
		}
	}
	r := &reader{session: h.session(a)}
	orders, err := r.ordersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	return r.records(ctx, orders, false)
}

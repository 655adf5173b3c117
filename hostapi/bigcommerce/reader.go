package bigcommerce

import (
	"context"
	"encoding/json"
	"slices"

	"golang.org/x/sync/errgroup"

	"extractor/hostapi"
)

// The kinds of record.
const (
	kindOrder  = "order"
	kindRefund = "refund"
)

// lookupsAtOne is how many calls run side by side for what a page refers to.
const lookupsAtOne = 4

// reader reads one page of one store and completes its records.
type reader struct {
	*session
	store []byte // packed, as each record has it
}

func (h *host) reader(ctx context.Context, a hostapi.Account) (*reader, error) {
	s, err := h.session(a)
	if err != nil {
		return nil, err
	}
	info, err := s.information(ctx)
	if err != nil {
		return nil, err
	}
	zone := info.Timezone.Name
	if zone == "" && a.Zone != nil {
		zone = a.Zone.String()
	}
	packed, err := json.Marshal(store{Zone: zone, From: info.place()})
	if err != nil {
		return nil, unreadable("the store")
	}
	return &reader{s, packed}, nil
}

// refundable are the statuses in which an order may have refunds that are to be
// read again: it was refunded, or it does not count any more and takes them with it.
func refundable(status int64) bool {
	switch status {
	case statusRefunded, statusPartlyRefunded:
		return true
	case statusIncomplete: // never paid for
		return false
	}
	return skipStatus[status] != ""
}

// orderRecords makes records of orders, and of the refunds of those that have any.
func (r *reader) orderRecords(ctx context.Context, heads []head) ([]hostapi.Record, error) {
	var ids []int64
	for i := range heads {
		if refundable(heads[i].status) && heads[i].id > 0 {
			ids = append(ids, heads[i].id)
		}
	}
	refunds, err := r.refundsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	parcels, err := r.parcels(ctx, heads)
	if err != nil {
		return nil, err
	}
	records := make([]hostapi.Record, 0, len(heads))
	for i := range heads {
		h, p := &heads[i], parcels[i]
		p.unmatched = h.status == statusRefunded && len(refunds[h.id]) == 0
		records = append(records, hostapi.Record{Key: h.key(), Kind: kindOrder, Version: hostapi.TimeVersion(h.modified), Body: p.body()})
		p.unmatched = false
		for _, raw := range refunds[h.id] {
			records = append(records, p.refundRecord(h, raw, refunds[h.id]))
		}
	}
	return records, nil
}

// refundRecord makes the record of one refund of an order. Its version covers
// the order and all its refunds: each of them changes how it is divided.
func (p parcel) refundRecord(h *head, raw json.RawMessage, siblings []json.RawMessage) hostapi.Record {
	own := refundHeadOf(raw)
	version := h.modified
	for _, sibling := range siblings {
		if at := refundHeadOf(sibling).Created; at.After(version) {
			version = at
		}
	}
	p.refund, p.refunds = own.ID, siblings
	return hostapi.Record{Key: own.key(raw), Kind: kindRefund, Version: hostapi.TimeVersion(version), Body: p.body()}
}

// refundRecords makes records of refunds, each with its order and all refunds of it.
func (r *reader) refundRecords(ctx context.Context, raws []json.RawMessage) ([]hostapi.Record, error) {
	var ids []int64
	for _, raw := range raws {
		if id := refundHeadOf(raw).OrderID; id > 0 {
			ids = append(ids, id)
		}
	}
	siblings, err := r.refundsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	heads, err := r.ordersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	parcels, err := r.parcels(ctx, heads)
	if err != nil {
		return nil, err
	}
	records := make([]hostapi.Record, 0, len(raws))
	for _, raw := range raws {
		h, p := head{}, parcel{store: r.store}
		own := refundHeadOf(raw)
		if i, ok := slices.BinarySearch(ids, own.OrderID); ok {
			h, p = heads[i], parcels[i]
		}
		records = append(records, p.refundRecord(&h, raw, with(siblings[own.OrderID], raw, own.ID)))
	}
	return records, nil
}

// with adds a refund to its siblings if it is not among them: it may be newer than they are.
func with(siblings []json.RawMessage, raw json.RawMessage, id int64) []json.RawMessage {
	if slices.ContainsFunc(siblings, func(s json.RawMessage) bool { return refundHeadOf(s).ID == id }) {
		return siblings
	}
	return append(slices.Clone(siblings), raw)
}

// ordersByID are the orders of these ids, in their order; empty for those that
// BigCommerce does not know.
func (r *reader) ordersByID(ctx context.Context, ids []int64) ([]head, error) {
	heads := make([]head, len(ids))
	err := aFewAtOnce(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		heads[i], err = r.order(ctx, ids[i])
		return err
	})
	return heads, err
}

// parcels packs orders with what they do not hold themselves.
func (r *reader) parcels(ctx context.Context, heads []head) ([]parcel, error) {
	parcels := make([]parcel, len(heads))
	err := aFewAtOnce(ctx, len(heads), func(ctx context.Context, i int) (err error) {
		parcels[i], err = r.parcel(ctx, &heads[i])
		return err
	})
	return parcels, err
}

// parcel asks for an order's addresses and products where they did not come
// with it, and for the taxes by address where there are several.
func (r *reader) parcel(ctx context.Context, h *head) (p parcel, err error) {
	p = parcel{store: r.store, order: h.raw}
	if h.id == 0 {
		return p, nil
	}
	legs := h.legs
	if !h.included {
		if p.addresses, err = r.part(ctx, h.id, "shipping_addresses"); err != nil {
			return p, err
		}
		if p.products, err = r.part(ctx, h.id, "products"); err != nil {
			return p, err
		}
		legs = len(p.addresses)
	}
	if legs > 1 {
		p.taxes, err = r.part(ctx, h.id, "taxes")
	}
	return p, err
}

// aFewAtOnce does n things, some side by side.
func aFewAtOnce(ctx context.Context, n int, do func(context.Context, int) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookupsAtOne)
	for i := range n {
		work.Go(func() error { return do(ctx, i) })
	}
	return work.Wait()
}

// Fetch reads records by key, which is an order's id, or that and a refund's.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	r, err := h.reader(ctx, a)
	if err != nil {
		return nil, err
	}
	var orders, ofRefunds []int64
	for _, key := range keys {
		if order, refund := parseKey(key); refund > 0 {
			ofRefunds = append(ofRefunds, order)
		} else if order > 0 {
			orders = append(orders, order)
		}
	}
	records, err := r.ordersAlone(ctx, orders)
	if err != nil {
		return nil, err
	}
	refunds, err := r.refundsOf(ctx, ofRefunds)
	if err != nil {
		return nil, err
	}
	var wanted []json.RawMessage
	for _, order := range slices.Compact(slices.Sorted(slices.Values(ofRefunds))) {
		for _, raw := range refunds[order] {
			if slices.Contains(keys, refundHeadOf(raw).key(raw)) {
				wanted = append(wanted, raw)
			}
		}
	}
	more, err := r.refundRecords(ctx, wanted)
	return append(records, more...), err
}

// ordersAlone are the records of these orders, without those of their refunds.
func (r *reader) ordersAlone(ctx context.Context, ids []int64) ([]hostapi.Record, error) {
	heads, err := r.ordersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(h head) bool { return h.raw == nil })
	records, err := r.orderRecords(ctx, heads)
	return slices.DeleteFunc(records, func(r hostapi.Record) bool { return r.Kind != kindOrder }), err
}

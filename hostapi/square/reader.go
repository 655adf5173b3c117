package square

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"extractor/hostapi"
	"extractor/models"
)

// The kinds of record.
const (
	kindOrder  = "order"
	kindRefund = "refund"
)

// reader reads one page of one merchant and completes its records.
type reader struct {
	session
	now       func() time.Time
	locations []location
	zone      *time.Location // where a location tells none
	packed    sync.Map       // locations as records hold them, by id: a page's orders share one
}

func (h *host) reader(ctx context.Context, a hostapi.Account) (*reader, error) {
	s := h.session(a.Client)
	locations, err := s.locations(ctx)
	if err != nil {
		return nil, err
	}
	zone := a.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &reader{session: s, now: h.now, locations: locations, zone: zone}, nil
}

// group are the ids of the next locations to search, after the given one.
func (r *reader) group(after string) (ids []string) {
	for _, l := range r.locations {
		if l.ID > after && len(ids) < groupSize {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// packedLocation is the location of a record, for its parcel.
func (r *reader) packedLocation(id string) (json.RawMessage, error) {
	if known, ok := r.packed.Load(id); ok {
		return known.(json.RawMessage), nil
	}
	packed, err := json.Marshal(r.location(id))
	if err != nil {
		return nil, models.Errorf(models.Unavailable, "Square sent a location that cannot be read. We try again by ourselves.").Because(err)
	}
	r.packed.Store(id, json.RawMessage(packed))
	return packed, nil
}

// location is the location of a record. One that is not listed any more has no
// address; what happened there is refused unless it was shipped.
func (r *reader) location(id string) location {
	l := location{ID: id}
	for _, known := range r.locations {
		if known.ID == id {
			l = known
		}
	}
	if l.Timezone == "" {
		l.Timezone = r.zone.String()
	}
	l.BusinessEmail, l.PhoneNumber = "", "" // Transform does not need them
	return l
}

// orderRecords makes records of orders, whose heads are known. Returns are
// completed by what they refer to.
func (r *reader) orderRecords(ctx context.Context, raws []json.RawMessage, heads []head) ([]hostapi.Record, error) {
	known, err := r.sources(ctx, raws, heads)
	if err != nil {
		return nil, err
	}
	sale := func(i int) bool { return !heads[i].Returns }
	return r.each(ctx, raws, sale, func(ctx context.Context, i int) (hostapi.Record, error) {
		return r.orderRecord(ctx, raws[i], heads[i], known, nil)
	})
}

// orderRecord makes the record of one order. known are orders read already;
// fresh are refunds of it that were just listed.
func (r *reader) orderRecord(ctx context.Context, raw json.RawMessage, head head, known map[string]json.RawMessage, fresh []json.RawMessage) (hostapi.Record, error) {
	place, err := r.packedLocation(string(head.LocationID))
	if err != nil {
		return hostapi.Record{}, err
	}
	p := parcel{Order: raw, Location: place, Refunds: fresh}
	var o order
	if head.Returns && json.Unmarshal(raw, &o) == nil && len(o.Returns) > 0 { // what cannot be read is Transform's to refuse
		if err := r.completeReturn(ctx, o, &p, known); err != nil {
			return hostapi.Record{}, err
		}
	}
	return p.record(kindOrder, raw, head), nil
}

// record packs p. The version covers the order and its refunds: whether money
// really went back is told by the refund, while the order stays as it is.
func (p parcel) record(kind string, raw json.RawMessage, h head) hostapi.Record {
	version := h.UpdatedAt.Time
	for _, refund := range p.Refunds {
		if at := headOf(refund).UpdatedAt.Time; at.After(version) {
			version = at
		}
	}
	return hostapi.Record{Key: h.key(raw), Kind: kind, Version: hostapi.TimeVersion(version), Body: p.body()}
}

// each makes a record of each raw thing by its place, a few at a time, and keeps their order.
// What stands alone needs no call, so nobody else has to do it meanwhile.
func (r *reader) each(ctx context.Context, raws []json.RawMessage, alone func(i int) bool, record func(context.Context, int) (hostapi.Record, error)) ([]hostapi.Record, error) {
	records := make([]hostapi.Record, len(raws))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookupsAtOne)
	for i := range raws {
		if alone(i) {
			var err error
			if records[i], err = record(ctx, i); err != nil {
				return nil, errors.Join(err, work.Wait())
			}
			continue
		}
		work.Go(func() (err error) {
			records[i], err = record(ctx, i)
			return err
		})
	}
	return records, work.Wait()
}

// refundRecords makes records of refunds: that of the return order where there
// is one, which then shows the refund's new state, else one of the refund's own.
func (r *reader) refundRecords(ctx context.Context, raws []json.RawMessage) ([]hostapi.Record, error) {
	known, fresh, err := r.ordersOf(ctx, raws)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	raws = slices.DeleteFunc(slices.Clone(raws), func(raw json.RawMessage) bool {
		id := string(headOf(raw).OrderID)
		again := done[id] // one record for all refunds of a return order
		done[id] = isReturn(known[id])
		return again
	})
	never := func(int) bool { return false }
	return r.each(ctx, raws, never, func(ctx context.Context, i int) (hostapi.Record, error) {
		raw := raws[i]
		if id := string(headOf(raw).OrderID); isReturn(known[id]) {
			return r.orderRecord(ctx, known[id], headOf(known[id]), known, fresh[id])
		}
		return r.refundRecord(ctx, raw)
	})
}

// ordersOf are the orders that refunds name, and the refunds by order.
func (r *reader) ordersOf(ctx context.Context, refunds []json.RawMessage) (map[string]json.RawMessage, map[string][]json.RawMessage, error) {
	fresh := map[string][]json.RawMessage{}
	var ids []string
	for _, raw := range refunds {
		if id := string(headOf(raw).OrderID); id != "" {
			ids = append(ids, id)
			fresh[id] = append(fresh[id], raw)
		}
	}
	known, err := r.orders(ctx, ids)
	return known, fresh, err
}

func isReturn(raw json.RawMessage) bool {
	var o struct {
		Returns []json.RawMessage `json:"returns"`
	}
	return json.Unmarshal(raw, &o) == nil && len(o.Returns) > 0
}

// key is the id; without one it is taken from the content, so that the
// record can be set aside under a name of its own.
func (h head) key(raw json.RawMessage) string {
	if h.ID != "" {
		return string(h.ID)
	}
	sum := sha256.Sum256(raw)
	return "unreadable-" + hex.EncodeToString(sum[:8])
}

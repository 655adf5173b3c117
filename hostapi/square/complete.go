package square

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"extractor/hostapi"
)

// sources are the orders of a page by id, and the sales that its returns go back to.
func (r *reader) sources(ctx context.Context, raws []json.RawMessage, heads []head) (map[string]json.RawMessage, error) {
	var missing []string
	here := make(map[string]json.RawMessage, len(raws))
	var returns []json.RawMessage
	for i, raw := range raws {
		here[string(heads[i].ID)] = raw
		if heads[i].Returns {
			returns = append(returns, raw)
		}
	}
	for _, raw := range returns {
		for _, id := range sourceIDs(raw) {
			if here[id] == nil {
				missing = append(missing, id)
			}
		}
	}
	found, err := r.orders(ctx, missing)
	for id, raw := range found {
		here[id] = raw
	}
	return here, err
}

func sourceIDs(raw json.RawMessage) (ids []string) {
	var o order
	if !headOf(raw).Returns || json.Unmarshal(raw, &o) != nil {
		return nil
	}
	for _, ret := range o.Returns {
		if ret.SourceOrderID != "" && !slices.Contains(ids, ret.SourceOrderID) {
			ids = append(ids, ret.SourceOrderID)
		}
	}
	return ids
}

// completeReturn adds to p what Transform needs for a return: how its refunds
// stand, its sale, and for a return of an amount the other refunds of the sale.
func (r *reader) completeReturn(ctx context.Context, o order, p *parcel, known map[string]json.RawMessage) error {
	if err := r.addUnsettled(ctx, o, p); err != nil {
		return err
	}
	ids := sourceIDs(p.Order)
	if len(ids) == 0 {
		id, err := r.saleByRefund(ctx, o, p)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := r.addSources(ctx, ids, p, known); err != nil || !o.amountOnly() {
		return err
	}
	return r.addSiblings(ctx, o.ID, p)
}

// addUnsettled reads the refunds of a return that the order does not show as
// paid: the order's own word may be old.
func (r *reader) addUnsettled(ctx context.Context, o order, p *parcel) error {
	for _, refund := range o.Refunds {
		if paid(refund.Status) || p.holds(refund.ID) {
			continue
		}
		if err := r.addRefund(ctx, refund.ID, p); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a refund is in the parcel already.
func (p *parcel) holds(refund string) bool {
	return slices.ContainsFunc(p.Refunds, func(raw json.RawMessage) bool { return string(headOf(raw).ID) == refund })
}

func (r *reader) addRefund(ctx context.Context, id string, p *parcel) error {
	if id == "" || p.holds(id) {
		return nil
	}
	raw, err := r.refund(ctx, id)
	if err != nil {
		return err
	}
	if len(raw) > 0 {
		p.Refunds = append(p.Refunds, raw)
	}
	return nil
}

// saleByRefund finds the sale of a return that does not name it, by the payment
// of its first refund; "" when there is none.
func (r *reader) saleByRefund(ctx context.Context, o order, p *parcel) (string, error) {
	if len(o.Refunds) == 0 {
		return "", nil
	}
	if err := r.addRefund(ctx, o.Refunds[0].ID, p); err != nil || len(p.Refunds) == 0 {
		return "", err
	}
	var refund paymentRefund
	if json.Unmarshal(p.Refunds[0], &refund) != nil || refund.PaymentID == "" {
		return "", nil
	}
	paid, err := r.payment(ctx, refund.PaymentID)
	if paid.OrderID == o.ID { // a payment that was cancelled can carry the return's own id
		return "", err
	}
	return paid.OrderID, err
}

// addSources adds the orders of these ids that Square knows.
func (r *reader) addSources(ctx context.Context, ids []string, p *parcel, known map[string]json.RawMessage) error {
	for _, id := range ids {
		raw := known[id]
		if raw == nil && id != "" {
			found, err := r.orders(ctx, []string{id})
			if err != nil {
				return err
			}
			raw = found[id]
		}
		if raw != nil {
			p.Sources = append(p.Sources, raw)
		}
	}
	return nil
}

// addSiblings adds all refunds of the sale and their return orders, so that
// what was given back earlier can be reckoned with. own is the order or refund
// that the parcel is about.
func (r *reader) addSiblings(ctx context.Context, own string, p *parcel) error {
	if len(p.Sources) == 0 {
		return nil
	}
	var sale order
	if json.Unmarshal(p.Sources[0], &sale) != nil {
		return nil
	}
	for _, t := range sale.Tenders {
		if err := r.addRefundsOf(ctx, t.payment(), p); err != nil {
			return err
		}
	}
	return r.addReturns(ctx, []string{own, sale.ID}, p)
}

func (r *reader) addRefundsOf(ctx context.Context, paymentID string, p *parcel) error {
	if paymentID == "" {
		return nil
	}
	paid, err := r.payment(ctx, paymentID)
	if err != nil {
		return err
	}
	for _, id := range paid.RefundIDs {
		if err := r.addRefund(ctx, id, p); err != nil {
			return err
		}
	}
	return nil
}

// addReturns adds the return orders of the refunds, but for those of the given ids.
func (r *reader) addReturns(ctx context.Context, but []string, p *parcel) error {
	var ids []string
	for _, raw := range p.Refunds {
		if id := string(headOf(raw).OrderID); id != "" && !slices.Contains(but, id) {
			ids = append(ids, id)
		}
	}
	found, err := r.orders(ctx, ids)
	for _, id := range ids { // in the order of the refunds: two readings shall be the same bytes
		if raw := found[id]; isReturn(raw) {
			p.Returns = append(p.Returns, raw)
			delete(found, id)
		}
	}
	return err
}

// refundRecord makes the record of a refund that has no return order.
func (r *reader) refundRecord(ctx context.Context, raw json.RawMessage) (hostapi.Record, error) {
	head := headOf(raw)
	place, err := r.packedLocation(string(head.LocationID))
	if err != nil {
		return hostapi.Record{}, err
	}
	p := parcel{Refund: raw, Location: place, Refunds: []json.RawMessage{raw}}
	var refund paymentRefund
	if json.Unmarshal(raw, &refund) != nil || refund.PaymentID == "" {
		return p.record(kindRefund, raw, head), nil
	}
	paid, err := r.payment(ctx, refund.PaymentID)
	if err != nil {
		return hostapi.Record{}, err
	}
	if err := r.addSources(ctx, []string{paid.OrderID}, &p, nil); err != nil {
		return hostapi.Record{}, err
	}
	if err := r.addSiblings(ctx, "", &p); err != nil {
		return hostapi.Record{}, err
	}
	return p.record(kindRefund, raw, head), nil
}

// Fetch reads records by key, which is an order's id, or a refund's where the
// refund has no return order.
func (h *host) Fetch(ctx context.Context, a hostapi.Account, keys []string) ([]hostapi.Record, error) {
	r, err := h.reader(ctx, a)
	if err != nil {
		return nil, err
	}
	found, err := r.orders(ctx, slices.DeleteFunc(slices.Clone(keys), ofRefund))
	if err != nil {
		return nil, err
	}
	var orders, refunds []json.RawMessage
	for _, key := range keys {
		if raw := found[key]; raw != nil {
			orders = append(orders, raw)
		} else if raw, err := r.refund(ctx, key); err != nil {
			return nil, err
		} else if len(raw) > 0 {
			refunds = append(refunds, raw)
		}
	}
	return r.both(ctx, orders, refunds)
}

// ofRefund reports whether an id can only be a refund's: most are made of the
// payment's id and a suffix, while an order's has letters and digits alone.
func ofRefund(id string) bool { return strings.Contains(id, "_") }

func (r *reader) both(ctx context.Context, orders, refunds []json.RawMessage) ([]hostapi.Record, error) {
	records, err := r.orderRecords(ctx, orders, headsOf(orders))
	if err != nil {
		return nil, err
	}
	more, err := r.refundRecords(ctx, refunds)
	return append(records, more...), err
}

package bigcommerce

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// body packs p without looking into what BigCommerce sent. It is joined at
// once: this runs for every order, and orders are large.
func (p parcel) body() json.RawMessage {
	parts := make([][]byte, 0, 8)
	parts = append(parts, []byte(`{"store":`), p.store)
	if len(p.order) > 0 {
		parts = append(parts, []byte(`,"order":`), p.order)
	}
	if p.refund != 0 {
		parts = append(parts, strconv.AppendInt([]byte(`,"refund":`), p.refund, 10))
	}
	parts = appendList(parts, `,"refunds":[`, p.refunds)
	parts = appendList(parts, `,"addresses":[`, p.addresses)
	parts = appendList(parts, `,"products":[`, p.products)
	parts = appendList(parts, `,"taxes":[`, p.taxes)
	if p.unmatched {
		parts = append(parts, []byte(`,"unmatched":true`))
	}
	return bytes.Join(append(parts, []byte{'}'}), nil)
}

// appendList appends a member that is a list; nothing when it is empty.
func appendList(parts [][]byte, opening string, values []json.RawMessage) [][]byte {
	if len(values) == 0 {
		return parts
	}
	parts = append(parts, []byte(opening))
	for i, v := range values {
		if i > 0 {
			parts = append(parts, []byte{','})
		}
		parts = append(parts, v)
	}
	return append(parts, []byte{']'})
}

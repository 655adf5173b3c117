package bigcommerce

import (
	"encoding/json"
	"strconv"
)

// packing is room for the names in a body.
const packing = 64

// body packs p without looking into what BigCommerce sent.
func (p parcel) body() json.RawMessage {
	b := make([]byte, 0, len(p.store)+len(p.order)+packing)
	b = append(append(b, `{"store":`...), p.store...)
	if len(p.order) > 0 {
		b = append(append(b, `,"order":`...), p.order...)
	}
	if p.refund != 0 {
		b = strconv.AppendInt(append(b, `,"refund":`...), p.refund, 10)
	}
	b = appendList(b, "refunds", p.refunds)
	b = appendList(b, "addresses", p.addresses)
	b = appendList(b, "products", p.products)
	b = appendList(b, "taxes", p.taxes)
	if p.unmatched {
		b = append(b, `,"unmatched":true`...)
	}
	return append(b, '}')
}

// appendList appends a member that is a list; nothing when it is empty.
func appendList(b []byte, name string, values []json.RawMessage) []byte {
	if len(values) == 0 {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":[`...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

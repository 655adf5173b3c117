package square

import (
	"bytes"
	"encoding/json"
)

// body writes p. What Square sent is copied as it is: to check it once more
// would cost more than all else that is done for an order.
func (p parcel) body() json.RawMessage {
	parts := make([][]byte, 0, 8)
	parts = append(parts, []byte(`{"location":`), p.Location)
	parts = appendThing(parts, `,"order":`, p.Order)
	parts = appendThing(parts, `,"refund":`, p.Refund)
	parts = appendThings(parts, `,"sources":[`, p.Sources)
	parts = appendThings(parts, `,"refunds":[`, p.Refunds)
	parts = appendThings(parts, `,"returns":[`, p.Returns)
	return bytes.Join(append(parts, []byte{'}'}), nil)
}

// appendThing appends a member; nothing when it is empty.
func appendThing(parts [][]byte, opening string, raw json.RawMessage) [][]byte {
	if len(raw) == 0 {
		return parts
	}
	return append(parts, []byte(opening), raw)
}

// appendThings appends a member that is a list; nothing when it is empty.
func appendThings(parts [][]byte, opening string, all []json.RawMessage) [][]byte {
	for i, raw := range all {
		separator := ","
		if i == 0 {
			separator = opening
		}
		parts = append(parts, []byte(separator), raw)
	}
	if len(all) == 0 {
		return parts
	}
	return append(parts, []byte{']'})
}

package models

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the sale's canonical form: the properties in a fixed
// order, amounts exact. It is what the ledger hashes and keeps, so the same
// sale must give the same bytes for ever.
func (s *Sale) AppendJSON(b []byte) []byte {
	b = append(b, `{"transactionDate":`...)
	b = AppendJSONString(b, string(s.Date))
	b = append(b, `,"at":"`...)
	b = s.At.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","shipToAddress":`...)
	b = s.ShipTo.appendJSON(b)
	if s.ShipFrom != (Address{}) {
		b = append(b, `,"shipFromAddress":`...)
		b = s.ShipFrom.appendJSON(b)
	}
	b = s.SalesAmount.AppendTo(append(b, `,"salesAmount":`...))
	b = s.SalesTax.AppendTo(append(b, `,"salesTax":`...))
	b = s.ShippingAmount.AppendTo(append(b, `,"shippingAmount":`...))
	b = s.ShippingTax.AppendTo(append(b, `,"shippingTax":`...))
	b = append(b, `,"currency":`...)
	b = AppendJSONString(b, s.Currency)
	b = appendMember(b, "description", s.Description)
	b = appendMember(b, "reviewMessage", s.ReviewMessage)
	return append(b, '}')
}

func (a Address) appendJSON(b []byte) []byte {
	start := len(b)
	b = appendMember(b, "line1", a.Line1)
	b = appendMember(b, "city", a.City)
	b = appendMember(b, "state", a.State)
	b = appendMember(b, "zip", a.Zip)
	b = appendMember(b, "country", a.Country)
	if len(b) == start {
		return append(b, '{', '}')
	}
	b[start] = '{' // the first member's comma
	return append(b, '}')
}

// appendMember appends `,"name":"value"`, or nothing for an empty value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return AppendJSONString(b, value)
}

// AppendJSONString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			b = appendEscaped(b, c)
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[from:i]...)
			b = append(b, "\uFFFD"...)
			from = i + size
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(b, '\\', c)
	}
	b = append(b, `\u00`...)
	if c < 0x10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, uint64(c), 16)
}

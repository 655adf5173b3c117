package sandbox

import (
	"errors"
	"strconv"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
)

// A page is {"orders":[{…},…],"next":"…"} and holds more than a megabyte. It is
// cut into records in one pass that looks at each byte once: only the page's
// frame and each order's id and version are read here. The rest of an order is
// read once, by Transform, and only there may an order be found to be odd: it
// is then refused alone, and the page goes on.

// splitPage cuts a page into records, whose bodies share the page's memory.
// next is empty on the last page. The error says that the page as a whole
// cannot be read.
func splitPage(page []byte) (records []hostapi.Record, next string, err error) {
	r := &jsonscan.Reader{Text: page}
	orders := false
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "orders":
			orders = true
			records = cut(r)
		case "next":
			r.Decode(&next)
		default:
			r.Skip()
		}
	}
	r.End()
	if r.Err == nil && !orders {
		r.Fail(errors.New("a page without orders"))
	}
	return records, next, r.Err
}

// cut reads a list of orders.
func cut(r *jsonscan.Reader) []hostapi.Record {
	records := make([]hostapi.Record, 0, pageSize)
	for more := r.Array(); more; more = r.Element() {
		if len(records) == jsonscan.MostElements {
			r.Fail(jsonscan.ErrCrowded)
			break
		}
		records = append(records, record(r))
	}
	return records
}

// record reads one order of the page.
func record(r *jsonscan.Reader) hostapi.Record {
	r.Peek()
	text, start := r.Text, r.At
	found := hostapi.Record{Kind: kindOrder}
	for more := r.Object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			found.Key = string(r.Word())
		case "version":
			found.Version = version(r.Int())
		default:
			r.Skip()
		}
	}
	if r.Err == nil && (found.Key == "" || found.Version == "") {
		r.Fail(errors.New("an order without id or version"))
	}
	if r.Err == nil {
		found.Body = text[start:r.At]
	}
	return found
}

// version is hostapi.IntVersion without its formatting verbs: this runs for
// every order.
func version(n int64) string {
	const width = 20
	var b [width]byte
	digits := strconv.AppendInt(b[:0], n, 10)
	if n < 0 || len(digits) > width {
		return hostapi.IntVersion(n)
	}
	v := [width]byte{}
	pad := width - len(digits)
	for i := range pad {
		v[i] = '0'
	}
	copy(v[pad:], digits)
	return string(v[:])
}

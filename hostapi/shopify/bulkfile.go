package shopify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// A result file has a line for each order, agreement and sale. Lines name their
// parent, which may be anywhere in the file: grouping is off, as Shopify advises,
// since it makes operations slower and more likely to fail. So an order is known
// to be whole at the end of the file only, and the file does not fit into memory.
//
// It is therefore read in parts, each a page. A part is a fixed share of the
// orders, chosen by a hash of their ids, and small enough to be held. Reading a
// part takes two passes over the file: the first keeps its orders and their
// agreements, whose lines name the order; the second keeps the sales of these
// agreements. Nothing is left on a disk: a process that was killed in the middle
// of part 3 of 5 has a successor that reads part 3 of 5 from the same file, which
// stays for a week. The price is to fetch the file twice for each part, which
// mostOrders keeps at ten times for a full one.

const (
	// partOrders and partLines bound what one part holds, to some 20 MB.
	partOrders = 2_000
	partLines  = 25_000
	// longestLine is far more than what is asked of an order can fill.
	longestLine = 1 << 20
	// fileTime is for one pass: 50 MB at the slowest that such a store was seen.
	fileTime = 20 * time.Second
)

// count is a number that GraphQL writes as a string.
type count int64

// UnmarshalJSON takes both forms.
func (c *count) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(bytes.Trim(b, `"`)), 10, 64)
	*c = count(n)
	return err
}

// part is a share of the orders of a file.
type part struct{ number, of int }

// partsOf is how many parts a file is read in; the same for the same file.
func partsOf(state *operationState) int {
	return int(max(1, (state.Roots+partOrders-1)/partOrders, (state.Objects+partLines-1)/partLines))
}

// has reports whether an order belongs to the part.
func (p part) has(order string) bool {
	hash := fnv.New32a()
	hash.Write([]byte(order)) // never fails
	return int(hash.Sum32()%uint32(p.of)) == p.number
}

// fileLine is what is read of a line to place it.
type fileLine struct {
	ID      string `json:"id"`
	Parent  string `json:"__parentId"`
	Updated string `json:"updatedAt"`
}

// gathering is a part on its way from lines to orders.
type gathering struct {
	part       part
	roots      count // orders of the whole file
	ids        []string
	orders     map[string]*gathered
	agreements map[string]*gatheredAgreement
}

type gathered struct {
	updated string
	line    []byte
	edges   []*gatheredAgreement
}

type gatheredAgreement struct {
	line  []byte
	sales []json.RawMessage
}

// readFile reads a part of the result file.
func (h *host) readFile(ctx context.Context, state *operationState, p part, zone string) ([]hostapi.Record, error) {
	g := &gathering{part: p, orders: map[string]*gathered{}, agreements: map[string]*gatheredAgreement{}}
	for _, pass := range []func(fileLine, []byte) error{g.first, g.second} {
		if err := h.eachLine(ctx, state.URL, pass); err != nil {
			return nil, err
		}
	}
	if g.roots != state.Roots {
		return nil, brokenFile(fmt.Errorf("%d orders instead of %d", g.roots, state.Roots))
	}
	return g.records(zone)
}

func brokenFile(cause error) error {
	return models.Errorf(models.Unavailable, "The file of past orders from Shopify is not whole. We try again by ourselves.").Because(cause)
}

// first keeps the part's orders and their agreements.
func (g *gathering) first(l fileLine, text []byte) error {
	switch {
	case l.Parent == "":
		g.roots++
		if g.part.has(l.ID) {
			o := g.order(l.ID)
			o.updated, o.line = l.Updated, bytes.Clone(text)
		}
	case strings.HasPrefix(l.Parent, orderGID) && g.part.has(l.Parent):
		a := &gatheredAgreement{line: bytes.Clone(text)}
		g.agreements[l.ID] = a
		o := g.order(l.Parent)
		o.edges = append(o.edges, a)
	}
	return nil
}

// order is the order of that id, which its agreements may have named before its
// own line.
func (g *gathering) order(id string) *gathered {
	o := g.orders[id]
	if o == nil {
		o = &gathered{}
		g.orders[id], g.ids = o, append(g.ids, id)
	}
	return o
}

// second keeps the sales of the part's agreements.
func (g *gathering) second(l fileLine, text []byte) error {
	if a := g.agreements[l.Parent]; a != nil && l.Parent != "" {
		a.sales = append(a.sales, bytes.Clone(text))
	}
	return nil
}

// records are the part's orders, in the form in which pages bring them.
func (g *gathering) records(zone string) ([]hostapi.Record, error) {
	e := envelopeOf(zone)
	records := make([]hostapi.Record, 0, len(g.ids))
	for _, id := range g.ids {
		o := g.orders[id]
		if o.line == nil {
			return nil, brokenFile(errors.New("an agreement without its order"))
		}
		r, err := e.pack(id, o.updated, o.text())
		if err != nil {
			return nil, brokenFile(err)
		}
		records = append(records, r)
	}
	return records, nil
}

// text is the order with its agreements, and these with their sales.
func (o *gathered) text() []byte {
	b := append(withoutEnd(o.line), `,"agreements":{"edges":[`...)
	for i, a := range o.edges {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"node":`...), withoutEnd(a.line)...)
		b = append(b, `,"sales":{"nodes":[`...)
		b = append(b, bytes.Join(rawBytes(a.sales), []byte{','})...)
		b = append(b, `]}}}`...)
	}
	return append(b, `]}}`...)
}

// withoutEnd is an object without its last bracket, for members to be added.
func withoutEnd(object []byte) []byte {
	return bytes.TrimRight(bytes.TrimSuffix(bytes.TrimSpace(object), []byte{'}'}), " ")
}

func rawBytes(list []json.RawMessage) [][]byte {
	all := make([][]byte, len(list))
	for i, raw := range list {
		all[i] = raw
	}
	return all
}

// eachLine reads the file from the store that Shopify put it in, line by line.
// Its address is signed, so it is shown to nobody and not written into errors.
func (h *host) eachLine(ctx context.Context, address string, line func(fileLine, []byte) error) error {
	body, err := h.openFile(ctx, address)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, bufio.MaxScanTokenSize), longestLine)
	for lines.Scan() {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var l fileLine
		if err := json.Unmarshal(text, &l); err != nil || l.ID == "" {
			return brokenFile(errors.New("a line that cannot be read"))
		}
		if err := line(l, text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return brokenFile(scrub(err))
	}
	return nil
}

// openFile opens the file. The client carries no token and follows no redirect.
func (h *host) openFile(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !h.ours(u) {
		return nil, models.Errorf(models.Internal, "Shopify put the file of past orders where we do not fetch it.")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, brokenFile(scrub(err))
	}
	res, err := h.files.Do(req)
	if err != nil {
		return nil, brokenFile(scrub(err))
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, brokenFile(fmt.Errorf("status %d", res.StatusCode))
	}
	return res.Body, nil
}

// ours reports whether u is at the address that stands in for Shopify's.
func (h *host) ours(u *url.URL) bool {
	return h.base != "" && strings.HasPrefix(u.String(), h.base+"/")
}

// scrub drops the address from an error of net/http.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bomb is an answer of a neighbour that is meant to fill our memory.
type bomb struct {
	name   string
	packed bool // is compressed
	target bool // TrustFile's, else the host's
	write  func(ctx context.Context, w io.Writer)
}

const (
	largePage = 60 << 20       // below what we read of an answer at most
	smallPage = 4<<20 - 64<<10 // below what asks for room
	hugePage  = 1 << 30
	bombPiece = 1 << 20
)

// neighbourBombs are thrown one after the other.
func neighbourBombs() []bomb {
	page := func(size int, before, unit, after string) func(context.Context, io.Writer) {
		return func(_ context.Context, w io.Writer) { repeated(w, size, before, unit, after) }
	}
	packed := func(size int, before, unit, after string) func(context.Context, io.Writer) {
		whole := sync.OnceValue(func() []byte { return zipped(page(size, before, unit, after)) })
		return func(_ context.Context, w io.Writer) { _, _ = w.Write(whole()) }
	}
	const head, order, tail = `{"orders":[`, `{"id":"1","version":1`, `],"next":null}`
	return []bomb{
		{"TrustFile: gzip, 200 MB in 200 KB", true, true, packed(200<<20, "", "0", "")},
		{"TrustFile: 60 MB of brackets", false, true, page(largePage, `{"processed":`, "[", "")},
		{"TrustFile: 60 MB of a list", false, true, page(largePage, `{"processed":[{}`, ",{}", "]}")},
		{"TrustFile: a body that never ends", false, true, trickle},
		{"host: gzip, 200 MB in 200 KB", true, false, packed(200<<20, "", "0", "")},
		{"host: an answer of 1 GB", false, false, page(hugePage, head, " ", tail)},
		{"host: a body that never ends", false, false, trickle},
		{"host: 60 MB of objects in each other", false, false, page(largePage, head, `{"a":`, "")},
		{"host: an order with a string of 60 MB", false, false, page(largePage, head+order+`,"note":"`, "a", `"}`+tail)},
		{"host: an order with an id of 60 MB", false, false, page(largePage, head+`{"version":1,"id":"`, "a", `"}`+tail)},
		{"host: 60 MB of small orders", false, false, page(largePage, head+order+"}", `,`+order+"}", tail)},
		{"host: 4 MB of small orders", false, false, page(smallPage, head+order+"}", `,`+order+"}", tail)},
		{"host: 60 MB of lines in one order", false, false, page(largePage, head+order+`,"lines":[{}`, ",{}", "]}"+tail)},
		{"host: 4 MB of lines in one order", false, false, page(smallPage, head+order+`,"lines":[{}`, ",{}", "]}"+tail)},
		{"host: 4 MB of refunds in one order", false, false, page(smallPage, head+order+`,"refunds":[{}`, ",{}", "]}"+tail)},
	}
}

// repeated writes so many bytes of a unit, between others.
func repeated(w io.Writer, size int, before, unit, after string) {
	piece := []byte(strings.Repeat(unit, bombPiece/len(unit)))
	if _, err := io.WriteString(w, before); err != nil {
		return
	}
	for ; size > len(piece); size -= len(piece) {
		if _, err := w.Write(piece); err != nil {
			return // whoever asked has enough
		}
	}
	_, _ = w.Write(piece[:size/len(unit)*len(unit)])
	_, _ = io.WriteString(w, after)
}

// zipped is what write writes, compressed.
func zipped(write func(context.Context, io.Writer)) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	write(context.Background(), z)
	_ = z.Close() // into memory
	return b.Bytes()
}

// trickle writes what is large enough to ask for room, and then a little for ever.
func trickle(ctx context.Context, w io.Writer) {
	repeated(w, 8<<20, `{"orders":[`, " ", "")
	for {
		if _, err := w.Write([]byte("          ")); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		if sleepUntil(ctx, time.Now().Add(100*time.Millisecond)) != nil {
			return
		}
	}
}

// firingRange stands between us and the simulators.
type firingRange struct {
	loaded atomic.Pointer[bomb]
	thrown atomic.Int64
	// disarm ends the bombs under way.
	mu     sync.Mutex
	ctx    context.Context
	disarm context.CancelFunc
}

// startRange puts one before the host and one before TrustFile, as d.world.
func (d *driver) startRange(ctx context.Context) (*firingRange, func(), error) {
	at := &firingRange{ctx: ctx, disarm: func() {}}
	var servers []*httptest.Server
	for _, n := range []struct {
		address *string
		hit     func(*http.Request, *bomb) bool
	}{
		{&d.world.Host, func(r *http.Request, b *bomb) bool {
			return !b.target && r.Header.Get("Authorization") == "Bearer "+bombToken
		}},
		{&d.world.Items, func(_ *http.Request, b *bomb) bool { return b.target }},
	} {
		server, err := at.before(n.address, n.hit)
		if err != nil {
			return nil, nil, err
		}
		servers = append(servers, server)
	}
	return at, func() {
		at.load(nil)
		for _, s := range servers {
			s.CloseClientConnections()
			s.Close()
		}
	}, nil
}

// before serves an address, but for what is hit.
func (at *firingRange) before(address *string, hit func(*http.Request, *bomb) bool) (*httptest.Server, error) {
	to, err := url.Parse(*address)
	if err != nil {
		return nil, err
	}
	path := to.Path
	to.Path = ""
	behind := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := at.loaded.Load()
		if b == nil || !hit(r, b) {
			if r.Header.Get("Authorization") == "Bearer "+bombToken {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			behind.ServeHTTP(w, r)
			return
		}
		at.answer(w, r, b)
	}))
	*address = server.URL + path
	return server, nil
}

func (at *firingRange) answer(w http.ResponseWriter, r *http.Request, b *bomb) {
	at.thrown.Add(1)
	at.mu.Lock()
	ctx := at.ctx
	at.mu.Unlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(r.Context(), stop)()
	defer context.AfterFunc(ctx, func() { _ = http.NewResponseController(w).SetWriteDeadline(time.Now()) })()
	w.Header().Set("Content-Type", "application/json")
	if b.packed {
		w.Header().Set("Content-Encoding", "gzip")
	}
	b.write(ctx, w)
}

// load takes the bomb that is thrown from now on; nil: none.
func (at *firingRange) load(b *bomb) {
	at.mu.Lock()
	defer at.mu.Unlock()
	at.disarm()
	at.ctx, at.disarm = context.WithCancel(context.Background())
	at.loaded.Store(b)
}

// callerBomb is a request that is meant to fill our memory.
type callerBomb struct {
	name, path, kind string
	packed, slow     bool
	body             string
}

// mostAPIBody is the largest body that the API takes.
const mostAPIBody = 1 << 20

func callerBombs() []callerBomb {
	names := func(before, after string) string {
		var b strings.Builder
		for i := 0; b.Len() < mostAPIBody-40; i++ {
			b.WriteString(before + strconv.FormatInt(int64(i), 36) + after)
		}
		return b.String()
	}
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	return []callerBomb{
		{"API: gzip, 200 MB in 200 KB", "/connections", asJSON, true, false, string(zipped(func(_ context.Context, w io.Writer) { repeated(w, 200<<20, "", "0", "") }))},
		{"API: an object of many properties", "/connections", asJSON, false, false, "{" + names(`"`, `":1,`) + `"":1}`},
		{"API: objects in each other", "/connections", asJSON, false, false, strings.Repeat(`{"a":`, mostAPIBody/5)},
		{"API: a long list", "/connections", asJSON, false, false, `{"x":[` + strings.Repeat("0,", mostAPIBody/2-10) + `0]}`},
		{"API: a long string", "/connections", asJSON, false, false, `{"id":"` + strings.Repeat("a", mostAPIBody-20) + `"}`},
		{"API: a body of 60 MB", "/connections", asJSON, false, false, `{"id":"` + strings.Repeat("a", largePage) + `"}`},
		{"API: a form of many fields", "/oauth/sandbox/start", form, false, false, names("", "&")},
		{"API: bodies that never end", "/connections", asJSON, false, true, `{"id":"` + strings.Repeat("a", mostAPIBody-100)},
	}
}

const (
	// callers throw at once, slowCallers hold a body open.
	callers, slowCallers = 50, 200
)

// throw sends it from many callers, again as soon as it was answered.
func (b callerBomb) throw(ctx context.Context, address string) error {
	n := callers
	if b.slow {
		n = slowCallers
	}
	until, wg, answered := time.Now().Add(bombTime), sync.WaitGroup{}, atomic.Int64{}
	for range n {
		wg.Go(func() {
			for time.Now().Before(until) && ctx.Err() == nil {
				if b.send(ctx, address, until) == nil {
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if answered.Load() == 0 {
		return errors.New("nothing was sent")
	}
	return healthy(ctx, address)
}

// send writes one request by hand, and reads what the service says to it.
func (b callerBomb) send(ctx context.Context, address string, until time.Time) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is lost with it
	length := len(b.body)
	if b.slow {
		length++ // that never comes
		_ = conn.SetDeadline(until)
	} else {
		_ = conn.SetDeadline(until.Add(startTime))
	}
	packing := ""
	if b.packed {
		packing = "Content-Encoding: gzip\r\n"
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n",
		b.path, bearer, b.kind, packing, length)
	if err != nil {
		return err
	}
	_, _ = io.WriteString(conn, b.body) // a refusal may come before its end
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

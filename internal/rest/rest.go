// Package rest calls other people's HTTP services: time limits, size limits and
// one translation from what can go wrong to the kinds of models.Error.
package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	json "github.com/goccy/go-json"

	"extractor/internal/jsonscan"
	"extractor/models"
)

const (
	connectTimeout = 3 * time.Second                // a host that is up answers a SYN at once
	tlsTimeout     = 5 * time.Second                // some round trips more
	totalTimeout   = 25 * time.Second / models.Pace // below the jobs' slice, above the slowest page seen
	// keepAlive finds a peer that went away without a word before the pool
	// hands its connection to a request.
	keepAlive = 15 * time.Second
	// idleConns to one host and idleTime: a page after a page reuses its
	// connection, and what rests is closed before load balancers close it on us.
	idleConns = 16
	idleTime  = time.Minute
	// bufferSize is that of a connection: pages have hundreds of kilobytes.
	bufferSize = 64 << 10
	// maxBody is the largest answer we read, unpacked: several times the largest
	// page a host documents, and small beside a 512 MB dyno.
	maxBody = 64 << 20
	// maxRatio bounds how far a packed answer may unfold; JSON packs about 20:1.
	maxRatio = 100
	// packedFloor is the unpacked size below which the ratio is not looked at.
	packedFloor = 1 << 20

	minRetryAfter = time.Second / models.Pace                                // "0" and the past mean: soon, not at once
	maxRetryAfter = 24 * time.Hour / models.Pace / models.Pace / models.Pace // absurd values must not park a merchant for ever
)

// NewTransport is the transport for all calls outward.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectTimeout, KeepAlive: keepAlive}).DialContext,
		TLSHandshakeTimeout:   tlsTimeout,
		ResponseHeaderTimeout: totalTimeout,
		MaxIdleConnsPerHost:   idleConns,
		IdleConnTimeout:       idleTime,
		WriteBufferSize:       bufferSize,
		ReadBufferSize:        bufferSize,
		DisableCompression:    true, // we unpack ourselves, to bound the ratio
	}
}

// NewClient makes a client over rt that follows no redirects: an API that
// redirects is not the API we were told of.
func NewClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		Timeout:       totalTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Caller calls one neighbour.
type Caller struct {
	Client *http.Client
	Title  string // the neighbour's name in sentences: "Square"
}

// Answer is a whole answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON sends in (nil for none) and decodes a 2xx answer into out (nil for
// none). Any other answer is an error of the matching kind; see Check.
func (c Caller) JSON(ctx context.Context, method, address string, header http.Header, in, out any) error {
	a, err := c.Send(ctx, method, address, header, in)
	if err != nil {
		return err
	}
	if err := c.Check(a); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := jsonscan.Unmarshal(a.Body, out); err != nil {
		return c.unreadable(method, err)
	}
	return nil
}

// unreadable is the error of a 2xx answer that is not what was agreed. Only a
// reading call may say that nothing was taken.
func (c Caller) unreadable(method string, err error) error {
	kind := models.Unsure
	if method == http.MethodGet || method == http.MethodHead {
		kind = models.Unavailable
	}
	return models.Errorf(kind, "%s sent an answer that cannot be read. We try again by ourselves.", c.Title).Because(where(err))
}

// where says where decoding failed, without the decoder's own words: they may
// quote the answer.
func where(err error) error {
	var typ *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &typ):
		return fmt.Errorf("decode: %s is no %s", typ.Field, typ.Type)
	case errors.As(err, &syntax):
		return fmt.Errorf("decode: no JSON at byte %d", syntax.Offset)
	}
	return errors.New("decode: unreadable")
}

// Send sends in as JSON (nil for no body; []byte as it is) and reads the whole
// answer, whatever its status. The error tells a request that certainly never
// left (Unavailable) from one that may have been taken (Unsure).
func (c Caller) Send(ctx context.Context, method, address string, header http.Header, in any) (*Answer, error) {
	body, err := encode(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, models.Errorf(models.Internal, "An address of %s is not usable.", c.Title).Because(scrub(err))
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if in != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept-Encoding", "gzip")
	return c.do(req)
}

// do sends the request and reads the whole answer.
func (c Caller) do(req *http.Request) (*Answer, error) {
	var left atomic.Bool // a connection was there, so bytes of the request may have gone
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }}
	res, err := c.Client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, c.unanswered(err, left.Load())
	}
	defer res.Body.Close()
	read, err := readAll(res)
	if err != nil {
		return nil, c.broken(err)
	}
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: read}, nil
}

func encode(in any) ([]byte, error) {
	switch v := in.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	}
	return json.Marshal(in)
}

// unanswered is the error of a request without an answer. An error of ours that
// was cancelled keeps context.Canceled in its chain: errors.Is tells our own
// shutdown, which says nothing about the neighbour, from a time-out.
func (c Caller) unanswered(err error, left bool) error {
	var known *models.Error
	if errors.As(err, &known) { // from an authorising transport
		return known
	}
	var op *net.OpError
	switch {
	case !left || errors.As(err, &op) && op.Op == "dial":
		return models.Errorf(models.Unavailable, "%s cannot be reached. We try again by ourselves.", c.Title).Because(scrub(err))
	case errors.Is(err, context.Canceled):
		return c.stopped(err)
	}
	return models.Errorf(models.Unsure, "%s did not answer in time. We try again by ourselves.", c.Title).Because(scrub(err))
}

// broken is the error of an answer that could not be read to its end.
func (c Caller) broken(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return c.stopped(err)
	case errors.Is(err, errNoRoom):
		return models.Errorf(models.Unsure, "%s sent much at once while we were busy with other large answers. We try again by ourselves.", c.Title).Because(scrub(err))
	case errors.Is(err, errTooMuch):
		return models.Errorf(models.Unsure, "%s sent more than we can take in one answer. We try again by ourselves.", c.Title).Because(scrub(err))
	}
	return models.Errorf(models.Unsure, "%s broke off in the middle of an answer. We try again by ourselves.", c.Title).Because(scrub(err))
}

func (c Caller) stopped(err error) error {
	return models.Errorf(models.Unsure, "We stopped while %s was working on a request. We try again by ourselves.", c.Title).Because(scrub(err))
}

// scrub drops the address from an error of net/http: it may hold an id or a token.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("%s: %w", strings.ToLower(u.Op), u.Err)
	}
	return err
}

// Check turns an answer that is not 2xx into an error of the matching kind.
// 408, 409, 423, 425, 429 and 5xx never mean that we lost our authorisation.
func (c Caller) Check(a *Answer) error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	cause := fmt.Errorf("status %d", a.Status)
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return models.Errorf(models.Unauthorised, "%s no longer lets us in.", c.Title).Because(cause)
	case http.StatusNotFound, http.StatusGone:
		return models.Errorf(models.NotFound, "%s does not know what we asked for.", c.Title).Because(cause)
	case http.StatusTooManyRequests:
		e := models.Errorf(models.Throttled, "%s asked us to slow down.", c.Title).Because(cause)
		e.RetryAfter = RetryAfter(a.Header, time.Now())
		return e
	case http.StatusRequestEntityTooLarge:
		return models.Errorf(models.TooLarge, "%s found a request too large.", c.Title).Because(cause)
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusTooEarly:
		return models.Errorf(models.Unsure, "%s could not answer just now. We try again by ourselves.", c.Title).Because(cause)
	}
	if a.Status >= 300 && a.Status < 400 {
		return models.Errorf(models.Unavailable, "%s points us to another address, which we do not follow. Check the address we were given for it.", c.Title).Because(cause)
	}
	if a.Status >= 500 {
		e := models.Errorf(models.Unsure, "%s has a fault of its own just now. We try again by ourselves.", c.Title).Because(cause)
		if a.Header.Get("Retry-After") != "" {
			e.RetryAfter = RetryAfter(a.Header, time.Now())
		}
		return e
	}
	return models.Errorf(models.Refused, "%s refused a request of ours.", c.Title).Because(cause)
}

// RetryAfter reads Retry-After, seconds or a date, clamped to between a second
// and a day. Without one, or with nonsense, it is zero: the caller backs off.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(v, 64); err == nil && seconds == seconds {
		return clamp(seconds * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return clamp(float64(t.Sub(now)))
	}
	return 0
}

func clamp(d float64) time.Duration {
	return time.Duration(min(max(d, float64(minRetryAfter)), float64(maxRetryAfter)))
}

// errTooMuch is the cause of an answer beyond our limits.
var errTooMuch = errors.New("answer too large")

// readAll reads the body, unpacked, within the limits.
func readAll(res *http.Response) ([]byte, error) {
	packed := &counter{r: res.Body}
	var r io.Reader = packed
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = &ratioReader{r: z, packed: packed}
	}
	body, err := readSmall(r, res.ContentLength)
	if err != nil || len(body) < largeAnswer {
		return body, err
	}
	length := res.ContentLength
	if length > maxBody || r != io.Reader(packed) { // unpacked it has another one
		length = -1
	}
	if body, err = readLarge(res.Request.Context(), body, io.LimitReader(r, maxBody+1-largeAnswer), length); err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: larger than %d bytes", errTooMuch, maxBody)
	}
	return body, nil
}

// readSmall reads up to largeAnswer bytes.
func readSmall(r io.Reader, length int64) ([]byte, error) {
	var buf bytes.Buffer
	if length > 0 {
		buf.Grow(int(min(length, largeAnswer)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(r, largeAnswer))
	return buf.Bytes(), err
}

// counter counts what passes.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ratioReader stops an answer that unfolds too far.
type ratioReader struct {
	r      io.Reader
	packed *counter
	n      int64
}

func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += int64(n)
	if r.n > packedFloor && r.n > maxRatio*r.packed.n {
		return n, fmt.Errorf("%w: unfolds more than %d times", errTooMuch, maxRatio)
	}
	return n, err
}

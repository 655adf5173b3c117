package handlers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

const (
	// handlerDeadline ends a handler well before the router in front gives up
	// at 30 s, so that the caller gets an answer of ours.
	handlerDeadline = 20 * time.Second / models.Pace
	// bodyLimit is far above any request of the contract.
	bodyLimit = 1 << 20
)

// requestIDHeader carries the id of a request in both directions.
const requestIDHeader = "X-Request-Id"

// longestID is the longest id of a caller that we repeat.
const longestID = 64

// safeID reports whether an id given by the caller may go into logs and headers.
func safeID(id string) bool {
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '.', b == '_', b == '-':
		default:
			return false
		}
	}
	return id != "" && len(id) <= longestID
}

// requestID gives each request an id to quote: the caller's own, if it is safe.
// The answer's header is where others find it.
func requestID(c *gin.Context) {
	id := c.Request.Header.Get(requestIDHeader)
	if !safeID(id) {
		id = newID()
	}
	c.Writer.Header()[requestIDHeader] = []string{id}
}

// newID is an id that no other request has, of 80 random bits. It only tells
// requests apart and opens nothing, so the runtime's own generator will do.
func newID() string {
	const letters = "0123456789abcdefghijklmnopqrstuv" // five bits each
	var id [16]byte
	low, high := rand.Uint64(), rand.Uint64() // #nosec G404 -- no secret
	for i := 0; i < len(id); i += 2 {
		id[i], id[i+1] = letters[low%32], letters[high%32]
		low, high = low/32, high/32
	}
	return string(id[:])
}

// idOf is the id of a request.
func idOf(c *gin.Context) string { return c.Writer.Header().Get(requestIDHeader) }

// Headers of every answer. All answers share these lists, which nobody changes
// in place: Set replaces a list, and Add copies one that is full.
var (
	contentTypeOptions    = []string{"nosniff"}
	referrerPolicy        = []string{"no-referrer"}
	cacheControl          = []string{"no-store"}
	contentSecurityPolicy = []string{"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"}
	transportSecurity     = []string{"max-age=31536000"} // asks browsers to use https for a year
)

// headers makes every answer safe to be opened by a browser. Pages of ours
// replace the policy by their own.
func (a *api) headers(c *gin.Context) {
	h := c.Writer.Header()
	h["X-Content-Type-Options"] = contentTypeOptions
	h["Referrer-Policy"] = referrerPolicy
	h["Cache-Control"] = cacheControl
	h["Content-Security-Policy"] = contentSecurityPolicy
	if a.public {
		h["Strict-Transport-Security"] = transportSecurity
	}
}

// isPublic reports whether people reach us by https only.
func isPublic(address string) bool { return strings.HasPrefix(strings.ToLower(address), "https://") }

// httpsOnly refuses plain http in front of the service instead of redirecting:
// a bearer that was sent in clear must be noticed. Health stays open to the
// platform's own probes.
func (a *api) httpsOnly(c *gin.Context) {
	if !a.public || c.Request.TLS != nil || isHealth(c.FullPath()) {
		return
	}
	if proto := lastOf(c.Request.Header.Values("X-Forwarded-Proto")); !strings.EqualFold(proto, "https") {
		c.AbortWithStatusJSON(http.StatusForbidden, message{"This service is reached by https only. If you sent a token by http, replace it."})
	}
}

func isHealth(route string) bool { return route == "/health" || route == "/orangez/health" }

// deadline ends what takes too long; the handler's error becomes a 503. Health
// has one of its own, for all who ask at once: loadPatience.
func (a *api) deadline(c *gin.Context) {
	if isHealth(c.FullPath()) {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), a.patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func limitBody(c *gin.Context) {
	if c.Request.Body == http.NoBody {
		return
	}
	limit := int64(bodyLimit)
	if c.FullPath() == webhookRoute {
		limit = webhookLimit
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
}

// recovery turns a panic into a plain apology with the id to quote.
func (a *api) recovery(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		a.Logger.Error("panic", "request", idOf(c), "route", route(c),
			"panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			c.JSON(http.StatusInternalServerError, message{apology(c)})
		}
	}()
	c.Next()
}

// singleQuery refuses what two readers could read differently.
func singleQuery(c *gin.Context) {
	if c.Request.URL.RawQuery == "" {
		return
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		fail(c, models.Errorf(models.Invalid, "The query of the address cannot be read. Encode each value, and separate them by &."), "")
		return
	}
	for name, values := range query {
		if len(values) > 1 {
			fail(c, models.Errorf(models.Invalid, "The query parameter %s is given more than once. Send it once.", quote(name)), "")
			return
		}
	}
}

// clientAddress is the address that spoke to the router in front of us: the
// last one of X-Forwarded-For, since only that one was not written by the client.
func clientAddress(r *http.Request) string {
	if last := lastOf(r.Header.Values("X-Forwarded-For")); last != "" {
		return last
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// lastOf is the last element of a header that lists values over one or more lines.
func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

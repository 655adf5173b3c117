package handlers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"extractor/models"
)

const (
	// handlerDeadline ends a handler well before the router in front gives up
	// at 30 s, so that the caller gets an answer of ours.
	handlerDeadline = 20 * time.Second / models.Pace
	// bodyLimit is far above any request of the contract.
	bodyLimit = 1 << 20
	// transportSecurity asks browsers to use https for a year.
	transportSecurity = "max-age=31536000"
)

// requestIDHeader carries the id of a request in both directions.
const requestIDHeader = "X-Request-Id"

// safeID is what an id given by the caller may look like: it goes into logs and headers.
var safeID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID gives each request an id to quote: the caller's own, if it is safe.
func requestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !safeID.MatchString(id) {
		id = uuid.NewString()
	}
	c.Set(requestIDHeader, id)
	c.Header(requestIDHeader, id)
}

// headers makes every answer safe to be opened by a browser. Pages of ours
// replace the policy by their own.
func (a *api) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	if a.public() {
		h.Set("Strict-Transport-Security", transportSecurity)
	}
}

// public reports whether people reach us by https only.
func (a *api) public() bool { return strings.HasPrefix(strings.ToLower(a.PublicURL), "https://") }

// httpsOnly refuses plain http in front of the service instead of redirecting:
// a bearer that was sent in clear must be noticed. Health stays open to the
// platform's own probes.
func (a *api) httpsOnly(c *gin.Context) {
	if !a.public() || c.Request.TLS != nil || isHealth(c.FullPath()) {
		return
	}
	if proto := lastOf(c.Request.Header.Values("X-Forwarded-Proto")); !strings.EqualFold(proto, "https") {
		c.AbortWithStatusJSON(http.StatusForbidden, message{"This service is reached by https only. If you sent a token by http, replace it."})
	}
}

func isHealth(route string) bool { return route == "/health" || route == "/orangez/health" }

// deadline ends what takes too long; the handler's error becomes a 503.
func (a *api) deadline(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), a.patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func limitBody(c *gin.Context) {
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
		a.Logger.Error("panic", "request", c.GetString(requestIDHeader), "route", route(c),
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

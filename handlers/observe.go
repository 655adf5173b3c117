package handlers

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// connectionKey is where a handler notes the internal id of its connection, for the log.
const connectionKey = "connection"

// alike are requests that are counted together.
type alike struct {
	method, route string
	status        int
}

// series is where they are counted and logged; what they share is written once.
type series struct {
	seconds prometheus.Observer
	log     slog.Handler
}

// observer logs and measures each request by its route template: the path
// itself holds connection ids, which authorise.
type observer struct {
	seconds *prometheus.HistogramVec
	log     slog.Handler

	mu  sync.RWMutex
	all map[alike]*series // a few for each route
}

func (a *api) newObserver() *observer {
	o := &observer{log: a.Logger.Handler(), all: map[alike]*series{}, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "extractor_http_request_seconds",
		Help:    "Time from the first byte of a request to the last of its answer.",
		Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 20},
	}, []string{"method", "route", "status"})}
	a.Metrics.MustRegister(o.seconds)
	return o
}

func (o *observer) observe(c *gin.Context) {
	begun := time.Now()
	c.Next()
	took := time.Since(begun)
	k := alike{method(c), route(c), c.Writer.Status()}
	s := o.series(k)
	s.seconds.Observe(took.Seconds())
	if !s.log.Enabled(c.Request.Context(), level(k.status)) {
		return
	}
	line := slog.NewRecord(begun.Add(took), level(k.status), "request", 0)
	addFacts(&line, c, took)
	_ = s.log.Handle(c.Request.Context(), line) // as slog's own Logger does
}

func (o *observer) series(k alike) *series {
	o.mu.RLock()
	s := o.all[k]
	o.mu.RUnlock()
	if s == nil {
		s = o.begin(k)
	}
	return s
}

func (o *observer) begin(k alike) *series {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &series{
		seconds: o.seconds.WithLabelValues(k.method, k.route, strconv.Itoa(k.status)),
		log:     o.log.WithAttrs([]slog.Attr{slog.String("method", k.method), slog.String("route", k.route), slog.Int("status", k.status)}),
	}
	o.all[k] = s
	return s
}

// addFacts adds what differs between requests that are alike.
func addFacts(line *slog.Record, c *gin.Context, took time.Duration) {
	line.AddAttrs(slog.String("request", idOf(c)), slog.Int64("ms", took.Milliseconds()), slog.Int("bytes", max(c.Writer.Size(), 0)))
	if id := c.GetInt64(connectionKey); id != 0 {
		line.AddAttrs(slog.Int64("connection", id))
	}
	if c.Writer.Status() == http.StatusUnauthorized {
		line.AddAttrs(slog.String("client", clientAddress(c.Request)))
	}
	if err := c.Errors.Last(); err != nil {
		line.AddAttrs(slog.String("error", loggable(err.Err)))
	}
}

func level(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// route is the template of the route, never what the caller wrote.
func route(c *gin.Context) string {
	if r := c.FullPath(); r != "" {
		return r
	}
	return "none"
}

// method is the method if it is a usual one: a caller could invent endless labels.
func method(c *gin.Context) string {
	switch m := c.Request.Method; m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
		http.MethodPatch, http.MethodOptions:
		return m
	}
	return "OTHER"
}

// GET /metrics
func (a *api) metrics() gin.HandlerFunc {
	return gin.WrapH(promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{}))
}

package handlers

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// connectionKey is where a handler notes the internal id of its connection, for the log.
const connectionKey = "connection"

// observe logs and measures each request by its route template: the path
// itself holds connection ids, which authorise.
func (a *api) observe() gin.HandlerFunc {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "extractor_http_request_seconds",
		Help:    "Time from the first byte of a request to the last of its answer.",
		Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 20},
	}, []string{"method", "route", "status"})
	a.Metrics.MustRegister(seconds)
	return func(c *gin.Context) {
		begun := time.Now()
		c.Next()
		took := time.Since(begun)
		status := c.Writer.Status()
		seconds.WithLabelValues(method(c), route(c), strconv.Itoa(status)).Observe(took.Seconds())
		a.Logger.LogAttrs(c.Request.Context(), level(status), "request", facts(c, status, took)...)
	}
}

func facts(c *gin.Context, status int, took time.Duration) []slog.Attr {
	list := []slog.Attr{
		slog.String("request", c.GetString(requestIDHeader)), slog.String("method", method(c)),
		slog.String("route", route(c)), slog.Int("status", status),
		slog.Int64("ms", took.Milliseconds()), slog.Int("bytes", max(c.Writer.Size(), 0)),
	}
	if id, ok := c.Get(connectionKey); ok {
		list = append(list, slog.Any("connection", id))
	}
	if status == http.StatusUnauthorized {
		list = append(list, slog.String("client", clientAddress(c.Request)))
	}
	if err := c.Errors.Last(); err != nil {
		list = append(list, slog.String("error", loggable(err.Err)))
	}
	return list
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

// Package handlers is how partners and people reach the service: the contract
// API, its own documentation and, mounted from beside, the pages of the popup.
package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"extractor/hostapi"
	"extractor/models"
)

// Config is what the API needs.
type Config struct {
	Store       *models.Store
	Hosts       map[string]hostapi.Host // by folder name
	DefaultHost string                  // of connections created without a host
	Tokens      []string                // the bearers that are valid now; several during a rotation
	PublicURL   string                  // where people reach us; https: nothing else is served
	Retrier     Retrier                 // the engine's way to try bad items again
	Previewer   Previewer               // and to tell what a sync would send
	Logger      *slog.Logger            // nil: slog.Default
	Metrics     *prometheus.Registry    // served at /metrics; nil: one of our own
	// Mount adds routes that need no bearer (pages that a browser opens, host
	// callbacks). A path parameter after /connections is called :id.
	Mount []func(gin.IRouter)
	// MountAuthorised adds routes behind the bearer.
	MountAuthorised []func(gin.IRouter)
}

// Retrier tries a connection's bad items again and says how many.
type Retrier interface {
	RetryBadItems(ctx context.Context, connectionID int64) (int, error)
}

// api is the contract API.
type api struct {
	Config
	patience time.Duration // how long a handler may take
	public   bool          // people reach us by https only
	bearers  bearers
	vitals   *cached[[]byte] // the answer of GET /health
	service  *cached[*models.Service]
	workload *cached[*models.Workload]
	crew     *cached[*models.Crew]
	failing  *cached[map[int64]bool]
	large    chan struct{} // held by large notices
}

// neighbourAge is how long an answer of health and metrics is given again:
// monitors ask every few seconds, and the figures move by the minute.
const neighbourAge = 15 * time.Second

// serviceAge is how long it may take until what another process did to the
// whole service shows in each connection's status.
const serviceAge = time.Second

// New makes the whole HTTP side of the service.
func New(cfg Config) http.Handler { return newAPI(cfg).routes() }

func newAPI(cfg Config) *api {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	a := &api{Config: cfg, patience: handlerDeadline, public: isPublic(cfg.PublicURL), bearers: newBearers(cfg.Tokens), large: make(chan struct{}, largeNotices)}
	a.vitals = newCached(neighbourAge, a.takeVitals)
	a.service = newCached(serviceAge, cfg.Store.Service)
	a.workload = newCached(neighbourAge, cfg.Store.Workload)
	a.crew = newCached(neighbourAge, cfg.Store.Crew)
	a.failing = newCached(neighbourAge, cfg.Store.Failing)
	return a
}

// routes is every route of the service on one screen.
func (a *api) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	_ = r.SetTrustedProxies(nil) // the router in front is known by position: see clientAddress
	r.Use(requestID, a.newObserver().observe, a.recovery, a.headers, a.httpsOnly, a.deadline, limitBody)
	r.NoRoute(a.authorised, notFound)
	r.NoMethod(methodNotAllowed)

	r.GET("/health", a.health)
	r.HEAD("/health", a.health)
	r.GET("/orangez/health", a.health)
	r.HEAD("/orangez/health", a.health)
	r.GET("/openapi.yaml", document)
	r.GET("/docs", toDocs)
	r.GET("/docs/*asset", docs())
	r.POST(webhookRoute, a.receive)
	for _, mount := range a.Mount {
		mount(r)
	}

	in := r.Group("/", a.authorised, singleQuery)
	in.GET("/connections", a.listConnections)
	in.POST("/connections", a.createConnection)
	in.HEAD("/connections/:id", a.headConnection)
	in.GET("/connections/:id", a.showConnection)
	in.PUT("/connections/:id", a.changeConnection)
	in.DELETE("/connections/:id", a.deleteConnection)
	in.GET("/connections/:id/activities", a.listActivities)
	in.GET("/connections/:id/completeness", a.showCompleteness)
	in.POST("/connections/:id/baditems/retry", a.retryBadItems)
	in.POST("/connections/:id/preview", a.previewConnection)
	in.GET("/connector", a.showConnector)
	in.PUT("/connector", a.switchConnector)
	in.GET("/errors", a.listErrors)
	in.GET("/baditems", a.listBadItems)
	in.GET("/metrics", a.metrics())
	for _, mount := range a.MountAuthorised {
		mount(in)
	}
	return r
}

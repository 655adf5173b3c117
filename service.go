package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"extractor/extractor"
	"extractor/handlers"
	"extractor/hostapi"
	"extractor/internal/process"
	"extractor/models"
	"extractor/targetapi"
)

// service is everything wired, on an open database.
type service struct {
	config *Config
	store  *models.Store
	hosts  map[string]hostapi.Host
	target targetapi.Target
	engine *extractor.Engine
}

// open wires a service. What is wrong with the variables is said before the
// database is asked for anything.
// Timing is for tests; zero means the engine's own.
func open(ctx context.Context, c *Config, timing extractor.Timing) (*service, error) {
	s := &service{config: c}
	var err error
	if s.hosts, err = openHosts(c.Engine.DefaultHost); err != nil {
		return nil, err
	}
	if s.target, err = openTarget(theTarget); err != nil {
		return nil, err
	}
	if s.store, err = openStore(ctx, c); err != nil {
		return nil, err
	}
	if err = models.CheckKeys(ctx, s.store); err != nil {
		s.close()
		return nil, err
	}
	s.store.Titles = titles(s.hosts)
	if s.engine, err = s.newEngine(timing); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// closePatience is how long the end waits for database sessions in use. What
// they were about to do is void then, as after a crash: a process that lingers is
// killed by the platform.
const closePatience = 3 * time.Second

func (s *service) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.store.Pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closePatience):
		slog.Warn("some database sessions were in use until the end")
	}
}

// openStore opens the database and refuses an old schema.
func openStore(ctx context.Context, c *Config) (*models.Store, error) {
	sealer, err := models.NewSealer(string(c.Keys.Encryption))
	if err != nil {
		return nil, fmt.Errorf("ENCRYPTION_KEYS: %w", err)
	}
	pool, err := models.OpenPool(ctx, string(c.Database.URL), int(c.Database.PoolSize))
	if err != nil {
		return nil, err
	}
	if err := models.CheckSchema(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	if warning, err := models.PoolWarning(ctx, pool); err != nil || warning != "" {
		slog.Warn("database connections", "warning", warning, "error", err)
	}
	return models.NewStore(pool, sealer)
}

// migrate brings the database to this version's schema.
func migrate(ctx context.Context, c *Config) error {
	pool, err := models.OpenMigrationPool(ctx, string(c.Database.URL))
	if err != nil {
		return err
	}
	defer pool.Close()
	return models.Migrate(ctx, pool)
}

// titles are the hosts' names as people write them.
func titles(hosts map[string]hostapi.Host) map[string]string {
	all := make(map[string]string, len(hosts))
	for name, host := range hosts {
		all[name] = host.Info().Title
	}
	return all
}

func (s *service) newEngine(timing extractor.Timing) (*extractor.Engine, error) {
	c := s.config.Engine
	return extractor.New(extractor.Options{
		Store: s.store, Hosts: s.hosts, Target: s.target,
		Policy:         models.Policy{NonUS: c.NonUS, NonUSD: c.NonUSD},
		SyncInterval:   time.Duration(c.SyncInterval),
		PeriodCloseDay: int(c.PeriodCloseDay),
		Webhooks:       func(host string) string { return handlers.WebhookURL(string(s.config.Web.PublicURL), host) },
		Timing:         timing,
	})
}

// handler is the whole HTTP side.
func (s *service) handler() (http.Handler, error) {
	popup, err := s.popup()
	if err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector()) // how much is under way, and in memory
	metrics.MustRegister(s.engine.Collectors()...)
	return handlers.New(handlers.Config{
		Store: s.store, Hosts: s.hosts, DefaultHost: s.config.Engine.DefaultHost,
		Tokens: s.config.Web.Tokens, PublicURL: string(s.config.Web.PublicURL),
		Retrier: s.engine, Previewer: s.engine, Metrics: metrics,
		Mount: []func(gin.IRouter){popup.Mount}, MountAuthorised: []func(gin.IRouter){popup.MountAuthorised},
	}), nil
}

// popup is the way into a host's account.
func (s *service) popup() (*handlers.Popup, error) {
	web, home := s.config.Web, ""
	if h, ok := s.target.(targetapi.Homer); ok {
		home = h.Home()
	}
	return handlers.NewPopup(handlers.PopupConfig{
		Store: s.store, Hosts: s.hosts, PublicURL: string(web.PublicURL), Redirects: web.RedirectAllowlist,
		RedirectID: string(web.RedirectID), RequireTicket: web.RequireTicket, AppURL: home, Nudge: s.engine.Nudge,
	})
}

// run answers on l, and works, until ctx is done; then both drain side by side.
func (s *service) run(ctx context.Context, l net.Listener, works bool) error {
	handler, err := s.handler()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return process.Serve(ctx, l, handler) })
	group.Go(func() error { extractor.Watch(ctx, s.store); return nil })
	if works {
		group.Go(func() error { return s.engine.Run(ctx) })
	}
	return group.Wait()
}

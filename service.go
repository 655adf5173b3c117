package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
func open(ctx context.Context, c *Config) (*service, error) {
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
	if s.engine, err = s.newEngine(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *service) close() { s.store.Pool.Close() }

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

func (s *service) newEngine() (*extractor.Engine, error) {
	c := s.config.Engine
	return extractor.New(extractor.Options{
		Store: s.store, Hosts: s.hosts, Target: s.target,
		Policy:         models.Policy{NonUS: c.NonUS, NonUSD: c.NonUSD},
		SyncInterval:   time.Duration(c.SyncInterval),
		PeriodCloseDay: int(c.PeriodCloseDay),
	})
}

// handler is the whole HTTP side.
func (s *service) handler() http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(s.engine.Collectors()...)
	return handlers.New(handlers.Config{
		Store: s.store, Hosts: s.hosts, DefaultHost: s.config.Engine.DefaultHost,
		Tokens: s.config.Web.Tokens, PublicURL: string(s.config.Web.PublicURL),
		Retrier: s.engine, Metrics: metrics,
	})
}

// run answers on l, and works, until ctx is done; then both drain side by side.
func (s *service) run(ctx context.Context, l net.Listener, works bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return process.Serve(ctx, l, s.handler()) })
	if works {
		group.Go(func() error { return s.engine.Run(ctx) })
	}
	return group.Wait()
}

package models

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Store is the database: one pool, which GORM and pgx share. Public methods
// open their transaction; private functions take it.
type Store struct {
	Pool   *pgxpool.Pool
	Sealer *Sealer // seals and opens what is secret at rest; nil where nothing secret is touched
	// Titles are the hosts' names as people write them, by folder name, for
	// sentences. Set it before the store is used; a host without one goes by its folder name.
	Titles  map[string]string
	gorm    *gorm.DB
	refresh refreshGate
}

// NewStore makes a Store on a pool. The pool stays the caller's to close.
func NewStore(pool *pgxpool.Pool, sealer *Sealer) (*Store, error) {
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}), &gorm.Config{
		SkipDefaultTransaction: true,
		Logger:                 queryLog{},
	})
	if err != nil {
		return nil, err
	}
	return &Store{Pool: pool, Sealer: sealer, gorm: db, refresh: newRefreshGate()}, nil
}

// DB is GORM within ctx.
func (s *Store) DB(ctx context.Context) *gorm.DB { return s.gorm.WithContext(ctx) }

// InTx runs f in one transaction.
func (s *Store) InTx(ctx context.Context, f func(tx *gorm.DB) error) error {
	return s.DB(ctx).Transaction(f)
}

// InPgxTx runs f in one pgx transaction, for the hot paths.
func (s *Store) InPgxTx(ctx context.Context, f func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.Pool, f)
}

// Now is the database's clock, the only one that leases and due times go by.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.Pool.QueryRow(ctx, `SELECT now()`).Scan(&t)
	return t.UTC(), err
}

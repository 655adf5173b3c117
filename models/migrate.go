package models

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database to the schema of this build: our tables, then River's.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	ours, err := provider(pool)
	if err != nil {
		return err
	}
	if _, err := ours.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	rivers, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	if _, err := rivers.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job tables: %w", err)
	}
	return nil
}

// CheckSchema reports whether the database has the schema of this build; the
// error's sentence says what to do. A newer one is fine: during a release the
// old version runs on it for a while.
func CheckSchema(ctx context.Context, pool *pgxpool.Pool) error {
	ours, err := provider(pool)
	if err != nil {
		return err
	}
	have, err := ours.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := ours.ListSources()
	if want := sources[len(sources)-1].Version; have < want {
		return Errorf(Internal, "The database has schema %d and this version needs %d. Run: extractor migrate", have, want)
	}
	return nil
}

func provider(pool *pgxpool.Pool) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(pool), files)
}

// SchemaText is all migrations as one text: what a copy of a migrated database depends on.
func SchemaText() ([]byte, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, name := range names {
		b, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}

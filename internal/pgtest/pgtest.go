// Package pgtest gives each test a migrated database of its own on a real Postgres.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"extractor/models"
)

// Keys is a key ring for tests, in the form of ENCRYPTION_KEYS.
const Keys = "test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// templateLock keeps test processes from making the template side by side.
const templateLock = 7_301_993

// URL is the address of a fresh, migrated database. It is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		t.Skip("TEST_DATABASE_URL is not set: run make test, which starts a Postgres")
	}
	ctx := t.Context()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("TEST_DATABASE_URL: %v", err)
	}
	defer admin.Close(ctx)
	template := makeTemplate(t, admin, server)
	name := "t_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, server, name) })
	return withDatabase(t, server, name)
}

// Pool is a pool on a fresh, migrated database.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Store is a store on a fresh, migrated database, with a key ring.
func Store(t testing.TB) *models.Store {
	t.Helper()
	sealer, err := models.NewSealer(Keys)
	if err != nil {
		t.Fatal(err)
	}
	store, err := models.NewStore(Pool(t), sealer)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

var template struct {
	sync.Mutex
	name string
}

// makeTemplate makes the migrated database that others are copied from, once
// for each version of the schema.
func makeTemplate(t testing.TB, admin *pgx.Conn, server string) string {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.name != "" {
		return template.name
	}
	ctx := t.Context()
	name := "template_" + schemaHash(t)
	must := func(sql string, args ...any) {
		if _, err := admin.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	must(`SELECT pg_advisory_lock($1)`, templateLock)
	defer must(`SELECT pg_advisory_unlock($1)`, templateLock)
	var exists bool
	if err := admin.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if !exists {
		draft := name + "_draft" // renamed when complete, so that a killed run leaves no half template
		must("DROP DATABASE IF EXISTS " + draft)
		must("CREATE DATABASE " + draft)
		migrate(t, withDatabase(t, server, draft))
		must("ALTER DATABASE " + draft + " RENAME TO " + name)
	}
	template.name = name
	return name
}

func migrate(t testing.TB, address string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := models.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

func schemaHash(t testing.TB) string {
	t.Helper()
	b, err := models.SchemaText()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func withDatabase(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func drop(t testing.TB, server, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Log(err)
		return
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		t.Log(err)
	}
}

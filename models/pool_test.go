package models_test

import (
	"strings"
	"testing"

	"extractor/internal/pgtest"
	"extractor/models"
)

func TestPoolIsEncryptedOffThisMachine(t *testing.T) {
	for address, plain := range map[string]bool{
		"postgres://u:p@db.example.com:5432/x":                       false,
		"postgres://u:p@db.example.com:5432/x?sslmode=require":       false,
		"postgres://u:p@db.example.com:5432/x?sslmode=disable":       true,
		"postgres://u:p@db.example.com:5432/x?sslmode=prefer":        true,
		"postgres://u:p@db.example.com,localhost/x":                  false,
		"host=db.example.com user=u dbname=x":                        false,
		"host=db.example.com user=u dbname=x sslmode=disable":        true,
		"postgres://u:p@localhost/x":                                 true,
		"postgres://u:p@127.0.0.1:5432/x":                            true,
		"postgres://u:p@[::1]:5432/x":                                true,
		"postgres:///x?host=/var/run/postgresql":                     true,
		"host=db.example.com user=u dbname=x application_name='a b'": false,
	} {
		c, err := models.PoolConfig(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		got := c.ConnConfig.TLSConfig == nil
		for _, f := range c.ConnConfig.Fallbacks {
			got = got || f.TLSConfig == nil
		}
		if got != plain {
			t.Errorf("%s: may go unencrypted: %v", address, got)
		}
	}
}

func TestPoolConfigNeverRepeatsTheAddress(t *testing.T) {
	for _, address := range []string{"", "postgres://u:s3cr3t@h:nan/x", "s3cr3t", "mysql://u:s3cr3t@h/x"} {
		_, err := models.PoolConfig(address)
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "postgres://") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestOpenPool(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool, err := models.OpenPool(t.Context(), url, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, want := range map[string]string{
		"statement_timeout": "15s", "idle_in_transaction_session_timeout": "20s", "application_name": "extractor",
		"tcp_user_timeout": "20000", // milliseconds: shown without a unit
	} {
		var got string
		if err := pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if pool.Config().MaxConns != 4 {
		t.Errorf("%d connections", pool.Config().MaxConns)
	}
}

func TestMigrationsMayTakeLong(t *testing.T) {
	t.Parallel()
	pool, err := models.OpenMigrationPool(t.Context(), pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var got string
	if err := pool.QueryRow(t.Context(), `SELECT current_setting('statement_timeout')`).Scan(&got); err != nil || got != "0" {
		t.Errorf("statement_timeout is %q, %v", got, err)
	}
}

func TestAnUnreachableDatabaseIsSaidInASentence(t *testing.T) {
	t.Parallel()
	_, err := models.OpenPool(t.Context(), "postgres://u:s3cr3t@127.0.0.1:1/x", 2)
	if err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Fatalf("%v", err)
	}
	if models.KindOf(err) != models.Unavailable || !strings.Contains(models.Sentence(err, ""), "DATABASE_URL") {
		t.Errorf("%v", err)
	}
}

func TestPoolWarning(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	small, err := models.OpenPool(t.Context(), url, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	if _, err := models.PoolWarning(t.Context(), small); err != nil {
		t.Error(err)
	}
	large, err := models.OpenPool(t.Context(), url, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	warning, err := models.PoolWarning(t.Context(), large)
	if err != nil || !strings.Contains(warning, "DB_POOL_SIZE") {
		t.Errorf("%q, %v", warning, err)
	}
}

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"extractor/internal/pgtest"
)

// TestTwoSandboxesDoNotShareADatabase: each would take the merchants of the
// other one for such as have withdrawn their permission.
func TestTwoSandboxesDoNotShareADatabase(t *testing.T) {
	db := pgtest.URL(t)
	first, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close(t.Context())
	if _, err := first.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, sandboxLock); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", db)
	for _, name := range []string{"PORT", "SANDBOX_HOST_PORT", "SANDBOX_TRUSTFILE_PORT"} {
		t.Setenv(name, freePort(t))
	}
	for _, name := range []string{"AVALARA_TO_EXTRACTOR_TOKEN", "PUBLIC_URL", "REDIRECT_ALLOWLIST", "ENCRYPTION_KEYS", "DEFAULT_HOST", "SYNC_INTERVAL",
		"EXTRACTOR_TO_AVALARA_TOKEN", "TRUSTFILE_ITEMS_URL", "TRUSTFILE_APP_URL", "SANDBOX_URL", "SANDBOX_CLIENT_ID", "SANDBOX_CLIENT_SECRET"} {
		t.Setenv(name, "") // the sandbox sets them; they are put back after the test
	}
	var out, log bytes.Buffer
	m := &Main{In: strings.NewReader(""), Out: &out, Err: &log}
	if status := m.Run(t.Context(), []string{"sandbox"}); status != 1 || !strings.Contains(log.String(), "another sandbox works on this database") {
		t.Errorf("status %d, log:\n%s", status, log.String())
	}
	if out.Len() != 0 {
		t.Errorf("the story was told all the same:\n%s", out.String())
	}
}

package models

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestASlowQueryIsLoggedWithoutItsValues(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	query := func() (string, int64) { return "INSERT INTO tokens VALUES ('secret')", 1 }
	queryLog{}.Trace(t.Context(), time.Now(), query, nil)
	if log.Len() != 0 {
		t.Errorf("a quick query is logged: %s", log.String())
	}
	queryLog{}.Trace(t.Context(), time.Now().Add(-slowQuery), query, nil)
	if s := log.String(); !strings.Contains(s, "INSERT INTO tokens") || strings.Contains(s, "secret") {
		t.Errorf("logged %q", s)
	}
}

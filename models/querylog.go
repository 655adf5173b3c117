package models

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm/logger"
)

const (
	// slowQuery is when a query is worth a log line: well above the slowest we
	// know of, well below the handlers' deadline.
	slowQuery = 2 * time.Second
	// tellingWords of a statement name its verb and table, before any value.
	tellingWords = 3
)

// queryLog logs slow queries and nothing else. GORM's own loggers write values
// into the text of raw queries even when told not to, and failures as well,
// which whoever asked reports with more sense.
type queryLog struct{}

// LogMode is part of GORM's contract; there is one mode.
func (q queryLog) LogMode(logger.LogLevel) logger.Interface { return q }

// Info is silent.
func (queryLog) Info(context.Context, string, ...any) {}

// Warn logs the text without its values.
func (queryLog) Warn(ctx context.Context, text string, _ ...any) {
	slog.WarnContext(ctx, "gorm", "text", text)
}

// Error logs the text without its values.
func (queryLog) Error(ctx context.Context, text string, _ ...any) {
	slog.ErrorContext(ctx, "gorm", "text", text)
}

// Trace is told of each query.
func (queryLog) Trace(ctx context.Context, begin time.Time, query func() (sql string, rows int64), _ error) {
	took := time.Since(begin)
	if took < slowQuery {
		return
	}
	sql, rows := query()
	words := strings.Fields(sql)
	slog.WarnContext(ctx, "slow query", "begins", strings.Join(words[:min(tellingWords, len(words))], " "),
		"ms", took.Milliseconds(), "rows", rows)
}

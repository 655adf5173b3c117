package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
)

// verbReferenceAPI is the reference of the API as a process of its own.
const verbReferenceAPI = "reference-api"

// referenceAPITask is what it reads from its standard input; it ends with that.
type referenceAPITask struct{ Database string }

// bareDetail is the contract's ConnectionDetail.
type bareDetail struct {
	Enabled              bool    `json:"enabled"`
	Authorized           bool    `json:"authorized"`
	HostSystemIdentifier *string `json:"hostSystemIdentifier"`
	StartDate            *string `json:"startDate"`
	StatusChangedAt      string  `json:"statusChangedAt"`
	LastSyncAt           *string `json:"lastSyncAt"`
	NextSyncAt           *string `json:"nextSyncAt"`
	StatusMessage        string  `json:"statusMessage"`
}

const bareSQL = `SELECT enabled, authorized, host_label, start_date, status_changed_at, last_sync_at, next_sync_at, status_message
	FROM connections WHERE external_id = $1 AND deleted_at IS NULL`

// referenceAPI serves what a Gin without any middleware makes of the same row:
// no bearer, no log, no figures, no limits of time or size.
func referenceAPI(ctx context.Context) error {
	in := json.NewDecoder(os.Stdin)
	var task referenceAPITask
	if err := in.Decode(&task); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(task.Database)
	if err != nil {
		return err
	}
	config.MaxConns = apiPool
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: bareAPI(pool), ReadHeaderTimeout: drainTime}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	fmt.Println(l.Addr())
	_, err = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
	if closing := server.Close(); err == nil {
		err = closing
	}
	return err
}

func bareAPI(pool *pgxpool.Pool) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET(pingPath, func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"message": "pong"}) })
	r.GET("/connections/:id", func(c *gin.Context) {
		d, err := bareRead(c.Request.Context(), pool, c.Param("id"))
		if err != nil {
			c.Status(http.StatusInternalServerError)
			return
		}
		c.JSON(http.StatusOK, d)
	})
	return r
}

func bareRead(ctx context.Context, pool *pgxpool.Pool, id string) (d bareDetail, err error) {
	var start, last, next *time.Time
	var changed time.Time
	err = pool.QueryRow(ctx, bareSQL, id).Scan(&d.Enabled, &d.Authorized, &d.HostSystemIdentifier, &start, &changed, &last, &next, &d.StatusMessage)
	const instant = "2006-01-02T15:04:05+00:00"
	d.StartDate, d.StatusChangedAt = written(start, time.DateOnly), changed.UTC().Format(instant)
	d.LastSyncAt, d.NextSyncAt = written(last, instant), written(next, instant)
	return d, err
}

func written(t *time.Time, layout string) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format(layout)
	return &s
}

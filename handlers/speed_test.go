package handlers

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/internal/pgtest"
)

// sink is an answer that nobody reads.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (*sink) Write(p []byte) (int, error)   { return len(p), nil }
func (*sink) WriteHeader(int)               {}
func (s *sink) forget() http.ResponseWriter { clear(s.header); return s }

// BenchmarkOurShare is what our own code takes of a request, without network:
// the bare handler of Gin is the measure.
func BenchmarkOurShare(b *testing.B) {
	store := pgtest.Store(b)
	if _, err := store.Pool.Exec(b.Context(), `INSERT INTO connections (host, external_id, start_date, status_message) VALUES ('shop', 'a', '2018-04-01', 'Waiting.')`); err != nil {
		b.Fatal(err)
	}
	api := New(Config{
		Store: store, Tokens: []string{testBearer}, PublicURL: "http://localhost:8080",
		Logger: slog.New(slog.NewJSONHandler(&sink{}, nil)), Hosts: map[string]hostapi.Host{},
	})
	bare := gin.New()
	bare.GET("/ping", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"message": "pong"}) })
	for _, one := range []struct {
		path string
		by   http.Handler
	}{{"/ping", bare}, {"/health", api}, {"/nothing", api}, {"/connections/a", api}} {
		b.Run(one.path[1:], func(b *testing.B) {
			b.ReportAllocs()
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, one.path, http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+testBearer)
			out := &sink{http.Header{}}
			for b.Loop() {
				one.by.ServeHTTP(out.forget(), req)
			}
		})
	}
}

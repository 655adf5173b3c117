package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// What we promise of the API, of the answers per second of a bare Gin: one that
// reads the same row by pgx, and one that answers a ping. Health may ask a
// neighbour once in neighbourSpan.
const (
	leastReadRatio = 0.8
	leastPingRatio = 0.8
	mostAsked      = 1
	neighbourSpan  = 15 * time.Second
)

const (
	apiConnections = 32                     // of clients, each asks again as soon as it was answered
	apiTime        = 5 * time.Second        // of one turn
	shortAPITime   = 500 * time.Millisecond //
	apiPool        = 10                     // database connections: our own default
	apiRows        = 1000                   // merchants
)

// The addresses that are asked.
const (
	showPath   = "/connections/" + connectionID
	healthPath = "/health"
	pingPath   = "/ping"
)

// rate is what one address of one server did in each round.
type rate struct {
	perSecond []float64
	cpu       []float64 // of the server, microseconds for each answer
}

// measureAPI asks the API and the reference server, in turn.
func measureAPI(ctx context.Context, d *driver) (rows []row, err error) {
	upstream := newUpstream()
	defer upstream.Close()
	d.world = upstream.world()
	defer func() { d.world = nil }()
	database, drop, err := d.server.scratch(ctx, "bench_api")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	if err := d.seedAPI(ctx, database); err != nil {
		return nil, err
	}
	return d.raceAPI(ctx, database, upstream)
}

// seedAPI makes many connections, among them the one that is asked for. It is
// switched off: of one that works we tell more than its row, such as that no
// worker is there.
func (d *driver) seedAPI(ctx context.Context, database string) error {
	pool, err := d.seed(ctx, database, 0)
	if err != nil {
		return err
	}
	defer pool.Close()
	return manyMerchants(ctx, pool, apiRows)
}

func manyMerchants(ctx context.Context, pool *pgxpool.Pool, n int) error {
	_, err := pool.Exec(ctx, `INSERT INTO connections (external_id, host, start_date, status_message)
		SELECT 'merchant-' || i, $1, current_date - 90, 'Waiting for access.' FROM generate_series(1, $2) i`, theHost, n)
	if err != nil {
		return err
	}
	if _, err = pool.Exec(ctx, `UPDATE connections SET wish = 'off', status_message = 'Synchronising is switched off.' WHERE external_id = $1`, connectionID); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, `ANALYZE connections`)
	return err
}

func (d *driver) raceAPI(ctx context.Context, database string, upstream *upstream) (rows []row, err error) {
	ours, err := d.startServe(ctx, database, "WORKERS=0")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	bare, err := startReferenceAPI(ctx, database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	if err := sameAnswer(ctx, ours, bare); err != nil {
		return nil, err
	}
	var show, read, health, ping rate
	begun, asked := time.Now(), upstream.asked.Load()
	err = d.rounds(
		func() error { return d.ask(ctx, "pgx read", bare, showPath, &read) },
		func() error { return d.ask(ctx, "ours", ours, showPath, &show) },
		func() error { return d.ask(ctx, "ping", bare, pingPath, &ping) },
		func() error { return d.ask(ctx, "health", ours, healthPath, &health) },
	)
	if err != nil {
		return nil, err
	}
	spans := max(1, float64(time.Since(begun))/float64(neighbourSpan))
	return append([]row{
		atLeast("GET /connections/{id}, answers/s, of a bare Gin with pgx", ratioOf(show, read), leastReadRatio, ratioDigits),
		atLeast("GET /health, answers/s, of a bare Gin's ping", ratioOf(health, ping), leastPingRatio, ratioDigits),
		atMost("calls of neighbours in 15 s of GET /health", float64(upstream.asked.Load()-asked)/spans, mostAsked, 1),
	}, append(append(show.rows("GET /connections/{id}"), read.rows("bare Gin with pgx")...), append(health.rows("GET /health"), ping.rows("bare ping")...)...)...), nil
}

// ratioOf is the median of the rounds' ratios.
func ratioOf(ours, reference rate) float64 {
	ratios := make([]float64, len(ours.perSecond))
	for i := range ratios {
		ratios[i] = ours.perSecond[i] / reference.perSecond[i]
	}
	return middle(ratios)
}

func (r rate) rows(who string) []row {
	return []row{
		figure(who+": answers/s", middle(r.perSecond), 0),
		figure(who+": CPU of the server, µs an answer", middle(r.cpu), 1),
	}
}

// ask asks one address for a while.
func (d *driver) ask(ctx context.Context, name string, of *apiServer, path string, into *rate) error {
	span := apiTime
	if d.plan.short {
		span = shortAPITime
	}
	before, err := statOf(of.pid())
	if err != nil {
		return err
	}
	begun := time.Now()
	n, err := load(ctx, of.address, request(path), apiConnections, span)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	took := time.Since(begun)
	after, err := statOf(of.pid())
	if err != nil {
		return err
	}
	perSecond, cpu := float64(n)/took.Seconds(), float64((after.cpu-before.cpu).Microseconds())/float64(n)
	fmt.Printf("%-10s %8.0f answers/s   %6.1f µs CPU\n", name, perSecond, cpu)
	into.perSecond, into.cpu = append(into.perSecond, perSecond), append(into.cpu, cpu)
	return nil
}

// sameAnswer makes sure that both tell the same of the connection.
func sameAnswer(ctx context.Context, ours, bare *apiServer) error {
	var a, b any
	if err := errors.Join(ours.get(ctx, showPath, &a), bare.get(ctx, showPath, &b)); err != nil {
		return err
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("not the same answer: %v here, %v there", a, b)
	}
	return nil
}

// upstream stands for the host and TrustFile, and counts who asks.
type upstream struct {
	*httptest.Server
	asked atomic.Int64
}

func newUpstream() *upstream {
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		u.asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	return u
}

// world is one in which every address is the upstream's.
func (u *upstream) world() *world {
	return &world{
		Host: u.URL, TrustFile: u.URL, Items: u.URL, App: u.URL, Token: bearer,
		Grants: map[string]string{shopOf(0): bearer}, From: time.Now().Add(-span).UTC(),
	}
}

// get asks once, as TrustFile does, and decodes the answer.
func (s *apiServer) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(path + ": " + res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// request is what each client sends, byte by byte.
func request(path string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n", path, bearer)
	return b.Bytes()
}

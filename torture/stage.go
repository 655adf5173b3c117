package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"extractor/sandbox"
)

const (
	encryptionKeys = "torture:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	clientSecret   = "torture-client-secret"
	targetToken    = "torture-extractor-to-avalara"
	// reviveEvery is how often the platform looks whether a process died.
	reviveEvery = 150 * time.Millisecond
)

// stage is one schedule's world: a database, a sandbox, a network, processes.
type stage struct {
	plan     plan
	pg       *server
	db       string
	store    *pgxpool.Pool // straight to the database, for the checker
	world    *sandbox.World
	network  *network
	dynos    []*dyno
	consumer *consumer
	folder   string

	merchants []*merchant
	seen      *seen
	dropped   []string // orders that the host's listing never shows
	withdrawn []string // accounts whose access was taken back at some time

	mu       sync.Mutex
	injected []*fault
	halts    []halt
	problems []string // what went wrong besides the invariants
	crashing sync.Mutex
	posts    sync.WaitGroup // notices under way
	notices  atomic.Uint64
	lastKill time.Time     // after cleared
	before   []holding     // what each process held before the storm
	cleared  time.Time     // when the last fault was over
	skew     time.Duration // how far the database's clock is ahead of ours
	back     atomic.Bool   // it was put back, and not forth again
}

// raise builds the world of a plan.
func raise(ctx context.Context, pg *server, program string, p plan, folder string) (s *stage, err error) {
	s = &stage{plan: p, pg: pg, db: fmt.Sprintf("torture_%d", p.seed), folder: folder, network: newNetwork(), seen: newSeen()}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.strike(ctx))
		}
	}()
	if s.skew, err = pg.shift(ctx, p.skew); err != nil {
		return s, err
	}
	if err := pg.scratch(ctx, s.db); err != nil {
		return s, err
	}
	if s.store, err = pgxpool.New(ctx, pg.database(s.db, "")); err != nil {
		return s, err
	}
	s.world, err = sandbox.Start(ctx, sandbox.Config{TokenLife: p.tokenLife, Token: targetToken, ClientSecret: clientSecret})
	if err != nil {
		return s, err
	}
	var webs []string
	for i, role := range p.roles {
		d, err := s.dyno(ctx, program, i, role)
		if err != nil {
			return s, err
		}
		if d.web != "" {
			webs = append(webs, d.web)
		}
		s.dynos = append(s.dynos, d)
	}
	s.consumer = newConsumer(webs)
	for i, size := range p.sizes {
		s.merchants = append(s.merchants, newMerchant(fmt.Sprintf("shop-%d", i+1), size))
	}
	return s, nil
}

// dyno makes a process's place with its own wires to each neighbour.
func (s *stage) dyno(ctx context.Context, program string, n int, role string) (*dyno, error) {
	d := &dyno{name: fmt.Sprintf("dyno-%d", n), program: program, verb: strings.SplitN(role, ",", 2)[0]}
	d.log = filepath.Join(s.folder, d.name+".log")
	out, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	d.drain = &drain{to: out}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range []struct {
		wire     **wire
		name, to string
	}{
		{&d.database, "postgres", s.pg.host()}, {&d.host, "host", hostOf(s.world.HostURL())},
		{&d.target, "trustfile", hostOf(s.world.TrustFileURL())}, {&d.api, "api", "127.0.0.1:" + port},
	} {
		if *w.wire, err = s.network.wire(ctx, d.name+" "+w.name, w.to); err != nil {
			return nil, err
		}
	}
	workers := "1"
	if role == roleWeb {
		workers = "0"
	}
	web := "http://" + strings.Replace(d.api.listen, "127.0.0.1", "localhost", 1)
	if role != roleWorker {
		d.web = web
	}
	target := "http://" + d.target.listen
	d.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DYNO=" + d.name, "GOMAXPROCS=2", "FAILPOINT_FOLDER=" + s.folder,
		"DATABASE_URL=" + s.pg.database(s.db, d.database.listen), "ENCRYPTION_KEYS=" + encryptionKeys, "DEFAULT_HOST=sandbox",
		"AVALARA_TO_EXTRACTOR_TOKEN=" + bearer, "PUBLIC_URL=" + web, "PORT=" + port, "WORKERS=" + workers, "SYNC_INTERVAL=1s",
		"REDIRECT_ALLOWLIST=" + s.world.SuccessURL(), "PERIOD_CLOSE_DAY=28",
		"SANDBOX_URL=http://" + d.host.listen, "SANDBOX_CLIENT_ID=" + s.world.ClientID(), "SANDBOX_CLIENT_SECRET=" + clientSecret,
		"EXTRACTOR_TO_AVALARA_TOKEN=" + targetToken,
		"TRUSTFILE_ITEMS_URL=" + strings.Replace(s.world.ItemsURL(), s.world.TrustFileURL(), target, 1),
		"TRUSTFILE_APP_URL=" + strings.Replace(s.world.AppURL(), s.world.TrustFileURL(), target, 1),
	}
	d.env = append(d.env, s.plan.env...)
	return d, nil
}

// strike takes the world down.
func (s *stage) strike(ctx context.Context) error {
	all := endAll(s.dynos)
	for _, d := range s.dynos {
		all = errors.Join(all, d.drain.to.Close())
	}
	s.network.close()
	if s.world != nil {
		_ = s.world.Close()
	}
	if s.store != nil {
		s.store.Close()
	}
	if os.Getenv("KEEP") != "" {
		return all // for the person who looks into it
	}
	return errors.Join(all, s.pg.drop(ctx, s.db))
}

// keepUp has the platform at work until what it returns is called.
func (s *stage) keepUp(ctx context.Context) (leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { s.platform(ctx) })
	return func() {
		cancel()
		keeper.Wait()
	}
}

// platform starts again what ends, until ctx is done.
func (s *stage) platform(ctx context.Context) {
	tick := time.NewTicker(reviveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, d := range s.dynos {
				if err := d.revive(); err != nil {
					s.problem("%s cannot be started: %v", d.name, err)
				}
			}
		}
	}
}

// problem notes what went wrong besides the invariants.
func (s *stage) problem(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

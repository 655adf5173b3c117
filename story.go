package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"extractor/extractor"
	"extractor/internal/process"
	"extractor/sandbox"
)

// sandboxToken is the bearer of the sandbox's API. It guards nothing: what it
// opens listens on this machine alone and is gone with the process.
const sandboxToken = "sandbox-avalara-to-extractor"

// here is where the sandbox listens: its secrets are in this file.
const here = "127.0.0.1"

// sandbox runs everything in one process: the API and its workers, a stand-in
// host and a stand-in TrustFile. Only Postgres is real, and needed.
func (m *Main) sandbox(ctx context.Context) error {
	var c Config
	if err := m.load(&c, &c.Sandbox); err != nil {
		return err
	}
	world, err := newWorld(ctx, c.Sandbox)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := c.follow(world); err != nil {
		return err
	}
	if err := migrate(ctx, &c); err != nil {
		return err
	}
	return m.tell(ctx, &c, world)
}

func newWorld(ctx context.Context, c Sandbox) (*sandbox.World, error) {
	address := func(p port) string { return here + ":" + strconv.Itoa(int(p)) }
	world, err := sandbox.Start(ctx, sandbox.Config{HostAddr: address(c.HostPort), TrustFileAddr: address(c.TrustFilePort)})
	if err != nil {
		return nil, fmt.Errorf("the sandbox cannot start; end what uses its ports (another make run?), or choose others by SANDBOX_HOST_PORT and SANDBOX_TRUSTFILE_PORT: %w", err)
	}
	return world, nil
}

// follow reads the remaining variables; those that nobody set lead to the world.
func (c *Config) follow(world *sandbox.World) error {
	key := sha256.Sum256([]byte("sandbox"))
	for name, value := range map[string]string{
		"AVALARA_TO_EXTRACTOR_TOKEN": sandboxToken,
		"PUBLIC_URL":                 "http://localhost:" + cmp.Or(os.Getenv("PORT"), "8080"),
		"REDIRECT_ALLOWLIST":         world.SuccessURL(),
		"ENCRYPTION_KEYS":            "sandbox:" + base64.StdEncoding.EncodeToString(key[:]),
		"DEFAULT_HOST":               "sandbox",
		"SYNC_INTERVAL":              "10s", // a person is watching
		"EXTRACTOR_TO_AVALARA_TOKEN": world.Token(),
		"TRUSTFILE_ITEMS_URL":        world.ItemsURL(),
		"TRUSTFILE_APP_URL":          world.AppURL(),
		"SANDBOX_URL":                world.HostURL(),
		"SANDBOX_CLIENT_ID":          world.ClientID(),
		"SANDBOX_CLIENT_SECRET":      world.ClientSecret(),
	} {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	return load(&c.Web, &c.Database, &c.Keys, &c.Engine)
}

// tell serves, and tells what to do with it.
func (m *Main) tell(ctx context.Context, c *Config, world *sandbox.World) error {
	listener, err := process.Listen(ctx, here, int(c.Web.Port))
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := open(ctx, c, extractor.Timing{})
	if err != nil {
		return err
	}
	defer s.close()
	release, err := s.claim(ctx)
	if err != nil {
		return err
	}
	defer release()
	slog.Info("listening", "address", listener.Addr().String())
	fmt.Fprint(m.Out, story(c, world, time.Now()))
	return s.run(ctx, listener, true)
}

// sandboxLock is the number of the lock by which a sandbox claims its database.
const sandboxLock = 0x73616e64626f78

// claim keeps a second sandbox from this database until release: each would take
// the other's connections to its own stand-in host, which does not know them.
func (s *service) claim(ctx context.Context) (release func(), err error) {
	conn, err := s.store.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	var free bool
	if err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, sandboxLock).Scan(&free); err == nil && !free {
		err = errors.New("another sandbox works on this database: end it first, or set DATABASE_URL to a database for this one")
	}
	if err != nil {
		conn.Release()
		return nil, err
	}
	return conn.Release, nil // the lock ends with the session: the pool is closed next
}

// storyText is what a newcomer can do, step by step. README.md tells the same.
const storyText = `
The extractor is running, with everything it needs.

  API         {api}            bearer {token}
  API docs    {api}/docs
  host        {host}            a shop system that stands in for Square and its like
  TrustFile   {trustfile}            takes the items, and shows what it was given

1. Make a connection: one merchant, from {start} on.
   curl -s {api}/connections -H 'Authorization: Bearer {token}' -d '{"connectionId":"demo","startDate":"{start}"}'

2. Let the merchant sell something.
   curl -s {host}/control/orders -d '{"count":250,"from":"{start}","seed":1}'

3. Authorise the connection as the merchant: open this in a browser, and agree twice.
   {api}/connections/demo/authentication?redirectUri={success}

4. Watch the sales travel. The preview tells what would be sent, and sends nothing.
   curl -s -X POST {api}/connections/demo/preview -H 'Authorization: Bearer {token}'
   curl -s {api}/connections/demo -H 'Authorization: Bearer {token}'
   curl -s {api}/connections/demo/activities -H 'Authorization: Bearer {token}'
   curl -s {api}/connections/demo/completeness -H 'Authorization: Bearer {token}'
   curl -s "{trustfile}/control/items?connectionId=demo"

5. Give money back for one order; within {interval} the refund is at TrustFile.
   curl -s {host}/control/orders/{order}/refund -d '{}'

6. Let something go wrong, wait for {interval}, and see what TrustFile is told.
   curl -s {host}/control/faults -d '{"kind":"429","count":3,"retryAfter":"5"}'
   curl -s {api}/errors -H 'Authorization: Bearer {token}'
   curl -s {api}/health

7. Or let a merchant begin at the host: open this in a browser, and choose another shop.
   {api}/install/sandbox
   The connection waits, under the token that TrustFile gave it, for the PUT by which TrustFile says from when on:
   curl -s '{api}/connections?enabled=false' -H 'Authorization: Bearer {token}'
   curl -s -X PUT {api}/connections/PUT-THE-TOKEN-HERE -H 'Authorization: Bearer {token}' -d '{"enabled":true,"startDate":"{start}"}'

Ctrl-C ends everything. The host and TrustFile forget; so does the database that make run started.
`

func story(c *Config, world *sandbox.World, now time.Time) string {
	return strings.NewReplacer(
		"{api}", string(c.Web.PublicURL), "{token}", c.Web.Tokens[0],
		"{host}", world.HostURL(), "{trustfile}", world.TrustFileURL(), "{success}", world.SuccessURL(),
		"{start}", now.AddDate(0, 0, -60).Format(time.DateOnly), "{order}", "5000000000200",
		"{interval}", time.Duration(c.Engine.SyncInterval).String(),
	).Replace(storyText)
}

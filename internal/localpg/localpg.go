// Package localpg finds or starts a Postgres for people who have none to spare:
// for make run and make test. It takes, in this order, the server it is told
// of, an installed Postgres as a private cluster, a downloaded one.
//
// Tried on Debian 12, as root and as an ordinary user. Written with care but
// not tried: macOS, and the download.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// answerTimeout is how long a server may take to answer a first query: long
// enough for a busy laptop, short enough for a person who waits.
const answerTimeout = 10 * time.Second

// Options say which Postgres is wanted.
type Options struct {
	URL string // a server that is there already; it is used as it is and never stopped
	Dir string // where a private cluster may live, such as .postgres/test
	// Scratch makes the cluster anew for its first user and lets it forget
	// everything in a power cut: for tests, where fsync costs half the time.
	Scratch bool
	Port    int       // where it is to listen if that is free; 0 = where it did last, or anywhere
	Env     []string  // more variables of the server, as NAME=value
	Log     io.Writer // sentences for the person who waits; nil = none
}

// Start returns the address of a running Postgres and what ends its use. Several
// processes may use one Dir at the same time: the last one to leave stops the
// cluster. One whose users were killed is found again by the next Start.
func Start(ctx context.Context, o Options) (url string, stop func() error, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.URL != "" {
		return o.URL, func() error { return nil }, answers(ctx, o.URL)
	}
	c, err := open(ctx, o)
	if err != nil {
		return "", nil, err
	}
	if err := c.use(ctx); err != nil {
		return "", nil, err
	}
	return c.url(), c.leave, nil
}

// open decides on the owner, the place and the binaries of a private cluster.
func open(ctx context.Context, o Options) (*cluster, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	place, err := settle(ctx, who, dir)
	if err != nil {
		return nil, err
	}
	if place != dir {
		fmt.Fprintf(o.Log, "Postgres keeps its files in %s: the user it runs as cannot work in %s.\n", place, dir)
	}
	bin := installed(ctx, who)
	if bin == "" {
		fmt.Fprintln(o.Log, "No Postgres is installed. Downloading one, once.")
		if bin, err = download(ctx, place); err != nil {
			return nil, fmt.Errorf("no Postgres: install one (Debian: apt-get install postgresql; macOS: brew install postgresql), "+
				"or set the variable to a server of yours; the download failed too: %w", err)
		}
	}
	return &cluster{place: place, bin: bin, who: who, scratch: o.Scratch, env: o.Env, wanted: o.Port}, nil
}

// answers checks that a server takes our connection.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("the Postgres that was named does not answer: %w", withoutAddress(err))
	}
	return conn.Close(ctx)
}

// withoutAddress drops what pgx tells of the address, which holds a password.
func withoutAddress(err error) error {
	var ill *pgconn.ParseConfigError
	if errors.As(err, &ill) {
		return errors.New("its address is not a postgres:// URL")
	}
	return err
}

package models

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The timers of database connections. What a request may wait for is below the
// 30 s after which a platform's router gives up on it, and after which a process
// that was asked to stop is killed.
const (
	connLifetime       = 30 * time.Minute        // connections move to a new primary within that
	connLifetimeJitter = 5 * time.Minute         // and not all at the same moment
	connIdleTime       = 5 * time.Minute         // small plans have few connections: give back what rests
	poolHealthCheck    = 30 * time.Second        // often enough for both, and cheap
	connectTimeout     = 4 * time.Second         // so that a wrong address stops a start within 5 s
	statementTimeout   = 15 * time.Second / Pace // no statement of ours takes a fraction of that
	idleInTransaction  = 20 * time.Second / Pace // a frozen process must not hold its row locks longer
	silenceTimeout     = 20 * time.Second / Pace // a peer that acknowledges nothing for so long is gone
	keepaliveIdle      = 10 * time.Second        // keepalive: 10 s + 3 × 3 s make about the same
	keepaliveInterval  = 3 * time.Second
	keepaliveCount     = 3
)

// crowded is the share of the database's connections above which we warn: a
// release runs old and new processes side by side, and people need some, too.
const crowded = 0.8

// OpenPool opens a pool of at most size connections and makes sure that the
// database answers. Off this machine connections are encrypted unless the
// address says itself how they are to be (sslmode).
func OpenPool(ctx context.Context, address string, size int) (*pgxpool.Pool, error) {
	return openPool(ctx, address, size, statementTimeout)
}

// OpenMigrationPool opens a pool whose statements may take as long as they need.
func OpenMigrationPool(ctx context.Context, address string) (*pgxpool.Pool, error) {
	const size = 3 // one holds the migrations' lock, one migrates, one to spare
	return openPool(ctx, address, size, 0)
}

func openPool(ctx context.Context, address string, size int, statement time.Duration) (*pgxpool.Pool, error) {
	config, err := PoolConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size) // at most a few hundred: checked when it was read
	config.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(statement)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unreachable(err)
	}
	contact, cancel := context.WithTimeout(ctx, connectTimeout) // of all its addresses together
	defer cancel()
	if err := pool.Ping(contact); err != nil {
		pool.Close()
		return nil, unreachable(err)
	}
	return pool, nil
}

// PoolConfig reads the address of a database. The error's sentence does not repeat it.
func PoolConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil || address == "" {
		return nil, Errorf(Invalid, "should be the address of a Postgres, such as postgres://user:password@host:5432/name")
	}
	if !tellsSSLMode(address) && remote(&config.ConnConfig.Config) {
		encrypt(&config.ConnConfig.Config)
	}
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = connLifetime, connLifetimeJitter
	config.MaxConnIdleTime, config.HealthCheckPeriod = connIdleTime, poolHealthCheck
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.ConnConfig.DialFunc = dialer().DialContext
	sessionSettings(config.ConnConfig.RuntimeParams)
	return config, nil
}

// sessionSettings are what the server is told when a connection opens: who we
// are, and when to give us up.
func sessionSettings(params map[string]string) {
	if params["application_name"] == "" {
		params["application_name"] = strings.TrimSpace("extractor " + os.Getenv("DYNO"))
	}
	params["idle_in_transaction_session_timeout"] = milliseconds(idleInTransaction)
	params["tcp_user_timeout"] = milliseconds(silenceTimeout)
	params["tcp_keepalives_idle"] = strconv.Itoa(int(keepaliveIdle.Seconds()))
	params["tcp_keepalives_interval"] = strconv.Itoa(int(keepaliveInterval.Seconds()))
	params["tcp_keepalives_count"] = strconv.Itoa(keepaliveCount)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// dialer is how we open connections: the same limits as the server has for us.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout: connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepaliveIdle, Interval: keepaliveInterval, Count: keepaliveCount,
		},
		Control: limitSilence,
	}
}

var sslMode = regexp.MustCompile(`(^|\s)sslmode\s*=`)

// tellsSSLMode reports whether an address, URL or keyword=value, says itself
// how the connection is to be encrypted.
func tellsSSLMode(address string) bool {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		return u.Query().Has("sslmode")
	}
	return sslMode.MatchString(address) || os.Getenv("PGSSLMODE") != ""
}

// remote reports whether any host of the address is another machine.
func remote(c *pgconn.Config) bool {
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		ip := net.ParseIP(host)
		local := host == "" || host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback()
		return !local
	})
}

// encrypt turns what the driver does by default, encrypted if possible, into
// sslmode=require: it drops the attempts without encryption.
func encrypt(c *pgconn.Config) {
	c.Fallbacks = slices.DeleteFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil })
}

// unreachable says that the database does not let us in. The driver's text
// names host, user and database, never the password; it is for the log.
func unreachable(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return Errorf(Unavailable, "The database at DATABASE_URL refused us: %s (%s).", refused.Message, refused.Code).Because(err)
	}
	return Errorf(Unavailable, "The database at DATABASE_URL does not answer. Is it running, and is the address right?").Because(err)
}

// PoolWarning compares a pool with what the database still has to give; the
// sentence is empty when all is well. Small plans limit the role, large ones
// the server.
func PoolWarning(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	var used, limit int
	err := pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM pg_stat_activity a
		        WHERE backend_type = 'client backend' AND (r.rolconnlimit < 0 OR a.usesysid = r.oid)),
		       CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit
		            ELSE current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int END
		FROM pg_roles r WHERE rolname = current_user`).Scan(&used, &limit)
	if err != nil {
		return "", err
	}
	others, ours := used-int(pool.Stat().TotalConns()), int(pool.Config().MaxConns)
	if float64(others+ours) <= crowded*float64(limit) {
		return "", nil
	}
	return fmt.Sprintf("The database has %d connections, %d are in use by others, and this process may open %d: "+
		"lower DB_POOL_SIZE, run fewer processes, or take a larger plan.", limit, others, ours), nil
}

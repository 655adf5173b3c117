package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"extractor/handlers"
	"extractor/hostapi"
	"extractor/internal/env"
	"extractor/models"
	"extractor/targetapi"
)

//go:generate go test -count=1 -run ^TestEveryVariableIsDocumented$ . -update

// Config is every variable of the service, in groups: a verb reads those it
// needs. The adapters' own variables are with them; see adapters.go.
type Config struct {
	Log      Log
	Database Database
	Keys     Keys
	Web      Web
	Engine   Engine
	Sandbox  Sandbox
}

// Log is how we log.
type Log struct {
	Level slog.Level `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
}

// Database is where everything is kept.
type Database struct {
	URL      databaseURL `envconfig:"DATABASE_URL" required:"true" secret:"true" desc:"the address of the Postgres" example:"postgres://user:password@host:5432/name" given:"Heroku's Postgres add-on"`
	PoolSize poolSize    `envconfig:"DB_POOL_SIZE" default:"10" desc:"the most database connections in the pool of one process, 2 to 500; workers hold one more"`
}

// Keys seal what is secret at rest.
type Keys struct {
	Encryption keyRing `envconfig:"ENCRYPTION_KEYS" required:"true" secret:"true" generator:"secret" desc:"keys that seal what is secret in the database, comma-separated, each id:base64 of 32 bytes, or 64 hexadecimal digits; the first one seals, all of them open; make one with: echo main:$(openssl rand -base64 32)"`
}

// Web is how the consumer, people and hosts reach us.
type Web struct {
	Port              port       `envconfig:"PORT" default:"8080" desc:"the port that the API listens on, 1 to 65535" given:"Heroku, for each process"`
	Tokens            tokens     `envconfig:"AVALARA_TO_EXTRACTOR_TOKEN" required:"true" secret:"true" generator:"secret" desc:"the bearer that TrustFile presents to us, of letters, digits and . _ ~ + / - (= at its end only); several, comma-separated, are all valid during a rotation"`
	PublicURL         publicURL  `envconfig:"PUBLIC_URL" required:"true" desc:"where the internet reaches this service, without a path; with https, plain http is refused" example:"https://my-extractor.herokuapp.com"`
	RedirectAllowlist redirects  `envconfig:"REDIRECT_ALLOWLIST" default:"app.trustfile.avalara.com/connectors/success" desc:"where the popup may return to, comma-separated, host and path each; without a scheme https is meant (http on this machine only)"`
	RedirectID        redirectID `envconfig:"REDIRECT_ID" default:"echo" desc:"echo or code: whether the popup returns TrustFile's own id unchanged, or a one-time code in its place"`
	RequireTicket     bool       `envconfig:"REQUIRE_AUTHENTICATION_TICKET" default:"false" desc:"1 or 0: whether the popup opens only with a ticket that was asked for with the bearer"`
}

// Engine is how the work is done.
type Engine struct {
	DefaultHost    string            `envconfig:"DEFAULT_HOST" required:"true" desc:"the host of connections that are created without one, a folder of hostapi" example:"square"`
	SyncInterval   interval          `envconfig:"SYNC_INTERVAL" default:"15m" desc:"the time between two looks at a merchant's account, 1s to 24h"`
	Workers        bool              `envconfig:"WORKERS" default:"1" desc:"1 or 0: whether serve works on jobs too; 0 where processes of their own do that"`
	NonUS          models.PolicyMode `envconfig:"NON_US" default:"skip" desc:"skip or review: what is done with sales that are shipped outside the US"`
	NonUSD         models.PolicyMode `envconfig:"NON_USD" default:"skip" desc:"skip or review: what is done with sales in another currency"`
	PeriodCloseDay closeDay          `envconfig:"PERIOD_CLOSE_DAY" default:"10" desc:"the day of the following month on which a merchant's month is closed, 1 to 28"`
}

// Sandbox is where the stand-in world listens.
type Sandbox struct {
	HostPort      port `envconfig:"SANDBOX_HOST_PORT" default:"8081" desc:"the port of the stand-in host, for extractor sandbox"`
	TrustFilePort port `envconfig:"SANDBOX_TRUSTFILE_PORT" default:"8082" desc:"the port of the stand-in TrustFile, for extractor sandbox"`
}

// groups are the parts of c in the order in which people read them.
func (c *Config) groups() []any {
	return []any{&c.Web, &c.Database, &c.Keys, &c.Engine, &c.Log, &c.Sandbox}
}

// load reads the groups given; each is a part of a Config.
func load(groups ...any) error {
	for _, g := range groups {
		if err := env.Load("", g); err != nil {
			return err
		}
	}
	return nil
}

// variables are all variables of the service and its adapters.
func variables() []env.Variable {
	var all []env.Variable
	for _, g := range new(Config).groups() {
		all = append(all, env.List("", g)...)
	}
	for _, name := range slices.Sorted(maps.Keys(targetConfigs)) {
		all = append(all, env.List(prefix(name), targetConfigs[name]())...)
	}
	for _, name := range slices.Sorted(maps.Keys(hostConfigs)) {
		all = append(all, env.List(prefix(name), hostConfigs[name]())...)
	}
	return all
}

func prefix(name string) string { return strings.ToUpper(name) }

// openHosts opens the default host, and every other one that somebody chose a
// value for.
func openHosts(byDefault string) (map[string]hostapi.Host, error) {
	if hostConfigs[byDefault] == nil {
		return nil, fmt.Errorf("DEFAULT_HOST is ill-formed: it should be one of %s",
			strings.Join(slices.Sorted(maps.Keys(hostConfigs)), ", "))
	}
	hosts := map[string]hostapi.Host{}
	for name, newConfig := range hostConfigs {
		config := newConfig()
		if name != byDefault && !slices.ContainsFunc(env.List(prefix(name), config), env.Variable.Chosen) {
			continue
		}
		if err := env.Load(prefix(name), config); err != nil {
			return nil, err
		}
		host, err := config.Open()
		if err != nil {
			return nil, errors.New(models.Sentence(err, err.Error()))
		}
		hosts[name] = host
	}
	return hosts, nil
}

// openTarget opens the one target there is.
func openTarget(name string) (targetapi.Target, error) {
	config := targetConfigs[name]()
	if err := env.Load(prefix(name), config); err != nil {
		return nil, err
	}
	target, err := config.Open()
	if err != nil {
		return nil, errors.New(models.Sentence(err, err.Error()))
	}
	return target, nil
}

// The types below check a value when it is read. Their errors are not shown:
// the complaint is made of the variable's description.
var errIll = errors.New("ill-formed")

// number reads a whole number between low and high.
func number(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, errIll
	}
	return n, nil
}

type port int

// Decode reads a port.
func (p *port) Decode(s string) (err error) {
	*(*int)(p), err = number(s, 1, 65535)
	return err
}

type poolSize int

// Decode reads a pool size. With a single connection a transaction that needs
// another would wait for itself.
func (p *poolSize) Decode(s string) (err error) {
	*(*int)(p), err = number(s, 2, 500)
	return err
}

type closeDay int

// Decode reads a day that every month has.
func (d *closeDay) Decode(s string) (err error) {
	*(*int)(d), err = number(s, 1, 28)
	return err
}

type databaseURL string

// Decode reads the address of a database.
func (d *databaseURL) Decode(s string) error {
	*d = databaseURL(s)
	_, err := models.PoolConfig(s)
	return err
}

// interval is at most a day: enabled connections synchronise at least daily.
type interval time.Duration

// Decode reads a duration such as 15m.
func (i *interval) Decode(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return errIll
	}
	*i = interval(d)
	return nil
}

type redirectID string

// Decode reads echo or code.
func (r *redirectID) Decode(s string) error {
	if s != handlers.RedirectEcho && s != handlers.RedirectCode {
		return errIll
	}
	*r = redirectID(s)
	return nil
}

type tokens []string

// bearer is what RFC 6750 allows in an Authorization header.
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Decode reads bearers.
func (t *tokens) Decode(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		if !bearer.MatchString(one) {
			return errIll
		}
		*t = append(*t, one)
	}
	return nil
}

type publicURL string

// Decode reads an origin, with or without a slash at its end.
func (p *publicURL) Decode(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		return errIll
	}
	if *u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}) || strings.Trim(u.Path, "/") != "" {
		return errIll
	}
	*p = publicURL(u.Scheme + "://" + u.Host)
	return nil
}

type redirects []string

// Decode reads addresses that may be returned to, and writes out their scheme.
func (r *redirects) Decode(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		if !strings.Contains(one, "://") {
			one = "https://" + one
		}
		u, err := url.Parse(one)
		if err != nil || !returnable(u) {
			return errIll
		}
		*r = append(*r, one)
	}
	return nil
}

// returnable reports whether u is an origin and a path; http is for this machine only.
func returnable(u *url.URL) bool {
	if u.Hostname() == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
}

type keyRing string

// Decode reads keys. A platform that makes up a secret gives 64 hexadecimal
// digits without an id; they become the key named generated.
func (k *keyRing) Decode(s string) error {
	keys := strings.Split(s, ",")
	for i, one := range keys {
		keys[i] = strings.TrimSpace(one)
		if b, err := hex.DecodeString(keys[i]); err == nil && len(b) == 32 {
			keys[i] = "generated:" + base64.StdEncoding.EncodeToString(b)
		}
	}
	*k = keyRing(strings.Join(keys, ","))
	_, err := models.NewSealer(string(*k))
	return err
}

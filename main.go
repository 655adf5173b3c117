// Extractor brings what happened in other people's systems safely into a
// target's books. Its verbs are listed by: extractor help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata" // merchants' zones, where the machine has none

	"extractor/extractor"
	"extractor/internal/env"
	"extractor/internal/process"
	"extractor/models"
)

func main() {
	log := process.NewLog(os.Stderr)
	m := &Main{In: os.Stdin, Out: os.Stdout, Err: log}
	status := m.Run(untilSignal(), os.Args[1:])
	_ = log.Close() // it never fails
	process.EndProfile()
	os.Exit(status)
}

// untilSignal is done at the first signal to end. Further ones change nothing:
// runners of processes send several, and the drain has its own limits.
func untilSignal() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx
}

// Main is the program, for the command line and for tests.
type Main struct {
	In  io.Reader // what a verb asks for that must not stand on a command line
	Out io.Writer // what a verb was asked to print
	Err io.Writer // logs, and the one line that says why we stop
}

// verb is one way to run the program.
type verb struct {
	name, does string
	run        func(m *Main, ctx context.Context, args []string) error
	takes      int // how many arguments
}

// verbs are told here and explained in README.md.
func verbs() []verb {
	return []verb{
		{"serve", "the API, and workers too unless WORKERS=0", alone((*Main).serve), 0},
		{"worker", "workers alone", alone((*Main).worker), 0},
		{"migrate", "bring the database to this version's schema", alone((*Main).migrate), 0},
		{"sandbox", "everything on this machine, with a stand-in host and TrustFile", alone((*Main).sandbox), 0},
		{"rekey", "seal anew what is not sealed with the first of ENCRYPTION_KEYS, while the service runs", alone((*Main).rekey), 0},
		{"adopt", "NUMBER  give the connection of that number, whose signup came to nothing, the company token on standard input", (*Main).adopt, 1},
		{"config", "the table of variables", alone((*Main).config), 0},
	}
}

// alone is a verb that takes no arguments.
func alone(run func(*Main, context.Context) error) func(*Main, context.Context, []string) error {
	return func(m *Main, ctx context.Context, _ []string) error { return run(m, ctx) }
}

// Run runs the verb that args name and returns the exit status: 0 well, 1 not,
// 2 no such verb, or not with so many arguments.
func (m *Main) Run(ctx context.Context, args []string) int {
	slog.SetDefault(slog.New(slog.NewJSONHandler(m.Err, nil)))
	if len(args) == 0 {
		return usage(m.Err, 2, verbs()...)
	}
	if slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		return usage(m.Out, 0, verbs()...)
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return m.with(ctx, v, args[1:])
		}
	}
	fmt.Fprintf(m.Err, "extractor: there is no verb %q\n", args[0])
	return usage(m.Err, 2, verbs()...)
}

// with runs a verb. Arguments are not repeated in the complaint: one may be a
// secret that somebody took for an argument.
func (m *Main) with(ctx context.Context, v verb, args []string) int {
	if len(args) != v.takes {
		amount := map[bool]string{true: "many", false: "few"}[len(args) > v.takes]
		fmt.Fprintf(m.Err, "extractor: too %s arguments for %s\n", amount, v.name)
		return usage(m.Err, 2, v)
	}
	return m.status(v.run(m, ctx, args))
}

// usage tells of verbs, and returns status.
func usage(to io.Writer, status int, of ...verb) int {
	fmt.Fprintln(to, "usage: extractor VERB")
	for _, v := range of {
		fmt.Fprintf(to, "  %-8s %s\n", v.name, v.does)
	}
	return status
}

// status says in one line why we stop.
func (m *Main) status(err error) int {
	if err == nil {
		return 0
	}
	var known *models.Error
	if errors.As(err, &known) && known.Cause != nil {
		slog.Error("stopped", "error", known.Cause.Error())
	}
	fmt.Fprintln(m.Err, "extractor: "+models.Sentence(err, err.Error()))
	return 1
}

// config prints the table of variables.
func (m *Main) config(context.Context) error { return env.Table(m.Out, variables()) }

// migrate needs DATABASE_URL alone, and takes its time.
func (m *Main) migrate(ctx context.Context) error {
	var c Config
	if err := m.load(&c, &c.Database); err != nil {
		return err
	}
	return migrate(ctx, &c)
}

// serve answers the API, and works on jobs unless WORKERS=0.
func (m *Main) serve(ctx context.Context) error {
	var c Config
	if err := m.load(&c, &c.Web, &c.Database, &c.Keys, &c.Engine); err != nil {
		return err
	}
	listener, err := process.Listen(ctx, "", int(c.Web.Port)) // first: the platform waits for the port
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := open(ctx, &c, extractor.Timing{})
	if err != nil {
		return err
	}
	defer s.close()
	slog.Info("listening", "address", listener.Addr().String(), "workers", c.Engine.Workers)
	return s.run(ctx, listener, c.Engine.Workers)
}

// rekey seals everything with the first key of the ring; then the others can go.
func (m *Main) rekey(ctx context.Context) error {
	store, err := m.openStore(ctx)
	if err != nil {
		return err
	}
	defer store.Pool.Close()
	n, err := models.Rekey(ctx, store)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(m.Out, "%d values were sealed anew; all of them open with the first key\n", n)
	return err
}

// adopt finishes by hand a signup whose answer was lost, or whose company was
// there before. The token comes on standard input, since command lines are seen
// by others and remembered.
func (m *Main) adopt(ctx context.Context, args []string) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return models.Errorf(models.Invalid, "adopt takes the number of the connection, as GET /errors tells it.").Because(err)
	}
	token, err := io.ReadAll(io.LimitReader(m.In, longestToken))
	if err != nil {
		return err
	}
	store, err := m.openStore(ctx)
	if err != nil {
		return err
	}
	defer store.Pool.Close()
	return store.AdoptCompany(ctx, id, strings.TrimSpace(string(token)))
}

// openStore opens the database for a verb that needs nothing else.
func (m *Main) openStore(ctx context.Context) (*models.Store, error) {
	var c Config
	if err := m.load(&c, &c.Database, &c.Keys); err != nil {
		return nil, err
	}
	return openStore(ctx, &c)
}

// longestToken bounds what adopt reads, in bytes.
const longestToken = 4096

// worker works on jobs and nothing else.
func (m *Main) worker(ctx context.Context) error {
	var c Config
	if err := m.load(&c, &c.Database, &c.Keys, &c.Engine); err != nil {
		return err
	}
	s, err := open(ctx, &c, extractor.Timing{})
	if err != nil {
		return err
	}
	defer s.close()
	slog.Info("working")
	return s.engine.Run(ctx)
}

// load reads the log's variables and those groups of c that the verb needs.
func (m *Main) load(c *Config, groups ...any) error {
	if err := load(append([]any{&c.Log}, groups...)...); err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(m.Err, &slog.HandlerOptions{Level: c.Log.Level})))
	process.RelaxCollector()
	if limit := process.LimitMemory(); limit > 0 {
		slog.Info("memory", "limit", limit)
	}
	return nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"extractor/models"
)

const (
	encryptionKeys = "bench:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	theHost        = "sandbox"
	bearer         = "bench" // TrustFile's, at our API
	// turnTime bounds a turn: many times what a slow machine needs.
	turnTime = 15 * time.Minute
	// lookEvery is how often TrustFile is asked whether all has arrived.
	lookEvery = 50 * time.Millisecond
)

// ours lets the extractor's worker do it, from its start until every order is
// at TrustFile and noted as delivered.
func (d *driver) ours(ctx context.Context, database string, orders int) (turn, error) {
	pool, err := d.seed(ctx, database, orders)
	if err != nil {
		return turn{}, err
	}
	defer pool.Close()
	return d.work(ctx, pool, database, orders, d.arrived)
}

// work runs a worker until done returns, and checks the ledger.
func (d *driver) work(ctx context.Context, pool *pgxpool.Pool, database string, orders int, done func(context.Context, *pgxpool.Pool, int) error) (turn, error) {
	return d.during(ctx, database, func(alive context.Context, _ int) (turn, error) {
		start := time.Now()
		err := done(alive, pool, orders)
		t := turn{orders: orders, took: time.Since(start)}
		if err == nil {
			err = d.checkOurs(ctx, pool, &t)
		}
		return t, err
	})
}

// during runs a worker while do runs, which is told when it ends by itself. Its
// CPU is what do says, else that of its whole life.
func (d *driver) during(ctx context.Context, database string, do func(alive context.Context, pid int) (turn, error)) (turn, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	log := d.workerLog()
	cmd, err := d.worker(database, log)
	if err != nil {
		return turn{}, err
	}
	if err := cmd.Start(); err != nil {
		return turn{}, err
	}
	alive, ended := watch(ctx, cmd)
	t, err := do(alive, cmd.Process.Pid)
	err = errors.Join(err, drain(cmd, ended))
	used := usageOf(cmd.ProcessState)
	t.app.cpu, t.app.rss = cmp.Or(t.app.cpu, used.cpu), used.rss
	if err != nil {
		return t, fmt.Errorf("the extractor: %w\n%s", err, tail(log))
	}
	return t, nil
}

func (d *driver) workerLog() string { return filepath.Join(d.folder, "worker.log") }

// worker is the command.
func (d *driver) worker(database, log string) (*exec.Cmd, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(d.program, "worker")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(d.variables(database), d.profile()...)
	return cmd, nil
}

// profile tells a worker where its profile goes, if one is wanted.
func (d *driver) profile() []string {
	if d.plan.profiles == "" {
		return nil
	}
	return []string{"CPU_PROFILE=" + filepath.Join(d.plan.profiles, d.job+".pprof")}
}

// variables are what the extractor needs, and nothing else of ours.
func (d *driver) variables(database string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DATABASE_URL=" + database, "ENCRYPTION_KEYS=" + encryptionKeys, "DEFAULT_HOST=" + theHost,
		"SANDBOX_URL=" + d.world.Host, "TRUSTFILE_ITEMS_URL=" + d.world.Items, "TRUSTFILE_APP_URL=" + d.world.App,
		"EXTRACTOR_TO_AVALARA_TOKEN=" + d.world.Token,
		"AVALARA_TO_EXTRACTOR_TOKEN=" + bearer, "PUBLIC_URL=http://localhost:1",
	}
}

// seed makes the tables and one connection that is let in and has a start date.
func (d *driver) seed(ctx context.Context, database string, orders int) (*pgxpool.Pool, error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return nil, err
	}
	if err := d.connect(ctx, pool, orders); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func (d *driver) connect(ctx context.Context, pool *pgxpool.Pool, orders int) error {
	if err := models.Migrate(ctx, pool); err != nil {
		return err
	}
	sealer, err := models.NewSealer(encryptionKeys)
	if err != nil {
		return err
	}
	store, err := models.NewStore(pool, sealer)
	if err != nil {
		return err
	}
	c, err := store.CreateConnection(ctx, models.NewConnection{
		ExternalID: connectionID, Host: theHost, StartDate: d.world.From.Truncate(24 * time.Hour).Add(-24 * time.Hour),
	})
	if err != nil {
		return err
	}
	if err := store.PutToken(ctx, c.ID, models.Token{Access: d.world.Grants[shopOf(orders)], ExpiresAt: time.Now().Add(tokenLife)}); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `UPDATE connections SET authorized = true, host_account = $2, zone = $3 WHERE id = $1`, c.ID, shopOf(orders), zone); err != nil {
		return err
	}
	on := true
	_, err = store.ChangeConnection(ctx, connectionID, models.Change{Enabled: &on})
	return err
}

// arrived waits until TrustFile has all orders and the ledger says so.
func (d *driver) arrived(ctx context.Context, pool *pgxpool.Pool, orders int) error {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		t, err := d.world.taken(ctx)
		if err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if t.Items >= orders {
			var open bool
			err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM lanes WHERE kind = 'delivery' AND due_at IS NOT NULL) OR EXISTS (SELECT FROM batches)`).Scan(&open)
			if err != nil || !open {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d orders arrived: %w", t.Items, orders, context.Cause(ctx))
		case <-ticks.C:
		}
	}
}

// checkOurs compares the ledger with what there was.
func (d *driver) checkOurs(ctx context.Context, pool *pgxpool.Pool, t *turn) error {
	var sent, other, bad int
	err := pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state <> 'sent' AND kind <> 'record'),
			coalesce(sum(sales_amount + sales_tax + shipping_amount + shipping_tax), 0)::bigint, (SELECT count(*) FROM bad_items)
		FROM entries`).Scan(&sent, &other, &t.cents, &bad)
	if err != nil {
		return err
	}
	if sent != t.orders || other != 0 || bad != 0 {
		return fmt.Errorf("%d entries sent of %d, %d in another state, %d bad items", sent, t.orders, other, bad)
	}
	return nil
}

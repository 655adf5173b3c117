package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// mostUnfair is what we promise small merchants while a large one's past is
// read: their sales arrive at most so much later, at the 99th percentile.
const mostUnfair = 2.0

const (
	smallMerchants, shortSmallMerchants = 1000, 200
	// largePast is large enough to last longer than the small ones are watched.
	largePast, shortLargePast = 1_000_000, 150_000
	// fairWindow is the time within which the small ones' pulls fall due, evenly.
	fairWindow, shortFairWindow = 20 * time.Second, 3 * time.Second
	// fairStart is when the first falls due: the tables are filled, the worker runs.
	fairStart = 3 * time.Second
	// fairPatience is how long after that the last may arrive.
	fairPatience = time.Minute
)

// measureFairness brings one order of each of many small merchants, alone and
// while a large merchant's past is read.
func measureFairness(ctx context.Context, d *driver) ([]row, error) {
	small, past := smallMerchants, largePast
	if d.plan.short {
		small, past = shortSmallMerchants, shortLargePast
	}
	var alone, beside []float64
	err := d.stocked(ctx, stock{Sizes: []int{past}, Small: small}, func() error {
		return d.fewRounds(
			func() error { return d.stale(ctx, small, 0, &alone) },
			func() error { return d.stale(ctx, small, past, &beside) },
		)
	})
	if err != nil {
		return nil, err
	}
	ratios := make([]float64, len(alone))
	for i := range alone {
		ratios[i] = beside[i] / alone[i]
	}
	return []row{
		atMost(fmt.Sprintf("staleness of %d small merchants beside a backfill of %d orders, p99, of that without", small, past), middle(ratios), mostUnfair, ratioDigits),
		figure("without, s", middle(alone), 1),
		figure("beside, s", middle(beside), 1),
	}, nil
}

// stale is how long after they were due the small merchants' orders were at
// TrustFile, at the 99th percentile.
func (d *driver) stale(ctx context.Context, small, past int, into *[]float64) error {
	if err := d.world.reset(ctx); err != nil {
		return err
	}
	database, drop, err := d.server.scratch(ctx, "bench_fair")
	if err != nil {
		return err
	}
	p99, err := d.staleIn(ctx, database, small, past)
	if err = errors.Join(err, drop()); err != nil {
		return err
	}
	fmt.Printf("%7d orders of the past beside   staleness p99 %.2f s\n", past, p99)
	*into = append(*into, p99)
	return nil
}

func (d *driver) staleIn(ctx context.Context, database string, small, past int) (p99 float64, err error) {
	pool, err := emptyTables(ctx, database)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	window := fairWindow
	if d.plan.short {
		window = shortFairWindow
	}
	c := crowd{size: small, from: time.Now().Add(fairStart), over: window, since: d.world.From, token: d.world.smallToken}
	if err := c.make(ctx, pool); err != nil {
		return 0, err
	}
	if past > 0 {
		if err := d.connect(ctx, pool, past); err != nil {
			return 0, err
		}
	}
	_, err = d.during(ctx, database, func(alive context.Context, _ int) (turn, error) {
		if err := c.arrived(alive, pool, c.from.Add(window+fairPatience)); err != nil {
			return turn{}, err
		}
		return turn{}, d.underWay(alive, pool, past)
	})
	if err != nil {
		return 0, err
	}
	return p99, pool.QueryRow(ctx, `SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM e.delivered_at - b.due_at))::float8
		FROM bench_due b JOIN entries e ON e.connection_id = b.connection_id AND e.connection_id = ANY(ARRAY(SELECT connection_id FROM bench_due))`).Scan(&p99)
}

// smallToken is the access token of the nth small shop.
func (w *world) smallToken(n int) string { return w.Grants[smallShop(n)] }

// arrivedSQL counts those to whom something was delivered. It keeps away from the
// entries: others have many of them, and may make a look at them take minutes.
const arrivedSQL = `SELECT count(DISTINCT d.connection_id) FROM bench_due b JOIN deliveries d ON d.connection_id = b.connection_id`

// crowdLookEvery is how often: each look costs Postgres a millisecond.
const crowdLookEvery = 250 * time.Millisecond

// arrived waits until each of the crowd has its one order at TrustFile.
func (c crowd) arrived(ctx context.Context, pool *pgxpool.Pool, until time.Time) error {
	for {
		var sent int
		err := pool.QueryRow(ctx, arrivedSQL).Scan(&sent)
		if err != nil || sent == c.size {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d of %d orders arrived", sent, c.size)
		}
		if err := sleepUntil(ctx, time.Now().Add(crowdLookEvery)); err != nil {
			return err
		}
	}
}

// underWay makes sure that the past lasted as long as the others were watched.
// The short form's need not.
func (d *driver) underWay(ctx context.Context, pool *pgxpool.Pool, past int) error {
	if past == 0 || d.plan.short {
		return nil
	}
	var open bool
	err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM lanes WHERE kind = 'backfill' AND done_at IS NULL)`).Scan(&open)
	if err == nil && !open {
		err = errors.New("the past was read before the others had arrived")
	}
	return err
}

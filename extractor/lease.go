package extractor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/models"
)

// errFenced says that a lane's lease, or its connection's generation, is no
// longer ours: whatever we were about to write is void.
var errFenced = errors.New("the lease was lost")

// lane is a claimed lane with what its work needs of the connection. ID 0 is
// work outside any lane, fenced by the connection's generation alone.
type lane struct {
	ID         int64
	Connection int64
	Kind       models.LaneKind
	From, To   *time.Time
	Cursor     hostapi.Cursor
	Epoch      int64
	Failures   int
	BatchLimit *int
	Pages      int64

	ExternalID  *string
	Host        string
	HostAccount *string
	Zone        string
	Settings    json.RawMessage
	Generation  int64
	Unsettled   bool      // the status sentence speaks of trouble, or of the first sync
	Now         time.Time // the database's clock at the claim
}

// claimSQL leases due lanes of one kind: of each connection no more than its
// host allows at once ($4, $5), each connection's first before any one's second.
const claimSQL = `
WITH allowed AS (SELECT * FROM unnest($4::text[], $5::int[]) a(host, parallel)),
busy AS (SELECT connection_id, count(*) AS lanes FROM lanes WHERE kind = $1 AND leased_until > now() GROUP BY connection_id),
candidates AS (
  SELECT l.id, l.due_at, a.parallel,
    row_number() OVER (PARTITION BY l.connection_id ORDER BY l.due_at)
      + coalesce(b.lanes, 0) AS nth
  FROM (SELECT * FROM lanes WHERE kind = $1 AND due_at <= now() AND (leased_until IS NULL OR leased_until <= now())
        ORDER BY due_at LIMIT 5000) l
  JOIN connections c ON c.id = l.connection_id AND c.active
  JOIN allowed a ON a.host = c.host
  LEFT JOIN busy b ON b.connection_id = l.connection_id
  WHERE EXISTS (SELECT 1 FROM service s WHERE s.enabled AND s.pause = '')),
picked AS (
  SELECT l.id FROM (SELECT * FROM candidates WHERE nth <= parallel ORDER BY nth, due_at LIMIT 8 * $2) x -- more than wanted: others claim as well
  JOIN lanes l ON l.id = x.id
  WHERE l.due_at <= now() AND (l.leased_until IS NULL OR l.leased_until <= now())
  ORDER BY x.nth, x.due_at LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
` + leaseSQL

// leaseSQL leases the lanes that were picked ($3: for so long) and tells what
// their work needs.
const leaseSQL = `UPDATE lanes l SET epoch = l.epoch + 1, leased_until = now() + $3::interval
FROM picked p, connections c WHERE l.id = p.id AND c.id = l.connection_id
RETURNING l.id, l.connection_id, l.kind, l.from_at, l.to_at, l.cursor, l.epoch, l.failures, l.batch_limit, l.pages,
  c.external_id, c.host, c.host_account, c.zone, c.settings, c.generation, c.trouble_since IS NOT NULL OR c.last_sync_at IS NULL, now()`

// claim leases up to limit due lanes of a kind.
func (e *Engine) claim(ctx context.Context, kind models.LaneKind, limit int) ([]*lane, error) {
	hosts, parallel := e.allowed(kind)
	rows, err := e.Store.Pool.Query(ctx, claimSQL, kind, limit, e.Timing.Lease, hosts, parallel)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[lane])
}

// allowed says how many lanes of a kind one connection of each host may have
// under way. Silent hosts have none: pulls find out when they answer again.
func (e *Engine) allowed(kind models.LaneKind) (hosts []string, parallel []int) {
	for name, host := range e.Hosts {
		if kind != models.LaneDelivery && e.silence.of(name) {
			continue
		}
		n := 1
		if kind == models.LaneBackfill {
			n = max(1, host.Info().Parallel)
		}
		hosts, parallel = append(hosts, name), append(parallel, n)
	}
	return hosts, parallel
}

const fenceSQL = `SELECT c.start_date::text, now(), q.last_value FROM connections c, service s, entry_seq q
	WHERE c.id = $1 AND c.generation = $2 AND c.active AND s.enabled AND s.pause = ''
		AND ($3 = 0 OR EXISTS (SELECT 1 FROM lanes l WHERE l.id = $3 AND l.epoch = $4))`

// fence keeps whatever disables, renames or deletes the connection out until the
// transaction ends, and confirms that the lane is still ours, the connection
// still wanted and the service on. What it returns only holds under the lock.
func (l *lane) fence(ctx context.Context, tx pgx.Tx) (f fenced, err error) {
	if err := models.LockControl.Share(ctx, tx, l.Connection); err != nil {
		return f, err
	}
	sql, id := fenceSQL, l.ID
	if models.Bad("generation") {
		sql = strings.Replace(sql, "c.generation = $2 AND c.active", "$2 > 0", 1)
	}
	if models.Bad("epoch") {
		id = 0
	}
	err = tx.QueryRow(ctx, sql, l.Connection, l.Generation, id, l.Epoch).Scan(&f.start, &f.now, &f.turn)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, errFenced
	}
	return f, err
}

// fenced is what holds inside a fence.
type fenced struct {
	start string    // the connection's start date
	now   time.Time // the database's clock
	turn  int64     // all turns that are taken from now on come after this one
}

// release gives the lease back and says when the lane is due next, and whether
// it begins its window anew; notices do not make it due before. A lane that is no
// longer ours is left alone.
func (e *Engine) release(ctx context.Context, l *lane, due time.Duration, failures int, anew bool) error {
	_, err := e.Store.Pool.Exec(ctx, `UPDATE lanes SET leased_until = NULL, failures = $3,
			cursor = CASE WHEN $5 THEN '' ELSE cursor END, pages = CASE WHEN $5 THEN 0 ELSE pages END,
			due_at = CASE WHEN due_at IS NULL THEN NULL ELSE now() + $4::interval END, wake_after = greatest(wake_after, now() + $4::interval)
		WHERE id = $1 AND epoch = $2`, l.ID, l.Epoch, failures, due, anew)
	if err != nil || l.Kind != models.LaneIncremental {
		return err
	}
	// Not in one transaction with the lane: who holds both rows takes the connection's first.
	_, err = e.Store.Pool.Exec(ctx, `UPDATE connections c SET next_sync_at = l.due_at FROM lanes l WHERE l.id = $1 AND c.id = l.connection_id`, l.ID)
	return err
}

// account opens the connection for its host's adapter.
func (e *Engine) account(l *lane) (hostapi.Account, error) {
	zone, err := time.LoadLocation(l.Zone)
	if err != nil {
		zone = time.UTC
	}
	a := hostapi.Account{ID: l.Connection, Zone: zone, Settings: map[string]string{}}
	if err := json.Unmarshal(l.Settings, &a.Settings); err != nil {
		return a, models.Errorf(models.Internal, "The settings of this connection cannot be read.").Because(err)
	}
	if l.HostAccount != nil {
		a.HostID = *l.HostAccount
	}
	newClient := hostapi.NewClient
	if l.patient() {
		newClient = hostapi.NewPatientClient
	}
	c := &models.Connection{ID: l.Connection, Host: l.Host, HostAccount: l.HostAccount, Zone: l.Zone, Settings: l.Settings}
	a.Client = newClient(e.Store, e.Hosts[l.Host], c, e.Transport)
	return a, nil
}

// patient reports whether the lane's work can wait for that of others: the
// past, and what is looked at once more.
func (l *lane) patient() bool { return l.Kind == models.LaneBackfill || l.Kind == models.LaneReconcile }

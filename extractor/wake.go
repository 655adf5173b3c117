package extractor

import (
	"context"
	"time"

	"extractor/models"
)

const (
	// wakeEvery is the least time between two pulls of a connection that notices
	// ask for: a shop's busy minute is two pulls, not a thousand.
	wakeEvery = 30 * time.Second / models.Pace
	// wakeLook is how soon we look again at an account whose lane is at work.
	wakeLook = 2 * time.Second / models.Pace
	// wakeChunk is how many accounts one statement looks at, and wakeRounds how
	// many statements one sweep makes of it: the others have the next sweep.
	wakeChunk  = 500
	wakeRounds = 10
)

// wakeSQL turns accounts that hosts told us of ($1 and $2: the hosts, and how
// late each may list a change) into due lanes. Rows are deleted before the time
// is read that their lanes go by: a notice that found its row there came before
// that time, and one that finds it gone makes a new one. So no notice is lost.
//
// A lane is ready when it is not under way, in no pause, and not overdue at a host
// that is late to list changes: that pull comes too early for the notice. Its
// next pull then begins when the host lists what the notice is about, and no
// notice moves it again before. What is not ready is looked at again. What has no
// lane to wake is dropped: an account we do not know, or a connection that does
// not work.
const wakeSQL = `
WITH lags AS (SELECT * FROM unnest($1::text[], $2::interval[]) g(host, lag)),
taken AS (
  DELETE FROM wakes WHERE ctid = ANY(ARRAY(SELECT ctid FROM wakes WHERE at <= now() ORDER BY at LIMIT $3 FOR UPDATE SKIP LOCKED))
  RETURNING host, account, clock_timestamp() AS t),
looked AS (
  SELECT w.host, w.account, w.t, l.id AS lane, g.lag, l.wake_after FROM taken w
  JOIN lags g ON g.host = w.host
  CROSS JOIN LATERAL (SELECT l.id, l.wake_after FROM connections c JOIN lanes l ON l.connection_id = c.id
    WHERE c.host = w.host AND c.host_account = w.account AND c.deleted_at IS NULL AND c.active
      AND l.kind = 'incremental' AND l.due_at IS NOT NULL LIMIT 1) l),
ready AS (
  SELECT l.id, k.t, k.lag FROM looked k JOIN lanes l ON l.id = k.lane
  WHERE (l.leased_until IS NULL OR l.leased_until <= k.t) AND l.to_at IS NULL AND (l.wake_after IS NULL OR l.wake_after <= k.t)
    AND (l.due_at > k.t OR k.lag = '0')
  FOR UPDATE OF l SKIP LOCKED),
woken AS (
  UPDATE lanes l SET due_at = CASE WHEN l.due_at > r.t THEN r.t + r.lag ELSE l.due_at END, wake_after = r.t + greatest(r.lag, $4::interval)
  FROM ready r WHERE l.id = r.id RETURNING l.id),
later AS (
  INSERT INTO wakes (host, account, at)
  SELECT k.host, k.account, greatest(k.t + $5::interval, k.wake_after) FROM looked k WHERE k.lane NOT IN (SELECT id FROM woken) ON CONFLICT DO NOTHING)
SELECT count(*) FROM taken`

// wake makes the lanes due that notices ask for.
func (e *Engine) wake(ctx context.Context) error {
	hosts, lags := make([]string, 0, len(e.Hosts)), make([]time.Duration, 0, len(e.Hosts))
	for name, host := range e.Hosts {
		hosts, lags = append(hosts, name), append(lags, host.Info().Lag)
	}
	for range wakeRounds {
		var taken int
		if err := e.Store.Pool.QueryRow(ctx, wakeSQL, hosts, lags, wakeChunk, e.Timing.Wake, wakeLook).Scan(&taken); err != nil {
			return err
		}
		if taken < wakeChunk {
			return nil
		}
	}
	return nil
}

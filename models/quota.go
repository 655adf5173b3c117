package models

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bucket is a token bucket that all processes take from; one token is one
// request. Postgres keeps it, by its own clock.
type Bucket struct {
	Connection int64   // whose; 0 = our app's, over all merchants
	Size       float64 // tokens in it when it is full
	Refill     float64 // tokens a second
	Keep       float64 // tokens to be left for those who cannot wait
}

// takeSQL fills the buckets up to the present and takes the same number from
// each, at most $6, if all of them have one at least. The rows are locked in the
// order of their keys. Buckets that are missing give no row, and nothing is taken.
const takeSQL = `WITH wanted AS (SELECT * FROM unnest($2::bigint[], $3::float8[], $4::float8[], $5::float8[]) w(connection_id, size, refill, keep)),
held AS (
  SELECT q.connection_id, w.refill, w.keep, least(w.size, q.tokens + w.refill * greatest(0, extract(epoch FROM now() - q.at)::float8)) AS level
  FROM quotas q JOIN wanted w ON w.connection_id = q.connection_id WHERE q.host = $1
  ORDER BY q.connection_id FOR UPDATE OF q),
granted AS (
  SELECT CASE WHEN count(*) = cardinality($2::bigint[]) THEN greatest(0, least($6::float8, min(floor(level - keep)))) ELSE 0 END AS n,
    max((1 + keep - level) / refill) AS wait, count(*) AS known
  FROM held),
taken AS (
  UPDATE quotas q SET tokens = h.level - g.n, at = greatest(q.at, now()) FROM held h, granted g
  WHERE q.host = $1 AND q.connection_id = h.connection_id)
SELECT n::int, greatest(0, coalesce(wait, 0))::float8, known::int FROM granted`

// TakeTokens takes up to want tokens from each of the buckets of a host, the
// same number from all. Got 0 means that one of them is too low; wait is then
// how long until it has a token to give, if nobody else takes it.
func (s *Store) TakeTokens(ctx context.Context, host string, buckets []Bucket, want int) (got int, wait time.Duration, err error) {
	ids, sizes, refills, keeps := columns(buckets)
	for range 2 { // the first look at a bucket finds no row
		var seconds float64
		var known int
		err = s.Pool.QueryRow(ctx, takeSQL, host, ids, sizes, refills, keeps, want).Scan(&got, &seconds, &known)
		if err != nil || known == len(buckets) {
			return got, time.Duration(seconds * float64(time.Second)), err
		}
		_, err = s.Pool.Exec(ctx, `INSERT INTO quotas (host, connection_id, tokens, at)
			SELECT $1, w.id, w.size, now() FROM unnest($2::bigint[], $3::float8[]) w(id, size) ON CONFLICT DO NOTHING`, host, ids, sizes)
		if err != nil {
			return 0, 0, err
		}
	}
	return 0, 0, errors.New("the buckets of a quota were not there")
}

func columns(buckets []Bucket) (ids []int64, sizes, refills, keeps []float64) {
	for _, b := range buckets {
		ids, sizes = append(ids, b.Connection), append(sizes, b.Size)
		refills, keeps = append(refills, b.Refill), append(keeps, b.Keep)
	}
	return ids, sizes, refills, keeps
}

// Slot is the right to one request under way at one account, for a time.
type Slot struct {
	Connection int64
	Number     int
	Until      time.Time // whoever took it later has another time
}

// TakeSlot takes one of a connection's slots, of which there are so many, for a
// time; nil when all are taken. The one it tries is chosen by chance among the
// free ones, so that two who ask at once seldom choose the same.
func (s *Store) TakeSlot(ctx context.Context, connection int64, of int, lease time.Duration) (*Slot, error) {
	slot := Slot{Connection: connection}
	err := s.Pool.QueryRow(ctx, `INSERT INTO request_slots AS s (connection_id, slot, taken_until)
		SELECT $1, n, now() + $3::interval FROM generate_series(1, $2::int) n
		WHERE NOT EXISTS (SELECT 1 FROM request_slots o WHERE o.connection_id = $1 AND o.slot = n AND o.taken_until > now())
		ORDER BY random() LIMIT 1
		ON CONFLICT (connection_id, slot) DO UPDATE SET taken_until = excluded.taken_until WHERE s.taken_until <= now()
		RETURNING slot, taken_until`, connection, of, lease).Scan(&slot.Number, &slot.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &slot, err
}

// FreeSlot gives a slot back, if it is still ours.
func (s *Store) FreeSlot(ctx context.Context, slot *Slot) error {
	_, err := s.Pool.Exec(ctx, `UPDATE request_slots SET taken_until = '-infinity' WHERE connection_id = $1 AND slot = $2 AND taken_until = $3`,
		slot.Connection, slot.Number, slot.Until)
	return err
}

// spellGap is how long after the end of the last wait a host's asking for
// slowness counts as the same spell: longer than any backoff between two tries.
const spellGap = 30 * time.Minute

// Throttled notes that a connection has to wait for so long. At the first time
// of a spell it tells the merchant, as an activity, and the consumer, as a failure.
func (s *Store) Throttled(ctx context.Context, id int64, wait time.Duration, activity, failure string) error {
	tag, err := s.Pool.Exec(ctx, `WITH o AS (
			SELECT id, coalesce(throttled_until < now() - $3::interval, true) AS first FROM connections WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE),
		u AS (UPDATE connections c SET throttled_until = greatest(c.throttled_until, now() + $2::interval) FROM o WHERE c.id = o.id)
		INSERT INTO activities (connection_id, action) SELECT id, $4 FROM o WHERE first`, id, wait, spellGap, activity)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return s.RecordFailure(ctx, FailureIntegration, &id, failure)
}

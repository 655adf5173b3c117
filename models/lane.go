package models

import (
	"time"

	"gorm.io/gorm"
)

// LaneKind is a kind of work on a connection. Each lane is claimed by a lease of its own.
type LaneKind string

// The kinds of lane.
const (
	LaneIncremental LaneKind = "incremental" // the host's changes from the high-water mark on
	LaneBackfill    LaneKind = "backfill"    // one window of the past
	LaneDelivery    LaneKind = "delivery"    // undelivered entries to the target
	LaneReconcile   LaneKind = "reconcile"   // the host's days once more, by another road
)

const (
	// backfillWindow is how much of the past one lane reads: short enough that
	// several workers share a merchant's history and a lost one costs little.
	backfillWindow = 14 * 24 * time.Hour
	// zoneMargin is the farthest a merchant's local midnight lies from UTC's.
	zoneMargin = 14 * time.Hour
)

// QuietTime is how long a request without a clear answer may still take effect
// at the target: its client time-out plus a minute. Newer content of the same
// items waits for it, also where a connection was deleted meanwhile and another
// one of the same id brings that content.
const QuietTime = 85 * time.Second / Pace

// ReadFrom is the instant from which on the host's changes are read for a start
// date: wherever the merchant is, his day has not begun before.
func ReadFrom(startDate time.Time) time.Time { return startDate.Add(-zoneMargin) }

// arrange brings a connection's lanes in line with its row. It is called in the
// same transaction by whatever changes wish, pause, authorisation or start
// date, and may be called any number of times.
func arrange(tx *gorm.DB, id int64) error {
	var c Connection
	if err := tx.Take(&c, id).Error; err != nil {
		return err
	}
	if !c.Active {
		return park(tx, id)
	}
	if err := openLanes(tx, id); err != nil {
		return err
	}
	if err := cover(tx, &c); err != nil {
		return err
	}
	return wake(tx, id)
}

// park makes sure that no worker claims the connection's lanes.
func park(tx *gorm.DB, id int64) error {
	if err := tx.Exec(`UPDATE lanes SET due_at = NULL WHERE connection_id = ?`, id).Error; err != nil {
		return err
	}
	return tx.Exec(`UPDATE connections SET next_sync_at = NULL WHERE id = ?`, id).Error
}

// openLanes creates the lanes every active connection has. Where the clocks of
// the database and this process disagree, news begins at the earlier time: the
// host's is a third one, and what is read twice costs nothing.
func openLanes(tx *gorm.DB, id int64) error {
	return tx.Exec(`INSERT INTO lanes (connection_id, kind, from_at, due_at)
		SELECT ?, k, CASE WHEN k = 'incremental' THEN least(now(), ?) END, NULL
		FROM unnest(ARRAY['incremental', 'delivery', 'reconcile']) k
		ON CONFLICT DO NOTHING`, id, time.Now()).Error
}

// cover opens backfill windows for what the start date asks for and was never
// read: the whole past at first, only the gap when the start date moves earlier.
// Entries that were read but lay before the old start date become wanted.
func cover(tx *gorm.DB, c *Connection) error {
	if err := followStartDate(tx, c); err != nil {
		return err
	}
	from := ReadFrom(*c.StartDate)
	if c.CoveredFrom != nil && !from.Before(*c.CoveredFrom) {
		return nil
	}
	until := gorm.Expr("now()")
	if c.CoveredFrom != nil {
		until = gorm.Expr("?::timestamptz", *c.CoveredFrom)
	}
	// The newest window first: what is due soonest at the tax office.
	err := tx.Exec(`INSERT INTO lanes (connection_id, kind, from_at, to_at, due_at)
		SELECT ?, 'backfill', w, least(w + ?::interval, ?), now() + (row_number() OVER (ORDER BY w DESC)) * interval '1 microsecond'
		FROM generate_series(?::timestamptz, ?, ?::interval) w WHERE w < ?`,
		c.ID, backfillWindow.String(), until, from, until, backfillWindow.String(), until).Error
	if err != nil {
		return err
	}
	return tx.Exec(`UPDATE connections SET covered_from = least(?::timestamptz, now()) WHERE id = ?`, from, c.ID).Error
}

// followStartDate moves entries across the start date that were never sent.
// It looks through all entries of the connection, so only when the date changed.
func followStartDate(tx *gorm.DB, c *Connection) error {
	if c.StartFollowed != nil && c.StartFollowed.Equal(*c.StartDate) {
		return nil
	}
	if err := tx.Exec(`UPDATE connections SET start_followed = start_date WHERE id = ?`, c.ID).Error; err != nil {
		return err
	}
	err := tx.Exec(`UPDATE entries SET state = 'pending', reason = NULL, seq = nextval('entry_seq'), changed_at = now()
		WHERE connection_id = ? AND state = 'skipped' AND reason = ? AND day >= ?`,
		c.ID, SkipBeforeStart, c.StartDate).Error
	if err != nil {
		return err
	}
	return tx.Exec(`UPDATE entries e SET state = 'skipped', reason = ?, changed_at = now()
		WHERE connection_id = ? AND state = 'pending' AND day < ? AND sent_seq = 0 AND reverses IS NULL
		AND (kind, key) NOT IN (SELECT x.k, x.i FROM batches b, unnest(b.kinds, b.keys) x(k, i) WHERE b.connection_id = ?)`,
		SkipBeforeStart, c.ID, c.StartDate, c.ID).Error
}

// wake makes every lane due that has work left and is not due already. Nothing
// is delivered while a request of a deleted connection of the same id may still
// take effect: it would put old content over new, and nobody would know.
func wake(tx *gorm.DB, id int64) error {
	err := tx.Exec(`UPDATE lanes l SET due_at = d.at, wake_after = CASE l.kind WHEN 'delivery' THEN d.at ELSE l.wake_after END
		FROM (SELECT o.id, CASE o.kind WHEN 'reconcile' THEN now() + interval '1 day'
				WHEN 'delivery' THEN greatest(now(), (SELECT max(gone.deleted_at) FROM connections c JOIN connections gone ON gone.external_id = c.external_id
					WHERE c.id = o.connection_id AND gone.deleted_at IS NOT NULL) + ?::interval)
				ELSE now() END AS at
			FROM lanes o WHERE o.connection_id = ? AND o.due_at IS NULL AND o.done_at IS NULL) d
		WHERE l.id = d.id`, QuietTime.String(), id).Error
	if err != nil {
		return err
	}
	return tx.Exec(`UPDATE connections SET next_sync_at = (SELECT due_at FROM lanes WHERE connection_id = ? AND kind = 'incremental')
		WHERE id = ?`, id, id).Error
}

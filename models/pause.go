package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// The pauses of the service as a whole, in words for the log and the operator.
const (
	PauseTokenRefused = "token refused" // the target refuses our own token
	PauseTargetSilent = "target silent" // the target failed for an hour over all connections
)

// Deauthorise notes that the host no longer lets us in: the connection stops
// until the merchant authorises it again. A reaction of an older generation is
// dropped.
func (s *Store) Deauthorise(ctx context.Context, id, generation int64) error {
	return s.pause(ctx, id, generation, PauseUnauthorised, nil, func(c *Connection) string {
		return fmt.Sprintf("%s no longer lets us in; stopped until the account is reauthorised", s.Title(c.Host))
	})
}

// PauseUnknown notes that the target does not know the connection; probe is
// how long until we ask again.
func (s *Store) PauseUnknown(ctx context.Context, id, generation int64, probe time.Duration) error {
	return s.pause(ctx, id, generation, PauseUnknownTarget, &probe, func(*Connection) string {
		return "TrustFile does not know this connection; stopped until it does"
	})
}

func (s *Store) pause(ctx context.Context, id, generation int64, why Pause, probe *time.Duration, activity func(*Connection) string) error {
	return s.InTx(ctx, func(tx *gorm.DB) error {
		if err := holdEngine(tx, id); err != nil {
			return err
		}
		done := tx.Exec(`UPDATE connections SET pause = @why, authorized = authorized AND @why <> @unauthorised,
				pause_probe_at = now() + cast(@probe AS interval)
			WHERE id = @id AND generation = @generation AND pause = '' AND deleted_at IS NULL`,
			map[string]any{"why": why, "unauthorised": PauseUnauthorised, "probe": intervalOf(probe), "id": id, "generation": generation})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		var c Connection
		if err := s.settle(tx, id, &c); err != nil {
			return err
		}
		return recordActivity(tx, id, activity(&c))
	})
}

func intervalOf(d *time.Duration) *string {
	if d == nil {
		return nil
	}
	text := d.String()
	return &text
}

// LiftPause ends a pause of ours, when what caused it is over.
func (s *Store) LiftPause(ctx context.Context, id int64, why Pause) error {
	return s.InTx(ctx, func(tx *gorm.DB) error {
		if err := holdEngine(tx, id); err != nil {
			return err
		}
		done := tx.Exec(`UPDATE connections SET pause = '', pause_probe_at = NULL WHERE id = ? AND pause = ? AND deleted_at IS NULL`, id, why)
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		var c Connection
		if err := s.settle(tx, id, &c); err != nil {
			return err
		}
		return recordActivity(tx, id, "resumed")
	})
}

// ProbeLater puts off the next test of a connection's pause.
func (s *Store) ProbeLater(ctx context.Context, id int64, wait time.Duration) error {
	return s.DB(ctx).Exec(`UPDATE connections SET pause_probe_at = now() + ?::interval WHERE id = ?`, wait.String(), id).Error
}

// Trouble notes that a connection's host fails, at the first of a run of failures.
func (s *Store) Trouble(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(tx *gorm.DB) error {
		done := tx.Exec(`UPDATE connections SET trouble_since = now() WHERE id = ? AND trouble_since IS NULL`, id)
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return s.restate(tx, id)
	})
}

// Restate writes a connection's status sentence anew.
func (s *Store) Restate(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(tx *gorm.DB) error { return s.restate(tx, id) })
}

// DoubtToken notes that the target called our own token bad. It reports true,
// and pauses the service, when it did so for at least span.
func (s *Store) DoubtToken(ctx context.Context, span, probe time.Duration) (paused bool, err error) {
	return s.pauseService(ctx, PauseTokenRefused, "doubted_at", span, probe)
}

// TargetFails notes that the target timed out or failed. It reports true, and
// pauses the service, when it did so for at least span without one good answer
// to any connection.
func (s *Store) TargetFails(ctx context.Context, span, probe time.Duration) (paused bool, err error) {
	return s.pauseService(ctx, PauseTargetSilent, "target_failing_since", span, probe)
}

// pauseService starts the run of failures counted in the column since, or ends
// the service's patience with it.
func (s *Store) pauseService(ctx context.Context, why, since string, span, probe time.Duration) (bool, error) {
	var paused bool
	err := s.DB(ctx).Raw(fmt.Sprintf(`UPDATE service SET %[1]s = coalesce(%[1]s, now()),
			pause = CASE WHEN %[1]s <= now() - cast(@span AS interval) THEN @why ELSE pause END,
			probe_at = CASE WHEN %[1]s <= now() - cast(@span AS interval) THEN now() + cast(@probe AS interval) ELSE probe_at END
		WHERE pause = '' RETURNING pause <> ''`, since), // since is one of our two column names
		map[string]any{"span": span.String(), "why": why, "probe": probe.String()}).Scan(&paused).Error
	return paused, err
}

// ResumeService ends our own pause of the service.
func (s *Store) ResumeService(ctx context.Context) error {
	return s.DB(ctx).Exec(`UPDATE service SET pause = '', probe_at = NULL, doubted_at = NULL, target_failing_since = NULL, target_ok_at = now()`).Error
}

// ProbeServiceLater puts off the next test of the service's pause.
func (s *Store) ProbeServiceLater(ctx context.Context, wait time.Duration) error {
	return s.DB(ctx).Exec(`UPDATE service SET probe_at = now() + ?::interval`, wait.String()).Error
}

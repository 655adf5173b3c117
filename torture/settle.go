package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// settle waits until nothing is due any more: a night has passed, what was
// refused was sent again, and all lanes are at rest.
func (s *stage) settle(ctx context.Context, c *checker) {
	defer s.keepUp(ctx)()
	if _, err := s.consumer.call(ctx, http.MethodPut, "/connector", map[string]bool{"enabled": true}); err != nil {
		c.fail("I8", "the connector cannot be switched on: %v", err)
	}
	began, why := time.Now(), ""
	night := false
	for time.Since(began) < settlePatience && ctx.Err() == nil {
		if !night {
			night = s.nightfall(ctx) == nil
		}
		if why = s.unrest(ctx); why == "" && night {
			return
		}
		if err := errors.Join(s.resend(ctx), s.readmit(ctx)); err != nil {
			why = err.Error()
		}
		time.Sleep(settlePoll)
	}
	c.fail("I8", "%s after all faults were over not everything is at rest: %s", settlePatience, why)
}

var errNotYet = errors.New("not every connection works yet")

// nightfall makes tonight's recount due: no schedule waits for two o'clock. It
// is the one thing that the harness writes into the tables. It comes when all
// connections have pulled: one that stands still, or does so once more because
// it is not let in, recounts a day after it works again.
func (s *stage) nightfall(ctx context.Context) error {
	done, err := s.store.Exec(ctx, `UPDATE lanes SET due_at = now() WHERE kind = 'reconcile' AND due_at IS NOT NULL
		AND NOT EXISTS (SELECT FROM connections WHERE deleted_at IS NULL
			AND (NOT active OR last_sync_at IS NULL OR last_sync_at < $1::timestamptz + interval '1 second'))`, s.cleared.Add(s.skew))
	if err == nil && done.RowsAffected() == 0 {
		return errNotYet
	}
	return err
}

// unrest says what is still going on; "" = nothing.
func (s *stage) unrest(ctx context.Context) (why string) {
	err := s.store.QueryRow(ctx, `SELECT coalesce((SELECT why FROM (
			SELECT 1, 'the service is paused: ' || pause FROM service WHERE pause <> '' OR NOT enabled
			UNION ALL SELECT 2, format('connection %s is not active: pause %L, authorized %s, wish %s', id, pause, authorized, wish) FROM connections WHERE deleted_at IS NULL AND NOT active
			UNION ALL SELECT 3, format('the last pull of connection %s was before the faults were over (%s, due %s)', id, last_sync_at, next_sync_at) FROM connections
				WHERE deleted_at IS NULL AND (last_sync_at IS NULL OR last_sync_at < $1::timestamptz + interval '1 second')
			UNION ALL SELECT 4, format('a window of the past of connection %s is not read: due %s, %s failures', connection_id, due_at, failures)
				FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.deleted_at IS NULL WHERE l.kind = 'backfill' AND done_at IS NULL
			UNION ALL SELECT 5, format('the days of connection %s are not recounted: due %s, %s failures', connection_id, due_at, failures)
				FROM lanes l JOIN connections c ON c.id = l.connection_id AND c.deleted_at IS NULL WHERE l.kind = 'reconcile' AND due_at < now() + interval '30 minutes'
			UNION ALL SELECT 6, format('connection %s has an unsettled batch: %s attempts', connection_id, attempts)
				FROM batches b JOIN connections c ON c.id = b.connection_id AND c.deleted_at IS NULL
			UNION ALL (SELECT 7, format('connection %s has an entry that is pending or to be read back: %s %s', connection_id, kind, key)
				FROM entries e JOIN connections c ON c.id = e.connection_id AND c.deleted_at IS NULL WHERE state = 'pending' OR verify_after IS NOT NULL LIMIT 1)
			UNION ALL SELECT 8, format('connection %s has an open bad item: %s %s', connection_id, kind, key) FROM bad_items b
				JOIN connections c ON c.id = b.connection_id AND c.deleted_at IS NULL WHERE settled_at IS NULL
		) x(n, why) ORDER BY n LIMIT 1), '')`, s.cleared.Add(s.skew)).Scan(&why)
	if err != nil {
		return err.Error()
	}
	return why
}

// resend asks for bad items to be tried again, as a person does once their
// cause is mended.
func (s *stage) resend(ctx context.Context) error {
	var all error
	for _, m := range s.merchants {
		var open int
		if err := s.store.QueryRow(ctx, `SELECT count(*) FROM bad_items WHERE connection_id = $1 AND settled_at IS NULL`, m.now().number).Scan(&open); err != nil || open == 0 {
			all = errors.Join(all, err)
			continue
		}
		if a, err := s.consumer.call(ctx, http.MethodPost, m.now().path()+"/baditems/retry", nil); err != nil || a.status != http.StatusOK {
			all = errors.Join(all, fmt.Errorf("retrying bad items: %d %w", a.status, err))
		}
	}
	return all
}

// readmit lets us in again where the access was withdrawn and that was noticed
// only after the storm. Nobody else may have lost it.
func (s *stage) readmit(ctx context.Context) error {
	var all error
	for _, m := range s.merchants {
		if slices.Contains(s.withdrawn, m.account) {
			all = errors.Join(all, m.readmit(ctx, s))
		}
	}
	return all
}

// rest looks whether reading everything again sends anything: it must not.
func (s *stage) rest(ctx context.Context, c *checker) {
	if len(c.violations) > 0 {
		return // it is not at rest
	}
	before := s.world.TrustFile.Stats()
	if s.plan.news == byNotices { // nobody looks by himself
		for _, m := range s.merchants {
			_ = s.deliver(ctx, m.account)
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(restTime):
	}
	for name, after := range s.world.TrustFile.Stats() {
		if n := after.Received - before[name].Received; n > 0 {
			c.fail("I3", "%d items were sent under %s although nothing had changed since all was delivered", n, name)
		}
	}
}

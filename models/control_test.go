package models_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"extractor/internal/pgtest"
	"extractor/models"
)

func day(s string) *time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return &t
}

func create(t *testing.T, s *models.Store, id string) *models.Connection {
	t.Helper()
	c, err := s.CreateConnection(t.Context(), models.NewConnection{ExternalID: id, Host: "shop", StartDate: *day("2018-04-01")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func count(t *testing.T, s *models.Store, sql string, args ...any) (n int) {
	t.Helper()
	if err := s.Pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, s *models.Store, sql string, args ...any) {
	t.Helper()
	if _, err := s.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestRepeatedFailuresAreOne(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	a, b := create(t, s, "a").ID, create(t, s, "b").ID
	record := func(id *int64, text string) {
		if err := s.RecordFailure(t.Context(), models.FailureIntegration, id, text); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		record(&a, "slow")
		record(&b, "slow")
		record(nil, "slow")
		record(&a, "torn")
	}
	if n := count(t, s, `SELECT count(*) FROM failures`); n != 4 {
		t.Errorf("%d failures", n)
	}
	exec(t, s, `UPDATE failures SET at = at - interval '11 minutes'`)
	record(&a, "slow")
	if n := count(t, s, `SELECT count(*) FROM failures WHERE message = 'Connection a: slow'`); n != 2 {
		t.Errorf("%d failures: one long ago swallowed a new one", n)
	}
}

func TestRevocationsAreClaimedOneByOneAndGiveUp(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	id := create(t, s, "a").ID
	exec(t, s, `INSERT INTO tokens (connection_id, access) VALUES ($1, 'sealed')`, id)
	if err := s.DeleteConnection(t.Context(), "a", true); err != nil {
		t.Fatal(err)
	}
	r, err := s.ClaimRevocation(t.Context())
	if err != nil || r == nil || r.ConnectionID != id || r.Host != "shop" || string(r.Access) != "sealed" || r.Refresh != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := s.ClaimRevocation(t.Context()); err != nil || again != nil {
		t.Fatalf("claimed twice: %+v, %v", again, err)
	}
	exec(t, s, `UPDATE revocations SET due_at = now()`)
	if again, err := s.ClaimRevocation(t.Context()); err != nil || again == nil {
		t.Fatalf("a claim that was not finished is lost: %v", err)
	}
	if err := s.FinishRevocation(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	exec(t, s, `INSERT INTO revocations (connection_id, access, created_at) VALUES ($1, 'sealed', now() - interval '25 hours')`, id)
	if r, err := s.ClaimRevocation(t.Context()); err != nil || r != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := count(t, s, `SELECT count(*) FROM revocations`); n != 0 {
		t.Error("the copy outlives its day")
	}
}

func TestAwaitPostingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	exec(t, s, `INSERT INTO batches (connection_id, epoch, kinds, keys, seqs, posting_until) VALUES (1, 1, '{}', '{}', '{}', now() + interval '1 hour')`)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.AwaitPosting(ctx, 1); err == nil {
		t.Error("it did not wait")
	}
	if err := s.AwaitPosting(t.Context(), 2); err != nil {
		t.Errorf("another connection waits: %v", err)
	}
}

// TestStatusChangesOnlyWithTheState: the time of change is that of the sentence.
func TestStatusChangesOnlyWithTheState(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	s.Titles = map[string]string{"shop": "Shop"}
	c := create(t, s, "a")
	exec(t, s, `UPDATE connections SET status_changed_at = '2018-01-01'`)
	same, err := s.ChangeConnection(t.Context(), "a", models.Change{StartDate: day("2019-01-01")})
	if err != nil || same.StatusMessage != c.StatusMessage || same.StatusChangedAt.Year() != 2018 {
		t.Fatalf("%+v, %v", same, err)
	}
	off := false
	changed, err := s.ChangeConnection(t.Context(), "a", models.Change{Enabled: &off})
	if err != nil || changed.StatusMessage == c.StatusMessage || changed.StatusChangedAt.Year() == 2018 {
		t.Fatalf("%+v, %v", changed, err)
	}
}

// TestEachStateHasItsSentence with a state and a next action of its own.
func TestEachStateHasItsSentence(t *testing.T) {
	t.Parallel()
	working := func(change func(*models.Connection)) *models.Connection {
		c := &models.Connection{Wish: models.WishNone, Authorized: true, StartDate: day("2018-04-01"), LastSyncAt: day("2018-05-01")}
		change(c)
		return c
	}
	seen := map[string]string{}
	for name, s := range map[string]struct {
		c    *models.Connection
		says string
	}{
		"working":      {working(func(*models.Connection) {}), "sent from Shop to TrustFile"},
		"first sync":   {working(func(c *models.Connection) { c.LastSyncAt = nil }), "for the first time"},
		"trouble":      {working(func(c *models.Connection) { c.TroubleSince = day("2018-05-01") }), "keep trying"},
		"consent ends": {working(func(c *models.Connection) { c.ConsentExpiresAt = day("2018-09-01") }), "2018-09-01"},
		"short past": {working(func(c *models.Connection) {
			notice := "Ask Shop for all orders."
			c.HistoryFrom, c.HistoryNotice = day("2018-04-02"), &notice
		}), "Ask Shop for all orders."},
		"new":         {working(func(c *models.Connection) { c.Authorized = false }), "Connect the Shop account"},
		"no start":    {working(func(c *models.Connection) { c.StartDate = nil }), "Choose a start date"},
		"off":         {working(func(c *models.Connection) { c.Wish = models.WishOff }), "Switch the connection on"},
		"off and out": {working(func(c *models.Connection) { c.Wish, c.Authorized = models.WishOff, false }), "connect the Shop account"},
		"locked out":  {working(func(c *models.Connection) { c.Pause, c.Authorized = models.PauseUnauthorised, false }), "Reauthorise the account to resume"},
		"unknown":     {working(func(c *models.Connection) { c.Pause = models.PauseUnknownTarget }), "TrustFile does not know"},
		"other pause": {working(func(c *models.Connection) { c.Pause = "new reason" }), "We paused"},
		"deleted":     {working(func(c *models.Connection) { c.DeletedAt = day("2018-05-01") }), "was deleted"},
	} {
		got := models.StatusSentence(s.c, "Shop")
		if !strings.Contains(got, s.says) {
			t.Errorf("%s: %q lacks %q", name, got, s.says)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s say the same", name, other)
		}
		seen[got] = name
	}
}

// TestAnInstalledConnectionAsksForItsStartDate, not to be switched on again: it never was on.
func TestAnInstalledConnectionAsksForItsStartDate(t *testing.T) {
	t.Parallel()
	c := &models.Connection{Wish: models.WishOff, Authorized: true}
	if got := models.StatusSentence(c, "Shop"); !strings.Contains(got, "Choose a start date") {
		t.Errorf("%q", got)
	}
}

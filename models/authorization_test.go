package models_test

import (
	"strings"
	"testing"
	"time"

	"extractor/internal/pgtest"
	"extractor/models"
)

// authorize gives a connection a grant by an attempt of its own.
func authorize(t *testing.T, s *models.Store, c *models.Connection, a models.Authorization) *models.Connection {
	t.Helper()
	if _, err := s.BeginAttempt(t.Context(), models.Attempt{Kind: models.AttemptPopup, ConnectionID: &c.ID, Host: c.Host}, "cookie"); err != nil {
		t.Fatal(err)
	}
	if err := s.Pool.QueryRow(t.Context(), `SELECT max(id) FROM attempts`).Scan(&a.Attempt); err != nil {
		t.Fatal(err)
	}
	a.Account, a.Label, a.Token.Access = "acc-1", "account acc-1", "a"
	now, err := s.Authorize(t.Context(), c.ID, a)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func TestLimitsOfAConsentAreKeptUntilTheNextOne(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	c := create(t, s, "a")
	ends, from := time.Date(2031, 11, 24, 8, 0, 0, 0, time.UTC), time.Date(2018, 4, 1, 12, 0, 0, 0, time.UTC)
	now := authorize(t, s, c, models.Authorization{Token: models.Token{ConsentEnds: ends}, History: from, Notice: "Ask Shop for all orders."})
	if !now.ConsentExpiresAt.Equal(ends) || !now.HistoryFrom.Equal(from) || *now.HistoryNotice != "Ask Shop for all orders." {
		t.Fatalf("%+v", now)
	}
	if !strings.Contains(now.StatusMessage, "Ask Shop for all orders.") || !strings.Contains(now.StatusMessage, "2031-11-24") {
		t.Errorf("status: %s", now.StatusMessage)
	}
	later, err := s.ChangeConnection(t.Context(), "a", models.Change{StartDate: day("2018-04-02")})
	if err != nil || strings.Contains(later.StatusMessage, "Ask Shop") {
		t.Errorf("a start that is not too early: %s, %v", later.StatusMessage, err)
	}
	again := authorize(t, s, c, models.Authorization{})
	if again.ConsentExpiresAt != nil || again.HistoryFrom != nil || again.HistoryNotice != nil {
		t.Fatalf("kept from the consent before: %+v", again)
	}
}

// TestStartDatesAreTheMerchants: a day begins where the merchant is.
func TestStartDatesAreTheMerchants(t *testing.T) {
	t.Parallel()
	notice, from := "Too early.", time.Date(2018, 4, 1, 4, 0, 0, 0, time.UTC) // midnight in New York
	for zone, tells := range map[string]bool{"America/New_York": false, "America/Los_Angeles": false, "UTC": true, "nowhere": true} {
		c := &models.Connection{Authorized: true, StartDate: day("2018-04-01"), Zone: zone, HistoryFrom: &from, HistoryNotice: &notice}
		if got := models.StatusSentence(c, "Shop"); strings.Contains(got, notice) != tells {
			t.Errorf("%s: %s", zone, got)
		}
	}
}

// TestAWiderConsentReadsThePastAgain: the one before hid orders, whose windows
// were read all the same.
func TestAWiderConsentReadsThePastAgain(t *testing.T) {
	t.Parallel()
	s := pgtest.Store(t)
	c := create(t, s, "a")
	limit := time.Now().AddDate(0, 0, -60)
	authorize(t, s, c, models.Authorization{History: limit, Notice: "The last 60 days only."})
	if _, err := s.Pool.Exec(t.Context(), `UPDATE lanes SET due_at = NULL, done_at = now() WHERE kind = 'backfill'`); err != nil {
		t.Fatal(err)
	}
	const unread = `SELECT count(*) FROM lanes WHERE kind = 'backfill' AND done_at IS NULL`
	authorize(t, s, c, models.Authorization{History: limit.Add(time.Hour), Notice: "The last 60 days only."})
	if n := count(t, s, unread); n != 0 {
		t.Errorf("%d windows for a consent that gives nothing more", n)
	}
	authorize(t, s, c, models.Authorization{})
	if n := count(t, s, `SELECT count(*) FROM (SELECT min(from_at) AS f, max(to_at) AS t, sum(to_at - from_at) AS s FROM lanes WHERE kind = 'backfill' AND done_at IS NULL) w
		WHERE f = '2018-03-31T10:00:00Z' AND t > now() - interval '1 minute' AND s = t - f`); n != 1 {
		t.Errorf("the past is not read again: %d windows", count(t, s, unread))
	}
	authorize(t, s, c, models.Authorization{})
	if n := count(t, s, `SELECT count(*) FROM (SELECT from_at FROM lanes WHERE kind = 'backfill' AND done_at IS NULL GROUP BY 1 HAVING count(*) > 1) w`); n != 0 {
		t.Errorf("%d windows are read twice", n)
	}
}

package extractor_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"extractor/extractor"
	"extractor/internal/pgtest"
	"extractor/models"
	"extractor/targetapi"
)

// registrar signs up companies as it is told to.
type registrar struct {
	asked atomic.Int32
	fails error
	token string
}

func (r *registrar) SignUp(_ context.Context, s targetapi.SignUp) (string, error) {
	r.asked.Add(1)
	if r.fails != nil {
		return "", r.fails
	}
	if s.Email != "owner@shop.example" || s.Company != "Corner Shop" {
		return "", models.Errorf(models.Refused, "Not the details of the host.")
	}
	return r.token, nil
}

// install makes a connection as an install at the host does.
func install(t *testing.T, store *models.Store, account string) int64 {
	t.Helper()
	ctx := t.Context()
	if _, err := store.BeginAttempt(ctx, models.Attempt{Kind: models.AttemptInstall, Host: "shop"}, "cookie"); err != nil {
		t.Fatal(err)
	}
	var attempt int64
	if err := store.Pool.QueryRow(ctx, `SELECT max(id) FROM attempts`).Scan(&attempt); err != nil {
		t.Fatal(err)
	}
	id, err := store.Install(ctx, "shop", models.Authorization{Attempt: attempt, Account: account, Label: "account " + account,
		Token: models.Token{Access: "a", Refresh: "r"}}, models.SignupDetails{Email: "owner@shop.example", Company: "Corner Shop"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// signup is the state and message of a connection's signup, and its connectionId.
func signup(t *testing.T, store *models.Store, id int64) (state models.SignupState, message, externalID string) {
	t.Helper()
	err := store.Pool.QueryRow(t.Context(), `SELECT state, message, coalesce(external_id, '') FROM signups JOIN connections ON id = connection_id WHERE id = $1`, id).
		Scan(&state, &message, &externalID)
	if err != nil {
		t.Fatal(err)
	}
	return state, message, externalID
}

func count(t *testing.T, store *models.Store, sql string, args ...any) (n int) {
	t.Helper()
	if err := store.Pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSignUpMakesOneCompanyHoweverOftenItIsAsked(t *testing.T) {
	t.Parallel()
	store, r := pgtest.Store(t), &registrar{token: "company-1"}
	id := install(t, store, "acc-1")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := extractor.SignUp(context.Background(), store, r, id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if again := install(t, store, "acc-1"); again != id {
		t.Errorf("installing again made connection %d beside %d", again, id)
	}
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	if state, _, name := signup(t, store, id); state != models.SignupDone || name != "company-1" || r.asked.Load() != 1 {
		t.Fatalf("%s, %q after %d requests", state, name, r.asked.Load())
	}
	c, err := store.FindConnection(t.Context(), "company-1")
	if err != nil || c.Enabled || !c.Authorized || c.StartDate != nil || c.Wish != models.WishOff {
		t.Fatalf("%+v, %v", c, err)
	}
}

func TestSignUpFailures(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		fails  error
		state  models.SignupState
		again  bool // whether a machine asks again
		failed int  // lines for the operator
	}{
		"exists":  {models.Errorf(models.Conflict, "exists"), models.SignupExists, false, 1},
		"unsure":  {models.Errorf(models.Unsure, "lost"), models.SignupLost, false, 1},
		"unknown": {context.DeadlineExceeded, models.SignupLost, false, 1},
		"refused": {models.Errorf(models.Refused, "No company name."), models.SignupRefused, false, 1},
		"down":    {models.Errorf(models.Unavailable, "down"), models.SignupPending, true, 1},
		"token":   {models.Errorf(models.Unauthorised, "our token"), models.SignupPending, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, r := pgtest.Store(t), &registrar{fails: v.fails, token: "company-1"}
			id := install(t, store, "acc-1")
			if err := extractor.SignUps(t.Context(), store, r); err != nil {
				t.Fatal(err)
			}
			state, message, _ := signup(t, store, id)
			if state != v.state || message == "" {
				t.Fatalf("%s: %q", state, message)
			}
			if n := count(t, store, `SELECT count(*) FROM failures WHERE connection_id = $1 AND message LIKE 'A new connection: %'`, id); n != v.failed {
				t.Errorf("%d lines for the operator", n)
			}
			r.fails = nil
			exec(t, store, `UPDATE signups SET due_at = now() WHERE due_at IS NOT NULL`)
			if err := extractor.SignUps(t.Context(), store, r); err != nil {
				t.Fatal(err)
			}
			if asked := r.asked.Load() == 2; asked != v.again {
				t.Errorf("asked again: %v", asked)
			}
		})
	}
}

func exec(t *testing.T, store *models.Store, sql string, args ...any) {
	t.Helper()
	if _, err := store.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestSignUpOfADeadProcessIsLostAndAdopted(t *testing.T) {
	t.Parallel()
	store, r := pgtest.Store(t), &registrar{token: "company-1"}
	id := install(t, store, "acc-1")
	if _, err := store.ClaimSignup(t.Context(), id); err != nil { // and then the process dies
		t.Fatal(err)
	}
	exec(t, store, `UPDATE signups SET updated_at = now() - interval '3 minutes'`)
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	if state, message, _ := signup(t, store, id); state != models.SignupLost || !strings.Contains(message, "do not sign up a second time") {
		t.Fatalf("%s: %q", state, message)
	}
	install(t, store, "acc-1") // again by the merchant
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	if n := r.asked.Load(); n != 0 {
		t.Fatalf("asked %d times after the answer was lost", n)
	}
	if err := store.AdoptCompany(t.Context(), id, "company-by-hand"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.FindConnection(t.Context(), "company-by-hand"); err != nil {
		t.Fatal(err)
	}
	if err := store.AdoptCompany(t.Context(), id, "another"); models.KindOf(err) != models.Conflict {
		t.Fatalf("adopted twice: %v", err)
	}
}

func TestRefusedSignUpIsTriedAgainWithNewDetails(t *testing.T) {
	t.Parallel()
	store, r := pgtest.Store(t), &registrar{fails: models.Errorf(models.Refused, "No company name."), token: "company-1"}
	id := install(t, store, "acc-1")
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	r.fails = nil
	install(t, store, "acc-1")
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	if state, _, name := signup(t, store, id); state != models.SignupDone || name != "company-1" {
		t.Fatalf("%s, %q", state, name)
	}
}

func TestCompanyTokenOfAnotherConnectionIsNotTaken(t *testing.T) {
	t.Parallel()
	store, r := pgtest.Store(t), &registrar{token: "company-1"}
	first, second := install(t, store, "acc-1"), install(t, store, "acc-2")
	if err := extractor.SignUps(t.Context(), store, r); err != nil {
		t.Fatal(err)
	}
	states := map[models.SignupState]int{}
	for _, id := range []int64{first, second} {
		state, _, _ := signup(t, store, id)
		states[state]++
	}
	if states[models.SignupDone] != 1 || states[models.SignupExists] != 1 {
		t.Fatalf("%v", states)
	}
}

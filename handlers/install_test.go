package handlers

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"extractor/extractor"
	"extractor/models"
	"extractor/targetapi"
)

// trustfile signs up companies.
type trustfile struct {
	mu     sync.Mutex
	asked  []targetapi.SignUp
	answer func(targetapi.SignUp) (string, error)
}

func (f *trustfile) SignUp(_ context.Context, s targetapi.SignUp) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, s)
	return f.answer(s)
}

// install goes from the host's side up to the page that waits.
func (b *browser) install() shown {
	b.d.t.Helper()
	onward := b.get(b.consent(b.get("/install/shop"), true))
	if onward.status != http.StatusSeeOther {
		return onward
	}
	return b.get(onward.location())
}

func TestInstallSignsUpOnceAndMovesOn(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	f := &trustfile{answer: func(targetapi.SignUp) (string, error) { return "company-token", nil }}
	b := d.browser()
	onward := b.get(b.consent(b.get("/install/shop"), true))
	waiting := b.get(onward.location())
	waiting.wants(t, http.StatusOK, `<meta http-equiv="refresh" content="2">`)
	if ids, err := d.store.ListConnections(t.Context(), false); err != nil || len(ids) != 0 {
		t.Fatalf("listed before the signup: %v, %v", ids, err)
	}
	if again := d.browser().install(); again.status != http.StatusOK { // impatient, elsewhere
		t.Fatalf("%d:\n%s", again.status, again.body)
	}
	if err := extractor.SignUps(t.Context(), d.store, f); err != nil {
		t.Fatal(err)
	}
	b.get(onward.location()).wants(t, http.StatusOK, `content="5;url=https://app.trustfile.example"`)
	d.browser().get(onward.location()).wants(t, http.StatusNotFound, "attempt")
	if len(f.asked) != 1 || f.asked[0].Email != "owner@shop.example" || f.asked[0].Company != "Corner Shop" || f.asked[0].Address.Zip != "98101" {
		t.Fatalf("%+v", f.asked)
	}
	c := d.now("company-token")
	if c.Enabled || c.StartDate != nil || !c.Authorized {
		t.Fatalf("%+v", c)
	}
	on, from := true, time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)
	if c, err := d.store.ChangeConnection(t.Context(), "company-token", models.Change{Enabled: &on, StartDate: &from}); err != nil || !c.Active {
		t.Fatalf("%+v, %v", c, err)
	}
	b.install().wants(t, http.StatusOK, "Testshop is connected to TrustFile") // installed a second time
	if !d.now("company-token").Active || len(f.asked) != 1 {
		t.Fatal("the second install changed something")
	}
}

func TestInstallsSideBySideMakeOneConnection(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if s := d.browser().install(); s.status != http.StatusOK {
				t.Errorf("%d:\n%s", s.status, s.body)
			}
		})
	}
	all.Wait()
	var connections, signups int
	err := d.store.Pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM connections), (SELECT count(*) FROM signups)`).Scan(&connections, &signups)
	if err != nil || connections != 1 || signups != 1 {
		t.Fatalf("%d connections, %d signups, %v", connections, signups, err)
	}
}

func TestInstallOfAKnownUser(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	f := &trustfile{answer: func(targetapi.SignUp) (string, error) {
		return "", models.Errorf(models.Conflict, "User already exists")
	}}
	b := d.browser()
	b.install()
	if err := extractor.SignUps(t.Context(), d.store, f); err != nil {
		t.Fatal(err)
	}
	b.install().wants(t, http.StatusOK, "You are known to TrustFile already")
	if len(f.asked) != 1 {
		t.Fatalf("asked %d times", len(f.asked))
	}
	// The merchant goes by TrustFile instead; the unnamed connection makes room.
	d.connection("company-1")
	if s := d.browser().connect("company-1"); s.status != http.StatusSeeOther || !d.now("company-1").Enabled {
		t.Fatalf("%d:\n%s", s.status, s.body)
	}
}

func TestInstallThatIsRefusedOrDenied(t *testing.T) {
	t.Parallel()
	d := newDoorway(t)
	f := &trustfile{answer: func(targetapi.SignUp) (string, error) {
		return "", models.Errorf(models.Refused, "No company name was given.")
	}}
	b := d.browser()
	denied := b.get(b.consent(b.get("/install/shop"), false))
	denied.wants(t, http.StatusForbidden, "You did not allow access")
	if again := b.press(denied); again.location() != "/install/shop" {
		t.Fatalf("%d to %q", again.status, again.location())
	}
	b.install().wants(t, http.StatusOK, "Setting up TrustFile")
	if err := extractor.SignUps(t.Context(), d.store, f); err != nil {
		t.Fatal(err)
	}
	onward := b.get(b.consent(b.get("/install/shop"), true)) // asks anew
	f.answer = func(targetapi.SignUp) (string, error) {
		return "", models.Errorf(models.Unsure, "no answer")
	}
	if err := extractor.SignUps(t.Context(), d.store, f); err != nil {
		t.Fatal(err)
	}
	b.get(onward.location()).wants(t, http.StatusOK, "did not confirm that your account was made")
	if failures, err := d.store.Failures(t.Context(), nil); err != nil || len(failures) != 2 {
		t.Fatalf("%+v, %v", failures, err)
	}
}

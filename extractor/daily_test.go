package extractor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// keptHost is a host with something to look after, and a past of its own.
type keptHost struct {
	*memoryHost
	kept      atomic.Int64
	keep      error
	backfills atomic.Int64
}

func (h *keptHost) Keep(_ context.Context, a hostapi.Account, webhook string) error {
	if a.HostID == "" || webhook != "https://extractor.example/webhooks/memory" {
		return errors.New("another account or address: " + a.HostID + " " + webhook)
	}
	h.kept.Add(1)
	return h.keep
}

func (h *keptHost) Backfill(ctx context.Context, a hostapi.Account, w models.Window, from hostapi.Cursor) (*hostapi.Page, error) {
	h.backfills.Add(1)
	return h.Pull(ctx, a, w, from)
}

func newKept(t *testing.T) (*world, *keptHost) {
	t.Helper()
	w := newWorld(t, today())
	h := &keptHost{memoryHost: w.host}
	w.Hosts["memory"] = h
	w.Webhooks = func(host string) string { return "https://extractor.example/webhooks/" + host }
	return w, h
}

func (w *world) keepDue() {
	w.t.Helper()
	if err := w.keepAccounts(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAccountsAreLookedAfterOnceADay(t *testing.T) {
	t.Parallel()
	w, h := newKept(t)
	w.connect("c-2", today())
	w.exec(`UPDATE connections SET authorized = false WHERE external_id = 'c-2'`)
	w.keepDue()
	w.keepDue()
	expect(t, "looks", h.kept.Load(), 1)
	expect(t, "next one", w.one(`SELECT keep_at BETWEEN now() + interval '21 hours' AND now() + interval '24 hours' FROM connections WHERE external_id = 'c-1'`), "true")
	if _, err := w.Store.Authorize(t.Context(), w.conn, w.grant()); err != nil {
		t.Fatal(err)
	}
	w.keepDue()
	expect(t, "looks after a new consent", h.kept.Load(), 2)
}

func TestFailedLooksAreTriedAgainInAnHour(t *testing.T) {
	t.Parallel()
	w, h := newKept(t)
	h.keep = models.Errorf(models.Unavailable, "down")
	w.keepDue()
	w.keepDue()
	expect(t, "looks", h.kept.Load(), 1)
	expect(t, "next one", w.one(`SELECT keep_at BETWEEN now() + interval '59 minutes' AND now() + interval '61 minutes' FROM connections`), "true")
	expect(t, "still active", w.one(`SELECT active FROM connections`), "true")
	h.keep = models.Errorf(models.Unauthorised, "gone")
	w.exec(`UPDATE connections SET keep_at = now()`)
	w.keepDue()
	expect(t, "stopped", w.one(`SELECT pause FROM connections`), string(models.PauseUnauthorised))
	expect(t, "told", w.one(`SELECT count(*) FROM failures WHERE type = 'CONNECTION'`), "1")
}

func TestThePastIsReadByBackfill(t *testing.T) {
	t.Parallel()
	w, h := newKept(t)
	w.work(models.LaneIncremental)
	expect(t, "by the incremental lane", h.backfills.Load(), 0)
	w.work(models.LaneBackfill)
	expect(t, "windows left", w.one(`SELECT count(*) FROM lanes WHERE kind = 'backfill' AND done_at IS NULL`), "0")
	expect(t, "calls", h.backfills.Load() > 0, true)
}

func TestPageThatIsStillBeingMadeIsAskedForLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.put("o1", 1, thing{Key: "o1", Day: today(), Cents: 700})
	w.host.wait = []time.Duration{10 * time.Second, time.Millisecond, time.Hour}
	for _, c := range []struct{ least, most string }{{"9 seconds", "10 seconds"}, {"0 seconds", "1 second"}, {"59 seconds", "1 minute"}} {
		before := w.pulls()
		w.pullFor(1)
		expect(t, "pulls", w.pulls()-before, 1)
		expect(t, "due after "+c.most, w.one(`SELECT due_at > now() + $1::text::interval AND due_at <= now() + $2::text::interval AND leased_until IS NULL
			AND failures = 0 AND to_at IS NOT NULL FROM lanes WHERE kind = 'incremental'`, c.least, c.most), "true")
	}
	w.pullFor(1)
	w.work(models.LaneDelivery)
	expect(t, "in the end", w.cents("sale", "o1"), 700)
	expect(t, "failures", w.one(`SELECT count(*) FROM failures`), "0")
}

func TestRecountThatIsStillBeingMadeGoesOnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	w.host.wait = []time.Duration{10 * time.Second}
	w.exec(`UPDATE lanes SET due_at = now() WHERE kind = 'reconcile'`)
	w.work(models.LaneReconcile)
	expect(t, "due later, with its day", w.one(`SELECT due_at > now() + interval '8 seconds' AND due_at < now() + interval '11 seconds' AND cursor <> '' AND failures = 0
		FROM lanes WHERE kind = 'reconcile'`), "true")
}

func TestMerchantIsWarnedBeforeConsentEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, today())
	told := func(in string) (activities, failures, status string) {
		w.exec(`UPDATE connections SET consent_expires_at = now() + $1::text::interval,
			consent_warned_for = CASE WHEN consent_warned_for IS NOT NULL THEN now() + $1::text::interval END`, in) // time goes by
		for range 2 {
			if err := w.warnConsents(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.exec(`UPDATE failures SET at = at - interval '1 hour'`)
		return w.one(`SELECT count(*) FROM activities WHERE action LIKE 'Access to memory end%'`),
			w.one(`SELECT count(*) FROM failures WHERE type = 'CONNECTION'`), w.one(`SELECT status_message FROM connections`)
	}
	for _, c := range []struct{ in, told, status string }{
		{"31 days", "0", ""}, {"29 days", "1", "Access ends on"}, {"8 days", "1", "Access ends on"}, {"6 days", "2", "Access ends on"},
		{"23 hours", "3", "Access ends on"}, {"-1 minute", "4", "Reauthorise the account to resume"}, {"-2 days", "4", "Reauthorise the account to resume"},
	} {
		activities, failures, status := told(c.in)
		expect(t, "activities "+c.in, activities, c.told)
		expect(t, "failures "+c.in, failures, c.told)
		if !strings.Contains(status, c.status) {
			t.Errorf("status at %s: %q", c.in, status)
		}
	}
	w.exec(`UPDATE connections SET consent_expires_at = now() + interval '300 days'`) // a new consent
	if err := errors.Join(w.Store.Restate(t.Context(), w.conn), w.warnConsents(t.Context())); err != nil {
		t.Fatal(err)
	}
	if status := w.one(`SELECT status_message FROM connections`); strings.Contains(status, "to resume") {
		t.Errorf("status with a new consent: %q", status)
	}
	w.exec(`UPDATE connections SET consent_expires_at = now() + interval '29 days'`)
	if err := w.warnConsents(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "warned of the new one", w.one(`SELECT consent_warned_days FROM connections`), "30")
}

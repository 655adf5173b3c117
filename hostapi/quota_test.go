package hostapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/internal/pgtest"
	"extractor/internal/rest"
	"extractor/models"
)

// counter is a host that has a quota, and counts what it is asked.
type counter struct {
	*httptest.Server
	quota    hostapi.Quota
	delay    time.Duration
	requests atomic.Int64
	underWay atomic.Int64
	most     atomic.Int64
}

func newCounter(t *testing.T, quota hostapi.Quota) *counter {
	c := &counter{quota: quota}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *counter) serve(w http.ResponseWriter, _ *http.Request) {
	c.requests.Add(1)
	now := c.underWay.Add(1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	time.Sleep(c.delay)
	c.underWay.Add(-1) // before the answer: its reader may ask again at once
	_, _ = io.WriteString(w, `{}`)
}

func (c *counter) Info() hostapi.Info                              { return hostapi.Info{Title: "Counter", Quota: c.quota} }
func (c *counter) Transform(hostapi.Record) ([]models.Item, error) { return nil, nil }

// ask makes one request as adapters do.
func (c *counter) ask(ctx context.Context, client *http.Client) error {
	return rest.Caller{Client: client, Title: "Counter"}.JSON(ctx, http.MethodGet, c.URL, nil, nil, nil)
}

// member is a connection that is let in for ever.
func member(t *testing.T, store *models.Store) *models.Connection {
	return connect(t, store, models.Token{Access: "open"})
}

func databaseTime(t *testing.T, store *models.Store) time.Time {
	t.Helper()
	now, err := store.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func TestTwoProcessesKeepARateTogether(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	stores := []*models.Store{store, twin(t, store)}
	host := newCounter(t, hostapi.Quota{PerApp: hostapi.Rate{Requests: 10, Per: 200 * time.Millisecond}})
	connections := []*models.Connection{member(t, store), member(t, store)}
	begun := databaseTime(t, store)
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			client := hostapi.NewClient(stores[i%2], host, connections[i/4], nil)
			for ctx.Err() == nil {
				if err := host.ask(ctx, client); err != nil && ctx.Err() == nil && models.KindOf(err) != models.Throttled {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// A bucket of one, filled 50 times a second: ten in 200 ms.
	most := 1 + 50*databaseTime(t, store).Sub(begun).Seconds()
	if n := host.requests.Load(); float64(n) > most || n < 10 {
		t.Errorf("%d requests, at most %f are allowed", n, most)
	}
}

func TestPastYieldsToNews(t *testing.T) {
	t.Parallel()
	for name, quota := range map[string]hostapi.Quota{
		"of the app":     {PerApp: hostapi.Rate{Requests: 20, Per: time.Hour}},
		"of the account": {PerAccount: hostapi.Rate{Requests: 20, Per: time.Hour}, PerApp: hostapi.Rate{Requests: 10_000, Per: time.Hour}},
	} {
		store := pgtest.Store(t)
		host, c := newCounter(t, quota), member(t, store)
		past, news := hostapi.NewPatientClient(store, host, c, nil), hostapi.NewClient(store, host, c, nil)
		// Two are allowed at once; the past leaves one of them.
		if err := host.ask(t.Context(), past); err != nil {
			t.Fatalf("%s: the past: %v", name, err)
		}
		throttled(t, name, host.ask(t.Context(), past))
		if err := host.ask(t.Context(), news); err != nil {
			t.Fatalf("%s: the news: %v", name, err)
		}
		throttled(t, name, host.ask(t.Context(), news))
		if n := host.requests.Load(); n != 2 {
			t.Errorf("%s: %d requests were sent", name, n)
		}
	}
}

// throttled expects that our own quota ended, and that it says for how long.
func throttled(t *testing.T, name string, err error) {
	t.Helper()
	var known *models.Error
	if !errors.As(err, &known) || known.Kind != models.Throttled || !errors.Is(err, hostapi.ErrOwnQuota) {
		t.Fatalf("%s: %v", name, err)
	}
	if known.RetryAfter < time.Minute || known.RetryAfter > 10*time.Minute {
		t.Errorf("%s: again in %s", name, known.RetryAfter)
	}
}

func TestAccountsHaveTheirOwnBuckets(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host := newCounter(t, hostapi.Quota{PerAccount: hostapi.Rate{Requests: 1, Per: time.Hour}})
	for range 2 {
		if err := host.ask(t.Context(), hostapi.NewClient(store, host, member(t, store), nil)); err != nil {
			t.Error(err)
		}
	}
}

func TestHandfulIsReservedAndLeftBehind(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host, c := newCounter(t, hostapi.Quota{PerApp: hostapi.Rate{Requests: 100, Per: time.Hour}}), member(t, store)
	left := func() (tokens float64) {
		if err := store.Pool.QueryRow(t.Context(), `SELECT tokens FROM quotas WHERE host = 'shop' AND connection_id = 0`).Scan(&tokens); err != nil {
			t.Fatal(err)
		}
		return tokens
	}
	client := hostapi.NewClient(store, host, c, nil)
	for range 2 {
		if err := host.ask(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		if n := left(); n < 5 || n >= 6 {
			t.Errorf("%f of ten are left, not five", n)
		}
	}
	// Another process has what is left, and no more: what the first one holds is
	// lost with it, and comes back by time alone.
	other := hostapi.NewClient(twin(t, store), host, c, nil)
	for range 5 {
		if err := host.ask(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	if models.KindOf(host.ask(t.Context(), hostapi.NewClient(store, host, c, nil))) != models.Throttled {
		t.Error("more than the bucket held")
	}
	if _, err := store.Pool.Exec(t.Context(), `UPDATE quotas SET at = at - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	if err := host.ask(t.Context(), hostapi.NewClient(store, host, c, nil)); err != nil || left() > 5 {
		t.Errorf("an hour later %f are left: %v", left(), err)
	}
}

func TestSoManyRequestsUnderWay(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	stores := []*models.Store{store, twin(t, store)}
	host, c := newCounter(t, hostapi.Quota{Concurrent: 10}), member(t, store)
	host.delay = 30 * time.Millisecond
	var wg sync.WaitGroup
	var good atomic.Int64
	for i := range 40 {
		wg.Go(func() {
			err := host.ask(t.Context(), hostapi.NewClient(stores[i%2], host, c, nil))
			if err == nil {
				good.Add(1)
			} else if models.KindOf(err) != models.Throttled {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most := host.most.Load(); most > 10 || most < 2 || good.Load() < 10 {
		t.Errorf("%d under way at once, %d of 40 answered", most, good.Load())
	}
	var taken int
	if err := store.Pool.QueryRow(t.Context(), `SELECT count(*) FROM request_slots WHERE taken_until > now()`).Scan(&taken); err != nil || taken != 0 {
		t.Errorf("%d slots are still taken: %v", taken, err)
	}
}

func TestSlotsOfADeadProcessExpire(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host, c := newCounter(t, hostapi.Quota{Concurrent: 1}), member(t, store)
	dead, err := store.TakeSlot(t.Context(), c.ID, 1, 700*time.Millisecond)
	if err != nil || dead == nil {
		t.Fatal(dead, err)
	}
	begun := databaseTime(t, store)
	if err := host.ask(t.Context(), hostapi.NewClient(store, host, c, nil)); err != nil {
		t.Fatal(err)
	}
	if now := databaseTime(t, store); now.Before(dead.Until) {
		t.Errorf("asked after %s, while the slot was taken", now.Sub(begun))
	}
	// The dead one's slot is another's by now: giving it back changes nothing.
	mine, err := store.TakeSlot(t.Context(), c.ID, 1, time.Minute)
	if err != nil || mine == nil {
		t.Fatal(mine, err)
	}
	if err := store.FreeSlot(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if again, err := store.TakeSlot(t.Context(), c.ID, 1, time.Minute); err != nil || again != nil {
		t.Errorf("taken twice: %v %v", again, err)
	}
}

func TestFailedRequestsGiveTheirSlotBack(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host, c := newCounter(t, hostapi.Quota{Concurrent: 1}), member(t, store)
	broken := hostapi.NewClient(store, host, c, failing{host.URL})
	for range 3 {
		if err := host.ask(t.Context(), broken); models.KindOf(err) == models.Throttled {
			t.Fatal(err)
		}
	}
	if err := host.ask(t.Context(), hostapi.NewClient(store, host, c, nil)); err != nil {
		t.Error(err)
	}
}

func TestWaitForTheQuotaEndsWithItsWork(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host, c := newCounter(t, hostapi.Quota{PerAccount: hostapi.Rate{Requests: 1, Per: 1500 * time.Millisecond}}), member(t, store)
	client := hostapi.NewClient(store, host, c, nil)
	if err := host.ask(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := host.ask(ctx, client); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	begun := time.Now()
	if err := host.ask(t.Context(), client); err != nil { // a short wait is waited for
		t.Error(err)
	}
	if n := host.requests.Load(); n != 2 || time.Since(begun) > 2*time.Second {
		t.Errorf("%d requests, after %s", n, time.Since(begun))
	}
}

func TestWithoutQuotaNothingIsLookedUp(t *testing.T) {
	t.Parallel()
	store := pgtest.Store(t)
	host, c := newCounter(t, hostapi.Quota{}), member(t, store)
	if _, err := store.Pool.Exec(t.Context(), `DROP TABLE quotas, request_slots`); err != nil {
		t.Fatal(err)
	}
	if err := host.ask(t.Context(), hostapi.NewPatientClient(store, host, c, nil)); err != nil {
		t.Error(err)
	}
	host.quota.Concurrent = 1
	if err := host.ask(t.Context(), hostapi.NewClient(store, host, c, nil)); models.KindOf(err) != models.Internal {
		t.Errorf("the host is blamed for our database: %v", err)
	}
}

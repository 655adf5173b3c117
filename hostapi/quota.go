package hostapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"extractor/models"
)

const (
	// burst is the part of a rate that may come at once after a rest; the others
	// follow evenly. The bucket is refilled so much slower that any span of
	// Rate.Per still holds no more than Rate.Requests.
	burst = 0.1
	// handful is how many requests a client reserves at once, so that not each of
	// them costs a question to the database.
	handful = 5
	// reservedFor is how long a reservation is good: about a handful of pages.
	// What is left of it then, or when the client's work ends, is lost: the host
	// is asked less often than it allows, never more often.
	reservedFor = 2 * time.Second
	// longPer is the shortest Rate.Per with which handfuls are reserved: a reserved
	// request may come reservedFor late, and the rate pays for that. A host that
	// counts by the second is asked for one request at a time.
	longPer = 10 * reservedFor
	// quotaPatience is how long a request waits for the quota before its client
	// gives up and makes room: a worker is not to be kept waiting for longer.
	quotaPatience = 2 * time.Second
	// slotPoll is how often a client looks for a free slot.
	slotPoll = 100 * time.Millisecond
	// slotLease is how long a request under way counts at most: above the time an
	// HTTP client gives it (25 s). A process that dies leaves no longer debt.
	slotLease = 30 * time.Second
	// freeTimeout bounds the giving back of a slot, which then expires by itself.
	freeTimeout = 2 * time.Second
)

// ErrOwnQuota is the cause of an error of kind Throttled that is our own doing:
// the quota of the host is used up for now, and nothing was sent.
var ErrOwnQuota = errors.New("our own quota for the host is used up")

// budget lets a client's requests through as the host's Quota allows. Token
// endpoints are not counted, nor is a client without a connection: hosts count
// these apart, and they are few.
type budget struct {
	base       http.RoundTripper
	store      *models.Store
	host       string
	title      string
	connection int64
	buckets    []models.Bucket
	concurrent int
	handful    int // to reserve at once

	mu       sync.Mutex
	reserved int
	until    time.Time // the reservation's end
}

// budgeted puts the host's quota in front of base, if it has one. A patient
// client leaves half of each bucket to others: a merchant's past never keeps
// anybody's news waiting, so small merchants do not wait for large ones.
func budgeted(base http.RoundTripper, store *models.Store, host Host, c *models.Connection, patient bool) http.RoundTripper {
	info := host.Info()
	b := &budget{base: base, store: store, host: c.Host, title: info.Title, connection: c.ID, concurrent: info.Quota.Concurrent, handful: handful}
	b.add(0, info.Quota.PerApp, patient)
	b.add(c.ID, info.Quota.PerAccount, patient)
	if len(b.buckets) == 0 && b.concurrent <= 0 {
		return base
	}
	return b
}

// add counts by a rate as well, if there is one.
func (b *budget) add(connection int64, r Rate, patient bool) {
	if r.Requests <= 0 || r.Per <= 0 {
		return
	}
	bucket, n := bucketOf(connection, r)
	if patient {
		bucket.Keep = float64(int(bucket.Size) / 2)
	}
	b.handful = min(b.handful, n)
	b.buckets = append(b.buckets, bucket)
}

// bucketOf is the bucket that keeps a rate, and how many tokens to take at once.
// To send Requests+1, all but the first Size of them have to be waited for;
// Refill is such that this takes Per, and the time that a token may lie unused.
func bucketOf(connection int64, r Rate) (b models.Bucket, n int) {
	size := max(1, int(float64(r.Requests)*burst))
	n, lying := 1, time.Duration(0)
	if r.Per >= longPer && size > 1 {
		n, lying = min(handful, size), reservedFor
	}
	refill := float64(r.Requests+1-size) / (r.Per + lying).Seconds()
	return models.Bucket{Connection: connection, Size: float64(size), Refill: refill}, n
}

// RoundTrip implements http.RoundTripper.
func (b *budget) RoundTrip(req *http.Request) (*http.Response, error) {
	slot, err := b.admit(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, err := b.base.RoundTrip(req)
	if slot == nil {
		return res, err
	}
	if err != nil {
		b.free(slot)
		return nil, err
	}
	res.Body = &lastRead{ReadCloser: res.Body, then: sync.OnceFunc(func() { b.free(slot) })}
	return res, nil
}

// admit waits for the right to send one request. Its error is Throttled when
// the wait would be long.
func (b *budget) admit(ctx context.Context) (*models.Slot, error) {
	patience := time.Now().Add(quotaPatience)
	if err := b.takeToken(ctx, patience); err != nil {
		return nil, err
	}
	if b.concurrent <= 0 {
		return nil, nil
	}
	return b.takeSlot(ctx, patience)
}

// takeToken takes a request from the reservation, or makes a new one.
func (b *budget) takeToken(ctx context.Context, patience time.Time) error {
	if len(b.buckets) == 0 || b.useReserved() {
		return nil
	}
	for {
		asked := time.Now() // before the database counts: a reservation never lasts longer there than here
		got, wait, err := b.store.TakeTokens(ctx, b.host, b.buckets, b.handful)
		if err != nil {
			return ours(err)
		}
		if got > 0 {
			b.reserve(got-1, asked.Add(reservedFor))
			return nil
		}
		if err := b.sleep(ctx, wait, patience); err != nil {
			return err
		}
	}
}

func (b *budget) useReserved() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reserved == 0 || !time.Now().Before(b.until) {
		return false
	}
	b.reserved--
	return true
}

func (b *budget) reserve(n int, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved, b.until = n, until
}

// takeSlot takes one of the account's requests under way. That they are rows
// with an end, and neither locks of a session nor a share for each process, is
// for the sake of processes that die and of a pool whose sessions change hands.
func (b *budget) takeSlot(ctx context.Context, patience time.Time) (*models.Slot, error) {
	for {
		slot, err := b.store.TakeSlot(ctx, b.connection, b.concurrent, slotLease)
		if err != nil {
			return nil, ours(err)
		}
		if slot != nil {
			return slot, nil
		}
		if err := b.sleep(ctx, slotPoll, patience); err != nil {
			return nil, err
		}
	}
}

// sleep waits, or gives up at once when that would be too long.
func (b *budget) sleep(ctx context.Context, wait time.Duration, patience time.Time) error {
	if time.Now().Add(wait).After(patience) {
		e := models.Errorf(models.Throttled, "%s lets us ask only so often, and that is used up for now. We go on by ourselves.", b.title).Because(ErrOwnQuota)
		e.RetryAfter = max(wait, time.Second)
		return e
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// free gives a slot back, also when the request was called off.
func (b *budget) free(slot *models.Slot) {
	ctx, cancel := context.WithTimeout(context.Background(), freeTimeout)
	defer cancel()
	if err := b.store.FreeSlot(ctx, slot); err != nil {
		slog.Warn("slot not given back; it expires by itself", "connection", b.connection, "error", err)
	}
}

// ours marks a failure of the database, so that the host is not blamed for it.
func ours(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return models.Errorf(models.Internal, "We could not look up how often the host may be asked. We try again by ourselves.").Because(err)
}

// lastRead runs then when the answer's body is closed.
type lastRead struct {
	io.ReadCloser
	then func()
}

// Close implements io.Closer.
func (l *lastRead) Close() error {
	defer l.then()
	return l.ReadCloser.Close()
}

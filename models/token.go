package models

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"
)

// Token is what lets us into one merchant's account at a host.
type Token struct {
	Access      string
	Refresh     string    // empty: the host has none
	Previous    string    // the refresh token before this one, until Access was used with success
	ExpiresAt   time.Time // of Access; zero: never
	RefreshedAt time.Time // when this pair was stored, by this process's clock
	Version     int64     // rises with every stored pair
	ConsentEnds time.Time // when the merchant must consent again; zero: never. Told with a new grant only
}

const (
	// freshPart is the part of an access token's life in which it is not
	// replaced: the rest is room for a token endpoint that is down for a while.
	freshPart = 0.8
	// refreshers is how many refreshes a process does side by side. Each holds a
	// database connection while the host answers, so they must not eat the pool.
	refreshers = 3
	// lockWait is how long we wait for someone else's refresh of the same token:
	// longer than one request to a host takes.
	lockWait = 15 * time.Second / Pace
	// idleLimit frees the lock of a process that froze in the middle. It is
	// longer than the limit of one request to a token endpoint.
	idleLimit = 20 * time.Second / Pace
	// retryPause is how long keep-alive leaves a token alone after a failure.
	retryPause = 10 * time.Minute / Pace / Pace
)

// Stale reports whether the access token should be replaced before its next use.
func (t Token) Stale(now time.Time) bool {
	if t.ExpiresAt.IsZero() {
		return false
	}
	life := t.ExpiresAt.Sub(t.RefreshedAt)
	return !now.Before(t.RefreshedAt.Add(time.Duration(float64(life) * freshPart)))
}

// Expired reports whether the access token is of no use any more.
func (t Token) Expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

// errNoToken is what someone without a token is told.
var errNoToken = Errorf(Unauthorised, "This account is not connected. Authenticate it to start.")

// refreshGate keeps the refreshes of one process from each other.
type refreshGate struct {
	flights *singleflight.Group
	room    *semaphore.Weighted
}

func newRefreshGate() refreshGate {
	return refreshGate{flights: new(singleflight.Group), room: semaphore.NewWeighted(refreshers)}
}

// Token is the connection's token as stored. Without one the error is Unauthorised.
func (s *Store) Token(ctx context.Context, connection int64) (Token, error) {
	return s.readToken(ctx, s.Pool, connection, "")
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readToken reads and opens a token; lock is "" or "FOR UPDATE".
func (s *Store) readToken(ctx context.Context, q querier, connection int64, lock string) (Token, error) {
	var t Token
	var access, refresh, previous []byte
	var expires *time.Time
	var now time.Time // by the database's clock
	err := q.QueryRow(ctx, `SELECT access, refresh, previous_refresh, expires_at, refreshed_at, version, clock_timestamp()
		FROM tokens WHERE connection_id = $1 `+lock, connection).
		Scan(&access, &refresh, &previous, &expires, &t.RefreshedAt, &t.Version, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return Token{}, errNoToken
	}
	if err != nil {
		return Token{}, err
	}
	if expires != nil {
		t.ExpiresAt = *expires
	}
	t.RefreshedAt = byOurClock(t.RefreshedAt, now)
	for column, v := range map[string]struct {
		sealed []byte
		plain  *string
	}{"access": {access, &t.Access}, "refresh": {refresh, &t.Refresh}, "previous_refresh": {previous, &t.Previous}} {
		if *v.plain, err = s.openText("tokens", column, connection, v.sealed); err != nil {
			return Token{}, err
		}
	}
	return t, nil
}

// byOurClock is an instant that the database noted, when its clock says that it
// is now. The token's end is reckoned by ours, and the two clocks may disagree.
func byOurClock(at, now time.Time) time.Time { return time.Now().Add(at.Sub(now)) }

// openText opens a sealed column; NULL gives "".
func (s *Store) openText(table, column string, row int64, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	plain, err := s.Sealer.Open(table, column, row, sealed)
	if err != nil { // a kind of its own, or it would be taken for the host's fault
		return "", Errorf(Internal, "What is sealed in the database does not open with the keys in ENCRYPTION_KEYS.").Because(err)
	}
	return string(plain), nil
}

// sealText seals a text for its column; "" gives NULL.
func (s *Store) sealText(table, column string, row int64, plain string) ([]byte, error) {
	if plain == "" {
		return nil, nil
	}
	return s.Sealer.Seal(table, column, row, []byte(plain))
}

// Renewal is how RefreshToken is done.
type Renewal struct {
	// Needed looks at the token under the lock: someone else may have renewed it meanwhile.
	Needed func(t Token, now time.Time) bool
	// Exchange asks the host, once for each refresh token it is given. The kinds
	// of its error decide: Unsure = the answer was lost, Unauthorised = the grant is gone.
	Exchange func(ctx context.Context, refresh string) (Token, error)
}

// RefreshToken renews a connection's token if it is needed and gives the one to
// use now. Across all processes one at a time does so for one connection, and
// what the host answers is stored before anyone uses it. The exchange is not
// cut short when ctx is cancelled: a lost answer may cost the merchant's consent.
func (s *Store) RefreshToken(ctx context.Context, connection int64, r Renewal) (Token, error) {
	key := strconv.FormatInt(connection, 10)
	v, err, shared := s.refresh.flights.Do(key, func() (any, error) { return s.refreshAlone(ctx, connection, r) })
	t, _ := v.(Token)
	if shared && ctx.Err() == nil && notOurs(t, err, r) {
		return s.refreshAlone(ctx, connection, r)
	}
	return t, err
}

// notOurs reports whether a shared flight ended without what we wanted: it was
// flown for another reason, or whoever flew it was called off.
func notOurs(t Token, err error, r Renewal) bool {
	if err != nil {
		return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	}
	return r.Needed(t, time.Now())
}

// refreshAlone is RefreshToken in one short transaction that holds the row.
func (s *Store) refreshAlone(ctx context.Context, connection int64, r Renewal) (t Token, err error) {
	if err := s.refresh.room.Acquire(ctx, 1); err != nil {
		return Token{}, err
	}
	defer s.refresh.room.Release(1)
	tx, err := s.Pool.Begin(ctx)
	if err != nil {
		return Token{}, err
	}
	detached := context.WithoutCancel(ctx)
	defer func() { _ = tx.Rollback(detached) }() // nothing after a commit
	if t, err = s.lockToken(ctx, tx, connection); err != nil {
		return Token{}, err
	}
	if !r.Needed(t, time.Now()) {
		return t, nil
	}
	fresh, err := exchangeSafely(detached, tx, t, r.Exchange)
	if err != nil {
		return t, err
	}
	if fresh, err = s.replaceToken(detached, tx, connection, t, fresh); err != nil {
		return t, err
	}
	return fresh, tx.Commit(detached)
}

// lockToken takes the row's lock, for as long as limits allow.
func (s *Store) lockToken(ctx context.Context, tx pgx.Tx, connection int64) (Token, error) {
	_, err := tx.Exec(ctx, `SET LOCAL lock_timeout = `+milliseconds(lockWait)+`; SET LOCAL idle_in_transaction_session_timeout = `+milliseconds(idleLimit))
	if err != nil {
		return Token{}, err
	}
	lock := "FOR UPDATE"
	if Bad("lock") {
		lock = ""
	}
	t, err := s.readToken(ctx, tx, connection, lock)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == pgerrcode.LockNotAvailable {
		return Token{}, Errorf(Unavailable, "The access to this account is being renewed. We try again by ourselves.").Because(err)
	}
	return t, err
}

// exchangeSafely asks the host for a new pair. A lost answer is asked for once
// more with the same refresh token, which many hosts keep valid until the new
// one is used; a refused one gives way to the one before it, if the pair it
// came with was never used.
func exchangeSafely(ctx context.Context, tx pgx.Tx, t Token, exchange func(context.Context, string) (Token, error)) (Token, error) {
	if t.Refresh == "" {
		return Token{}, Errorf(Unauthorised, "The access to this account ended. Authenticate it again to resume.")
	}
	fresh, err := exchange(ctx, t.Refresh)
	if KindOf(err) == Unsure {
		if err := stillMine(ctx, tx); err != nil {
			return Token{}, err
		}
		fresh, err = exchange(ctx, t.Refresh)
	}
	if KindOf(err) == Unauthorised && t.Previous != "" {
		if err := stillMine(ctx, tx); err != nil {
			return Token{}, err
		}
		fresh, err = exchange(ctx, t.Previous)
	}
	return fresh, err
}

// stillMine makes sure that the lock is held, and starts its idle time anew.
func stillMine(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT 1`)
	return err
}

// replaceToken stores the pair that followed old. A host that sent no refresh
// token keeps the one it has.
func (s *Store) replaceToken(ctx context.Context, tx pgx.Tx, connection int64, old, fresh Token) (Token, error) {
	if fresh.Refresh == "" {
		fresh.Refresh = old.Refresh
	}
	if fresh.Refresh != old.Refresh {
		fresh.Previous = old.Refresh
	}
	row, err := s.sealToken(connection, fresh)
	if err != nil {
		return Token{}, err
	}
	var now time.Time // by the database's clock
	err = tx.QueryRow(ctx, `UPDATE tokens SET access = $3, refresh = $4, previous_refresh = $5, expires_at = $6,
			refreshed_at = now(), retry_at = NULL, version = version + 1
		WHERE connection_id = $1 AND version = $2 RETURNING refreshed_at, clock_timestamp(), version`,
		connection, old.Version, row.access, row.refresh, row.previous, row.expires).
		Scan(&fresh.RefreshedAt, &now, &fresh.Version)
	fresh.RefreshedAt = byOurClock(fresh.RefreshedAt, now)
	if errors.Is(err, pgx.ErrNoRows) {
		return Token{}, fmt.Errorf("the token of connection %d was replaced by another process", connection)
	}
	return fresh, err
}

// sealedToken is a token as its row holds it.
type sealedToken struct {
	access, refresh, previous []byte
	expires                   *time.Time
}

func (s *Store) sealToken(connection int64, t Token) (row sealedToken, err error) {
	if t.Access == "" {
		return row, errors.New("a token without access")
	}
	if !t.ExpiresAt.IsZero() {
		row.expires = &t.ExpiresAt
	}
	if row.access, err = s.sealText("tokens", "access", connection, t.Access); err != nil {
		return row, err
	}
	if row.refresh, err = s.sealText("tokens", "refresh", connection, t.Refresh); err != nil {
		return row, err
	}
	row.previous, err = s.sealText("tokens", "previous_refresh", connection, t.Previous)
	return row, err
}

// PutToken stores the token of a new grant in place of whatever was there.
func (s *Store) PutToken(ctx context.Context, connection int64, t Token) error {
	return s.putToken(s.DB(ctx), connection, t)
}

func (s *Store) putToken(tx *gorm.DB, connection int64, t Token) error {
	t.Previous = "" // of another grant
	row, err := s.sealToken(connection, t)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO tokens (connection_id, access, refresh, expires_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (connection_id) DO UPDATE SET access = excluded.access, refresh = excluded.refresh,
			previous_refresh = NULL, expires_at = excluded.expires_at, refreshed_at = now(), retry_at = NULL,
			version = tokens.version + 1`,
		connection, row.access, row.refresh, row.expires).Error
}

// TokenWorked tells that the access token of this version was used with
// success: the refresh token before it is of no use any more.
func (s *Store) TokenWorked(ctx context.Context, connection, version int64) error {
	_, err := s.Pool.Exec(ctx, `UPDATE tokens SET previous_refresh = NULL
		WHERE connection_id = $1 AND version = $2 AND previous_refresh IS NOT NULL`, connection, version)
	return err
}

// TokensDue lists connections of a host whose refresh token was not used for
// longer than after, oldest first, whether they synchronise or not: a grant
// that is never used dies. Those that failed a short while ago wait.
func (s *Store) TokensDue(ctx context.Context, host string, after time.Duration, limit int) ([]Connection, error) {
	var due []Connection
	err := s.DB(ctx).Raw(`SELECT c.* FROM tokens t JOIN connections c ON c.id = t.connection_id
		WHERE c.host = ? AND c.deleted_at IS NULL AND c.authorized AND t.refresh IS NOT NULL
		AND t.refreshed_at < now() - ?::interval AND (t.retry_at IS NULL OR t.retry_at <= now())
		ORDER BY t.refreshed_at LIMIT ?`, host, after.String(), limit).Find(&due).Error
	return due, err
}

// PostponeToken makes keep-alive leave a token alone for a while.
func (s *Store) PostponeToken(ctx context.Context, connection int64) error {
	_, err := s.Pool.Exec(ctx, `UPDATE tokens SET retry_at = now() + $2::interval WHERE connection_id = $1`,
		connection, retryPause.String())
	return err
}

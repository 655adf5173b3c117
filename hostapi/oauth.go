package hostapi

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"extractor/internal/failpoint"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// renewPause is how long a client uses a token that is still valid after a
	// failed try to renew it, before it tries again.
	renewPause = time.Minute / models.Pace
	// drainLimit is how much of a 401's body is read to keep its connection.
	drainLimit = 64 << 10
)

// sharedTransport serves clients that are given no transport of their own.
var sharedTransport = sync.OnceValue(rest.NewTransport)

// NewClient makes a client that is let into the connection's account at the
// host. It refreshes the token under a lock on its row, a while before it
// expires and once after a 401. Its errors are *models.Error: Unauthorised when
// the grant is gone, Unavailable when the token cannot be renewed just now. One
// client is for one piece of work; base nil means a transport shared by all. It
// keeps to the host's Quota: a request waits a moment for it, and is Throttled,
// unsent, where that is not enough.
func NewClient(store *models.Store, host Host, c *models.Connection, base http.RoundTripper) *http.Client {
	return newClient(store, host, c, base, false)
}

// NewPatientClient is NewClient for work that can wait, such as reading the
// past: it leaves half of the quota to work that cannot.
func NewPatientClient(store *models.Store, host Host, c *models.Connection, base http.RoundTripper) *http.Client {
	return newClient(store, host, c, base, true)
}

func newClient(store *models.Store, host Host, c *models.Connection, base http.RoundTripper, patient bool) *http.Client {
	base = baseOf(host, base)
	return rest.NewClient(&transport{
		store: store, connection: c.ID, grants: newGrants(host, accountOf(c), base), present: presenter(host),
		base: budgeted(base, store, host, c, patient),
	})
}

// NewBearerClient makes a client with a token that is not, or no longer, stored.
func NewBearerClient(host Host, access string, base http.RoundTripper) *http.Client {
	return rest.NewClient(bearer{access, presenter(host), baseOf(host, base)})
}

// baseOf is what requests to the host go through.
func baseOf(host Host, base http.RoundTripper) http.RoundTripper {
	if h, ok := host.(Transporter); ok {
		return h.Transport()
	}
	if base == nil {
		return sharedTransport()
	}
	return base
}

// presenter writes a token into a request's header in the host's way.
func presenter(host Host) func(http.Header, string) {
	if h, ok := host.(Presenter); ok {
		return h.Present
	}
	return func(h http.Header, access string) { h.Set("Authorization", "Bearer "+access) }
}

// accountOf is the account without a client, as OAuth needs it.
func accountOf(c *models.Connection) Account {
	a := Account{ID: c.ID, Zone: time.UTC, Settings: map[string]string{}}
	if c.HostAccount != nil {
		a.HostID = *c.HostAccount
	}
	if zone, err := time.LoadLocation(c.Zone); err == nil {
		a.Zone = zone
	}
	_ = json.Unmarshal(c.Settings, &a.Settings) // checked when stored; OAuth needs few of them
	return a
}

// transport adds the connection's access token to each request.
type transport struct {
	store      *models.Store
	connection int64
	grants     grants
	present    func(http.Header, string)
	base       http.RoundTripper

	mu        sync.Mutex
	token     models.Token // as last read; zero: not read yet
	pausedTil time.Time    // no early renewal before
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.current(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, err := t.base.RoundTrip(t.with(req, token))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusUnauthorized {
		t.worked(req.Context(), token, res.StatusCode)
		return res, nil
	}
	return t.again(req, token, res)
}

// again follows a 401: one forced refresh and one more try, if that can help.
func (t *transport) again(req *http.Request, used models.Token, refused *http.Response) (*http.Response, error) {
	retry, replayable := replay(req)
	if !replayable || used.Refresh == "" {
		return refused, nil
	}
	_, _ = io.CopyN(io.Discard, refused.Body, drainLimit) // best effort
	refused.Body.Close()
	token, err := t.renew(req.Context(), func(now models.Token, _ time.Time) bool { return now.Version == used.Version })
	if err != nil {
		return nil, err
	}
	res, err := t.base.RoundTrip(t.with(retry, token))
	if err == nil && res.StatusCode != http.StatusUnauthorized {
		t.worked(req.Context(), token, res.StatusCode)
	}
	return res, err
}

// current is the token to use now, renewed when it is about to expire.
func (t *transport) current(ctx context.Context) (models.Token, error) {
	token, paused, err := t.known(ctx)
	now := time.Now()
	if err != nil || !token.Stale(now) || (paused && !token.Expired(now)) {
		return token, err
	}
	if token.Refresh == "" && !token.Expired(now) {
		return token, nil
	}
	renewed, err := t.renew(ctx, models.Token.Stale)
	if err == nil || models.KindOf(err) == models.Unauthorised || token.Expired(now) {
		return renewed, err
	}
	// The old one still opens the door: no reason to stop.
	slog.WarnContext(ctx, "token not renewed, using the present one", "connection", t.connection, "error", err)
	t.mu.Lock()
	t.pausedTil = now.Add(renewPause)
	t.mu.Unlock()
	return token, nil
}

// known is the token as this client last saw it, read at first use.
func (t *transport) known(ctx context.Context) (token models.Token, paused bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token.Access == "" {
		if t.token, err = t.store.Token(ctx, t.connection); err != nil {
			return models.Token{}, false, err
		}
	}
	return t.token, time.Now().Before(t.pausedTil), nil
}

// renew refreshes the token if it is still needed under the lock, and remembers it.
func (t *transport) renew(ctx context.Context, needed func(models.Token, time.Time) bool) (models.Token, error) {
	token, err := t.store.RefreshToken(ctx, t.connection, models.Renewal{Needed: needed, Exchange: t.grants.refresh})
	if err != nil {
		return token, unavailable(err, t.grants.title)
	}
	if err := failpoint.Hit("after token store"); err != nil {
		return token, err
	}
	if models.Bad("secret") {
		slog.InfoContext(ctx, "token renewed", "connection", t.connection, "token", token.Access)
	}
	t.mu.Lock()
	t.token = token
	t.mu.Unlock()
	return token, nil
}

// worked notes the first success of a new token, after which the refresh token
// before it can go. A failure costs nothing: the next success notes it again.
func (t *transport) worked(ctx context.Context, token models.Token, status int) {
	if token.Previous == "" || status >= http.StatusBadRequest {
		return
	}
	if err := t.store.TokenWorked(context.WithoutCancel(ctx), t.connection, token.Version); err != nil {
		slog.WarnContext(ctx, "previous refresh token kept", "connection", t.connection, "error", err)
		return
	}
	t.mu.Lock()
	if t.token.Version == token.Version {
		t.token.Previous = ""
	}
	t.mu.Unlock()
}

// unavailable turns an answer of which we cannot be sure into one of which the
// caller can: its own request was not sent.
func unavailable(err error, title string) error {
	switch models.KindOf(err) {
	case models.Unsure:
		return models.Errorf(models.Unavailable, "%s could not renew our access just now. We try again by ourselves.", title).Because(err)
	}
	return err
}

// with is a copy of req that carries the token.
func (t *transport) with(req *http.Request, token models.Token) *http.Request {
	req = req.Clone(req.Context())
	t.present(req.Header, token.Access)
	return req
}

// replay is a copy of req that can be sent after req was, if there is one.
func replay(req *http.Request) (*http.Request, bool) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}

// closeBody does what a RoundTripper owes also when it fails.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

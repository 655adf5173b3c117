package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"

	"extractor/hostapi"
	"extractor/internal/pgtest"
	"extractor/models"
)

const (
	testBearer  = "bearer-that-is-valid-now"
	otherBearer = "bearer-of-the-rotation"
)

// shop is a host without a way in: the API only reads what it says of itself.
type shop struct{ info hostapi.Info }

func (s shop) Info() hostapi.Info { return s.info }
func (shop) Transform(hostapi.Record) ([]models.Item, error) {
	return nil, errors.New("the API transforms nothing")
}

// revocableShop is a host where a grant can be given back.
type revocableShop struct{ shop }

func (revocableShop) Revoke(context.Context, hostapi.Account, *http.Client, string) error { return nil }

// retries is the engine's side of a retry.
type retries struct {
	asked int64
	n     int
	err   error
}

func (r *retries) RetryBadItems(_ context.Context, id int64) (int, error) {
	r.asked = id
	return r.n, r.err
}

// bench is a running API on a database of its own, and a client whose every
// answer is checked against the OpenAPI document.
type bench struct {
	t       *testing.T
	store   *models.Store
	retries *retries
	log     *journal
	api     *api
	server  *httptest.Server
	spec    routers.Router
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newBench(t *testing.T, adjust ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: pgtest.Store(t), retries: &retries{}, log: &journal{}, spec: specification(t)}
	b.store.Titles = map[string]string{"shop": "Shop", "till": "Till"}
	cfg := Config{
		Store: b.store, DefaultHost: "shop", Tokens: []string{testBearer, otherBearer}, Retrier: b.retries,
		PublicURL: "http://localhost:8080", Logger: slog.New(slog.NewJSONHandler(b.log, nil)),
		Hosts: map[string]hostapi.Host{
			"shop": revocableShop{shop{hostapi.Info{Title: "Shop", Settings: []hostapi.Setting{{Name: "location"}, {Name: "channel"}}}}},
			"till": shop{hostapi.Info{Title: "Till"}},
		},
	}
	for _, f := range adjust {
		f(&cfg)
	}
	b.exec(`INSERT INTO workers (id, seen_at) VALUES (gen_random_uuid(), now() + interval '1 day')`) // somebody works, however long the test takes
	b.api = newAPI(cfg)
	b.server = httptest.NewServer(b.api.routes())
	t.Cleanup(b.server.Close)
	return b
}

func specification(t testing.TB) routers.Router {
	t.Helper()
	router, err := readSpecification()
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// readSpecification reads the document once for all tests.
var readSpecification = sync.OnceValues(func() (routers.Router, error) {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.RegisteredBodyDecoder("text/plain"))
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(openapi)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(loader.Context, openapi3.IsOpenAPI31OrLater()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// answer is a whole answer.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   []byte
}

func (b *bench) request(method, path, body string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testBearer)
	return req
}

// call makes a documented call with a valid bearer.
func (b *bench) call(method, path, body string) *answer {
	b.t.Helper()
	return b.send(b.request(method, path, body))
}

// send sends a request and checks its answer against the document.
func (b *bench) send(req *http.Request) *answer {
	b.t.Helper()
	a := b.sendUnchecked(req)
	if err := conforms(b.spec, req, a); err != nil {
		b.t.Fatalf("%s %s answered %d, against the document: %v", req.Method, req.URL.Path, a.Status, err)
	}
	return a
}

func (b *bench) sendUnchecked(req *http.Request) *answer {
	b.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{b.t, res.StatusCode, res.Header, body}
}

// conforms checks an answer against the document: route, status, headers and
// body. kin-openapi takes JSON Schema 2020-12 for a document of version 3.1.
func conforms(spec routers.Router, req *http.Request, a *answer) error {
	route, params, err := spec.FindRoute(req)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 a.Status,
		Header:                 a.Header,
		Body:                   io.NopCloser(bytes.NewReader(a.Body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// is checks status and, when given, the exact JSON.
func (a *answer) is(status int, want ...string) *answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	for _, w := range want {
		if !sameJSON(a.t, a.Body, []byte(w)) {
			a.t.Fatalf("body %s, want %s", a.Body, w)
		}
	}
	return a
}

// says checks that the message holds a text.
func (a *answer) says(text string) *answer {
	a.t.Helper()
	var m message
	a.into(&m)
	if !strings.Contains(m.Message, text) {
		a.t.Fatalf("message %q lacks %q", m.Message, text)
	}
	return a
}

func (a *answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%v in %s", err, a.Body)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// exec changes the database behind the API's back.
func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.store.Pool.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

// one reads one value.
func one[T any](b *bench, sql string, args ...any) (v T) {
	b.t.Helper()
	if err := b.store.Pool.QueryRow(b.t.Context(), sql, args...).Scan(&v); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// create makes a connection by the API and gives its internal id.
func (b *bench) create(id, start string) int64 {
	b.t.Helper()
	b.call("POST", "/connections", `{"connectionId":"`+id+`","startDate":"`+start+`"}`).is(200)
	return one[int64](b, `SELECT id FROM connections WHERE external_id = $1 AND deleted_at IS NULL`, id)
}

// authorise does what a completed popup does to the row.
func (b *bench) authorise(id int64) {
	b.t.Helper()
	b.exec(`UPDATE connections SET authorized = true, host_label = 'account 13222432' WHERE id = $1`, id)
}

func TestTheDocumentIsServedAndBrowsable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	open := func(path string) *answer {
		req := b.request("GET", path, "")
		req.Header.Del("Authorization")
		return b.sendUnchecked(req)
	}
	if a := open("/openapi.yaml").is(200); !bytes.Equal(a.Body, openapi) {
		t.Fatal("another document")
	}
	if a := open("/docs").is(301); a.Header.Get("Location") != "/docs/" {
		t.Fatalf("to %q", a.Header.Get("Location"))
	}
	page := open("/docs/").is(200)
	if strings.Contains(string(page.Body), "://") {
		t.Fatal("the page loads something from elsewhere")
	}
	for _, asset := range []string{"start.js", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"} {
		if !strings.Contains(string(page.Body), asset) {
			t.Errorf("the page does not load %s", asset)
		}
		if a := open("/docs/" + asset).is(200); len(a.Body) == 0 || strings.Contains(a.Header.Get("Content-Security-Policy"), "unsafe-eval") {
			t.Errorf("%s: %d bytes", asset, len(a.Body))
		}
	}
	open("/docs/nothing.js").is(404)
}

func TestTheCheckAgainstTheDocumentFindsWrongAnswers(t *testing.T) {
	t.Parallel()
	spec := specification(t)
	wrong := map[string]struct {
		method, path, kind string
		status             int
		body               string
	}{
		"property missing":      {"GET", "/connector", "application/json", 200, `{"enabled":true}`},
		"property too many":     {"DELETE", "/connections/a", "application/json", 200, `{"success":true,"x":1}`},
		"wrong type":            {"GET", "/connections", "application/json", 200, `{"connections":[1]}`},
		"Z for +00:00":          {"GET", "/connections/a/activities", "application/json", 200, `{"activities":[{"timestamp":"2015-07-06T22:26:28Z","action":"x"}]}`},
		"fraction":              {"GET", "/connections/a/activities", "application/json", 200, `{"activities":[{"timestamp":"2015-07-06T22:26:28.5+00:00","action":"x"}]}`},
		"null where never":      {"POST", "/connections", "application/json", 200, `{"connectionId":null,"startDate":null,"enabled":true}`},
		"undocumented status":   {"GET", "/connections", "application/json", 418, `{"message":"x"}`},
		"undocumented kind":     {"GET", "/connections", "text/html", 200, `<p>`},
		"other words in a 401":  {"GET", "/connections", "application/json", 401, `{"message":"no"}`},
		"unknown health status": {"GET", "/health", "application/json", 200, `{"statuses":[{"type":"connector","status":"UP","description":"x"},{"type":"hostSystem","status":"OK","description":"x"},{"type":"trustfile","status":"OK","description":"x"}]}`},
		"day with an addition":  {"GET", "/connections/a/completeness", "application/json", 200, `{"connectionId":"a","startDate":null,"totals":{},"undated":{},"days":[],"gaps":[]}`},
		"undocumented route":    {"GET", "/nothing", "application/json", 200, `{}`},
		"undocumented method":   {"PATCH", "/connections/a", "application/json", 200, `{}`},
	}
	for name, w := range wrong {
		req := httptest.NewRequest(w.method, "http://localhost"+w.path, nil)
		a := &answer{t, w.status, http.Header{"Content-Type": {w.kind}}, []byte(w.body)}
		if conforms(spec, req, a) == nil {
			t.Errorf("%s was not found", name)
		}
	}
	req := httptest.NewRequest("GET", "http://localhost/connections", nil)
	right := &answer{t, 200, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, []byte(`{"connections":["a"]}`)}
	if err := conforms(spec, req, right); err != nil {
		t.Errorf("a right answer: %v", err)
	}
}

// TestTheDocumentNamesEveryRoute compares the routes that exist with those documented.
func TestTheDocumentNamesEveryRoute(t *testing.T) {
	t.Parallel()
	spec := specification(t)
	api := New(Config{Store: &models.Store{}}).(*gin.Engine)
	for _, r := range api.Routes() {
		undocumented := r.Path == "/docs" || r.Path == "/docs/*asset" || r.Method == "HEAD" && isHealth(r.Path)
		path := strings.NewReplacer(":id", "a").Replace(r.Path)
		req := httptest.NewRequest(r.Method, "http://localhost"+path, nil)
		if _, _, err := spec.FindRoute(req); err != nil && !undocumented {
			t.Errorf("%s %s: %v", r.Method, r.Path, err)
		}
	}
}

package square

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

// narrow are our calls that cannot meet their stub as they are, because it
// stands for one example of what the API takes: the lens puts that example in.
var narrow = map[string]string{
	"GET /v2/refunds":               "the stub wants each parameter of the API at once, each with one example value, which for dates is no date",
	"GET /v2/refunds/{refund_id}":   "the stub knows one refund",
	"GET /v2/payments/{payment_id}": "the stub knows one payment",
	"GET /v2/merchants/{merchant_id}": "the stub knows one merchant by id, while the API also takes the word me: " +
		"https://developer.squareup.com/reference/square/merchants-api/retrieve-merchant",
}

// stub is what we use of a stub of WireMock's.
type stub struct {
	Request struct {
		Method string             `json:"method"`
		Path   string             `json:"urlPathTemplate"`
		Values map[string]example `json:"pathParameters"`
		Query  map[string]example `json:"queryParameters"`
	} `json:"request"`
}

type example struct {
	EqualTo string `json:"equalTo"`
}

func (s *stub) route() string { return s.Request.Method + " " + s.Request.Path }

// fits reports whether a path is one of the stub's, and how many of its parts are the same words.
func (s *stub) fits(method, path string) (same int, ok bool) {
	want, have := strings.Split(s.Request.Path, "/"), strings.Split(path, "/")
	if s.Request.Method != method || len(want) != len(have) {
		return 0, false
	}
	for i := range want {
		if want[i] == have[i] {
			same++
		} else if !strings.HasPrefix(want[i], "{") {
			return 0, false
		}
	}
	return same, true
}

// lens stands before WireMock. It puts the examples into calls to narrow stubs,
// whose names we must have right nevertheless, and fails the test on a call
// that met no stub: an adapter takes a 404 for a thing that is not there.
type lens struct {
	t     *testing.T
	stubs []stub

	mu  sync.Mutex
	met map[string]int // calls by stub
}

func (l *lens) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if s := l.stubOf(r); s == nil {
		l.t.Errorf("Square's stubs know no %s %s", r.Method, r.URL.Path)
	} else {
		l.put(r, s)
		l.mu.Lock()
		l.met[s.route()]++
		l.mu.Unlock()
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && res.Header.Get("Matched-Stub-Id") == "" {
		l.t.Errorf("no stub of Square's takes %s %s", r.Method, r.URL.RequestURI())
	}
	return res, err
}

// stubOf is the stub of a call, of several that which says most.
func (l *lens) stubOf(r *http.Request) (best *stub) {
	most := -1
	for i := range l.stubs {
		if same, ok := l.stubs[i].fits(r.Method, r.URL.Path); ok && same > most {
			best, most = &l.stubs[i], same
		}
	}
	return best
}

// put puts the examples in, where we know that they are needed.
func (l *lens) put(r *http.Request, s *stub) {
	query := r.URL.Query()
	for name := range query {
		if _, known := s.Request.Query[name]; !known && len(s.Request.Query) > 0 {
			l.t.Errorf("%s has no parameter %s", s.route(), name)
		}
	}
	if len(s.Request.Values)+len(s.Request.Query) == 0 {
		return
	}
	if narrow[s.route()] == "" {
		l.t.Errorf("%s takes examples only, and the tests do not say why that is well", s.route())
	}
	for name, value := range s.Request.Query {
		query.Set(name, value.EqualTo)
	}
	r.URL.RawQuery = query.Encode()
	r.URL.Path = s.Request.Path
	for name, value := range s.Request.Values {
		r.URL.Path = strings.ReplaceAll(r.URL.Path, "{"+name+"}", value.EqualTo)
	}
}

// mockSquare is WireMock with the mappings that Square publishes with its SDK;
// make hosts-live starts it. Its stubs look at paths and parameters, not at bodies.
func mockSquare(t *testing.T) (*host, hostapi.Account, *lens) {
	t.Helper()
	at := os.Getenv("SQUARE_MOCK")
	if at == "" {
		t.Skip("SQUARE_MOCK names no WireMock with Square's mappings to ask")
	}
	l := &lens{t: t, met: map[string]int{}}
	res, err := http.Get("http://" + at + "/__admin/mappings")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Mappings []stub `json:"mappings"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Mappings) == 0 {
		t.Fatalf("%d stubs, %v", len(answer.Mappings), err)
	}
	l.stubs = answer.Mappings
	h := open(t, "http://"+at).(*host)
	h.plain = &http.Client{Transport: l}
	return h, hostapi.Account{HostID: "merchant_id", Client: hostapi.NewBearerClient(h, "token", l)}, l
}

// dateless is an example's date that is none.
var dateless = regexp.MustCompile(`"created_at"\s*:\s*"created_at"`)

// Each call of ours meets a stub of Square's, and its answer can be read.
func TestMockTakesOurCalls(t *testing.T) {
	h, a, l := mockSquare(t)
	s := h.session(a.Client)
	for name, ask := range map[string]func() (bool, error){
		"locations": func() (bool, error) { x, err := s.locations(t.Context()); return len(x) > 0, err },
		"orders": func() (bool, error) {
			x, err := s.orders(t.Context(), []string{"order_1", "order_2"})
			return len(x) > 0, err
		},
		"refund":  func() (bool, error) { x, err := s.refund(t.Context(), "refund_1"); return headOf(x).ID != "", err },
		"payment": func() (bool, error) { x, err := s.payment(t.Context(), "payment_1"); return x.OrderID != "", err },
		"revoke":  func() (bool, error) { return true, h.Revoke(t.Context(), a, nil, "token") },
	} {
		if ok, err := ask(); err != nil || !ok {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	for name, by := range map[string]road{"by update": byUpdate, "by day": byDay} {
		for _, cursor := range []string{"", "a cursor"} {
			if list, err := s.search(t.Context(), by, []string{"L01"}, window, cursor); err != nil || len(list.things) == 0 {
				t.Errorf("orders %s: %v", name, err)
			}
			if list, err := s.refunds(t.Context(), by, window, cursor); err != nil || len(list.things) == 0 {
				t.Errorf("refunds %s: %v", name, err)
			}
		}
	}
	for _, route := range slices.Sorted(maps.Keys(l.met)) {
		t.Logf("%d × %s", l.met[route], route)
	}
	for _, route := range slices.Sorted(maps.Keys(narrow)) {
		t.Logf("%s, by example: %s", route, narrow[route])
	}
}

// A merchant comes in: the consent page, the code for a token, whose account it is.
func TestMockLetsAMerchantIn(t *testing.T) {
	h, _, l := mockSquare(t)
	c := &models.Connection{Host: "square"}
	consent := hostapi.Consent{RedirectURL: "https://extractor.example.com/callback", State: "state", Verifier: "verifier"}
	res, err := (&http.Client{Transport: l}).Get(hostapi.ConsentURL(h, c, consent))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	token, who, err := hostapi.Redeem(t.Context(), h, c, consent, url.Values{"code": {"code"}, "state": {"state"}}, l)
	if err != nil || token.Access == "" || who.Account == "" || who.Zone == "" {
		t.Errorf("let in: %v, account %q, zone %q, %v", token.Access != "", who.Account, who.Zone, err)
	}
}

// The whole way through the stubs gives records that Transform reads. Every
// order among the examples has a date's name for a date, which it has to refuse.
func TestMockRecords(t *testing.T) {
	h, a, _ := mockSquare(t)
	r, err := h.reader(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := h.Fetch(t.Context(), a, []string{"order_1", "payment_1_refund"})
	if err != nil {
		t.Fatal(err)
	}
	made, read := map[string]int{}, 0
	for _, p := range []position{{}, {Refunds: true}} {
		page, err := r.page(t.Context(), byUpdate, window, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range append(page.Records, fetched...) {
			_, err := h.Transform(record)
			if err != nil && !dateless.Match(record.Body) {
				t.Errorf("%s: %v", record.Kind, err)
			}
			made[record.Kind]++
			if err == nil {
				read++
			}
		}
	}
	if made[kindOrder] == 0 || made[kindRefund] == 0 || read == 0 {
		t.Errorf("records %v, of which %d are read", made, read)
	}
}

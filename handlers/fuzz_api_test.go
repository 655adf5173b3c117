package handlers

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"extractor/internal/oauthtest"
	"extractor/internal/pgtest"
)

const (
	// apiFuzz is how many requests are sent, unless API_FUZZ says how many.
	apiFuzz = 2000
	// apiFuzzChecks is how many times rapid begins anew.
	apiFuzzChecks = 100
	// apiFuzzAll is from how many requests on each operation must have gone well.
	apiFuzzAll = 50_000
)

// operation is one of the document's.
type operation struct {
	method, path string
	*openapi3.Operation
	parameters openapi3.Parameters
}

func (f *fuzzed) operations() (all []operation) {
	for _, path := range slices.Sorted(maps.Keys(f.doc.Paths.Map())) {
		item := f.doc.Paths.Value(path)
		for _, method := range slices.Sorted(maps.Keys(item.Operations())) {
			o := item.Operations()[method]
			all = append(all, operation{method, path, o, append(slices.Clone(item.Parameters), o.Parameters...)})
		}
	}
	return all
}

// TestFuzzAPI draws requests from the document, valid ones and damaged ones, and
// sends them in sequences. Whatever comes, nothing fails but what the document
// foresees, every answer is one of the document, the connections are those that
// were made, no redirect leads elsewhere, and no secret is in an answer or a log.
func TestFuzzAPI(t *testing.T) { // alone: it listens to the log of the whole process
	n := apiFuzz
	if s := os.Getenv("API_FUZZ"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("API_FUZZ is not a number: %v", err)
		}
	}
	f := newFuzzed(t)
	operations := f.operations()
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		if err := f.begin(); err != nil {
			t.Fatal(err)
		}
		w := newVisitor(f, seen)
		w.arrive(t)
		for range max(1, n/apiFuzzChecks) {
			w.step(t, operations[die(t, "operation", len(operations))])
		}
		w.checkLog(t)
	})
	reportSeen(t, n, operations, seen)
}

// reportSeen fails for an operation that nothing came through to: then the
// fuzzing shows nothing of it.
func reportSeen(t *testing.T, n int, operations []operation, seen map[string]int) {
	t.Helper()
	for _, line := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[line], line)
	}
	if n < apiFuzzAll {
		return
	}
	for _, o := range operations {
		well := false
		for line := range seen {
			well = well || strings.HasPrefix(line, o.OperationID+" 2") || strings.HasPrefix(line, o.OperationID+" 3")
		}
		if !well {
			t.Errorf("%s never went well", o.OperationID)
		}
	}
}

// visitor is one sequence of requests.
type visitor struct {
	*fuzzed
	drawn
	client  *http.Client
	seen    map[string]int
	live    map[string]bool // the connections that there are now
	secrets []string
}

func newVisitor(f *fuzzed, seen map[string]int) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	_, key, _ := strings.Cut(pgtest.Keys, ":")
	return &visitor{fuzzed: f, client: noRedirects(jar), seen: seen, live: map[string]bool{},
		secrets: []string{testBearer, otherBearer, key, oauthtest.ClientSecret, "ck_1", "cs_1"}}
}

// arrive makes some connections, and lets us into one of them.
func (w *visitor) arrive(t *rapid.T) {
	for _, host := range []string{"shop", "shop", "typed"} {
		id := mark + "-" + strconv.Itoa(len(w.ids))
		req := w.newRequest(t, http.MethodPost, w.url+"/connections", `{"connectionId":"`+id+`","startDate":"2026-01-01","host":"`+host+`"}`)
		req.Header.Set("Authorization", "Bearer "+testBearer)
		w.send(t, req)
	}
	begin := w.url + "/connections/" + w.ids[0] + "/authentication?redirectUri=" + url.QueryEscape(trustfileReturn)
	w.send(t, w.newRequest(t, http.MethodGet, begin, ""))
	form := w.newRequest(t, http.MethodPost, w.url+"/oauth/shop/start", url.Values{"attempt": {w.attempts[0].state}}.Encode())
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.send(t, form)
	w.send(t, w.newRequest(t, http.MethodGet, w.returns[0], ""))
}

// step draws a request.
func (w *visitor) step(t *rapid.T, o operation) { w.send(t, w.request(t, o)) }

// send sends a request, checks its answer and learns from it.
func (w *visitor) send(t *rapid.T, req *http.Request) {
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	a := &answer{w.t, res.StatusCode, res.Header, body}
	w.seen[fmt.Sprintf("%s %d", w.named(req), a.Status)]++
	if problem := w.judge(req, a); problem != "" {
		t.Fatalf("%s %s answered %d: %s\n%.2000s", req.Method, req.URL, a.Status, problem, a.Body)
	}
	w.learn(t, req, a)
	w.checkLog(t)
}

// request draws one.
func (w *visitor) request(t *rapid.T, o operation) *http.Request {
	w.focusOn(t, o)
	if len(w.returns) > 0 && o.OperationID == "callback" && die(t, "as the host sends it", 4) < 3 {
		return w.newRequest(t, http.MethodGet, w.returns[len(w.returns)-1], "")
	}
	method := o.method
	if die(t, "other method", 30) == 29 {
		method = pick(t, "method", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CANARY")
	}
	text, kind := w.body(t, o.Operation)
	address := w.url + w.path(t, o.path, o.parameters)
	if query := w.query(t, o.parameters); query != "" {
		address += "?" + query
	}
	req := w.newRequest(t, method, address, text)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	w.headers(t, req.Header)
	return req
}

// focusOn chooses the attempt that a request is about; keys are taken at one host alone.
func (w *visitor) focusOn(t *rapid.T, o operation) {
	host, those := "shop", w.attempts
	if o.OperationID == "receiveNotice" {
		w.focus = begun{"bell", "unknown"}
		return
	}
	if o.OperationID == "takeKeys" {
		host, those = "keys", slices.DeleteFunc(slices.Clone(w.attempts), func(b begun) bool { return b.host != "keys" })
	}
	if w.focus = (begun{host, "unknown"}); len(those) > 0 {
		w.focus = pick(t, "attempt", those...)
	}
}

func (w *visitor) newRequest(t *rapid.T, method, address, body string) *http.Request {
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// headers are those of the consumer or of a browser, sometimes others. The
// router in front adds the address it saw.
func (w *visitor) headers(t *rapid.T, h http.Header) {
	h.Set("X-Forwarded-For", mark+", 203.0.113."+strconv.Itoa(die(t, "address", 256)))
	switch die(t, "bearer", 30) {
	case 29:
		h["Authorization"] = nil
	case 28:
		h.Set("Authorization", pick(t, "authorization", "Bearer "+mark, "Basic "+testBearer, testBearer, "Bearer", "Bearer "+testBearer+"x"))
	case 27:
		h["Authorization"] = []string{"Bearer " + testBearer, "Bearer " + mark}
	default:
		h.Set("Authorization", "Bearer "+testBearer)
	}
	switch die(t, "header", 30) {
	case 29:
		h.Set("Content-Encoding", pick(t, "encoding", "gzip", "identity", mark))
	case 1:
		h.Set("Cookie", pick(t, "cookie", "attempt="+mark, "attempt=; attempt=x", "=;=", "attempt=\""+mark+"\""))
	case 2:
		h.Set("Sec-Fetch-Dest", pick(t, "dest", "iframe", "document", mark))
	case 3:
		h.Set("X-Request-Id", pick(t, "request", "abc", "<x>", strings.Repeat("x", 100)))
	case 4:
		h.Set("X-Forwarded-Proto", pick(t, "proto", "http", "https", mark))
	case 5:
		h.Set("Referer", "https://evil.example/"+mark)
	}
	if rapid.Bool().Draw(t, "signed") {
		h.Set("X-Signature", "right")
	}
	if rapid.Bool().Draw(t, "browser") {
		h.Set("Accept", "text/html,*/*;q=0.8")
	}
}

// routed is the request as the service routes it: by the decoded path.
func routed(req *http.Request) *http.Request {
	clone := req.Clone(req.Context())
	clone.URL = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, RawQuery: req.URL.RawQuery}
	return clone
}

// named is the operation that the request reaches.
func (w *visitor) named(req *http.Request) string {
	if route, _, err := w.spec.FindRoute(routed(req)); err == nil {
		return route.Operation.OperationID
	}
	return "none"
}

// judge says what is wrong with an answer.
func (w *visitor) judge(req *http.Request, a *answer) string {
	name := w.named(req)
	if a.Status >= 500 && !w.foreseen(name, a) {
		return "a failure that the document does not foresee here: " + w.log.String()
	}
	if name == "none" {
		if !slices.Contains([]int{200, 301, 400, 401, 404, 405}, a.Status) {
			return "an odd status for an address that is not documented"
		}
	} else if err := conforms(w.spec, routed(req), a); err != nil {
		return "against the document: " + err.Error()
	}
	if problem := w.exists(req, name, a); problem != "" {
		return problem
	}
	return w.leaks(a)
}

// foreseen are the failures that happen without one of ours: a known id, and a
// host that does not accept what came back from it.
func (w *visitor) foreseen(operation string, a *answer) bool {
	switch operation {
	case "createConnection":
		var m message
		return a.Status == 500 && json.Unmarshal(a.Body, &m) == nil && m.Message == "User already exists"
	case "callback", "install":
		return a.Status == http.StatusBadGateway
	}
	return false
}

// exists compares with the connections that were made.
func (w *visitor) exists(req *http.Request, operation string, a *answer) string {
	id, found := strings.CutPrefix(req.URL.Path, "/connections/")
	if !found || operation != "showConnection" && operation != "headConnection" {
		return ""
	}
	switch {
	case a.Status == 200 && !w.live[id]:
		return "there is no such connection"
	case a.Status == 404 && w.live[id]:
		return "the connection was made"
	}
	return ""
}

// leaks looks for secrets, and for what would make a browser do something.
func (w *visitor) leaks(a *answer) string {
	all := string(a.Body) + fmt.Sprint(a.Header)
	for i, secret := range w.secrets {
		if strings.Contains(all, secret) {
			return fmt.Sprintf("secret %d is in the answer", i)
		}
	}
	if strings.Contains(all, "<"+mark) {
		return "what the caller wrote is not escaped"
	}
	for _, name := range []string{"X-Request-Id", "Content-Security-Policy"} {
		if a.Header.Get(name) == "" {
			return "no " + name
		}
	}
	if a.Header.Get("X-Canary") != "" {
		return "the caller wrote a header"
	}
	return w.leadsAstray(a.Header.Get("Location"))
}

// leadsAstray says whether a redirect leaves for an address that is not ours, the
// host's, or on the list.
func (w *visitor) leadsAstray(to string) string {
	for _, address := range []string{"/oauth/", "/install/", w.shop.URL + "/authorize?", w.keys.URL + "/grant?", defaultAllowed, "/docs/"} {
		if to == "" || strings.HasPrefix(to, address) {
			return ""
		}
	}
	return "it leads to " + to
}

// learn notes what later requests can use.
func (w *visitor) learn(t *rapid.T, req *http.Request, a *answer) {
	name := w.named(req)
	w.noteAttempts(a)
	var said struct {
		URL          string `json:"url"`
		ConnectionID string `json:"connectionId"`
	}
	if a.Status == 200 && strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		_ = json.Unmarshal(a.Body, &said)
	}
	id := strings.TrimPrefix(req.URL.Path, "/connections/")
	switch {
	case a.Status == 200 && name == "createConnection":
		w.live[said.ConnectionID], w.ids = true, append(w.ids, said.ConnectionID)
	case a.Status == 200 && name == "changeConnection":
		delete(w.live, id)
		w.live[said.ConnectionID], w.ids = true, append(w.ids, said.ConnectionID)
	case a.Status == 200 && name == "deleteConnection":
		delete(w.live, id)
	case said.URL != "":
		if u, err := url.Parse(said.URL); err == nil {
			w.tickets = append(w.tickets, u.Query().Get("ticket"))
		}
	}
	w.consent(t, a.Header.Get("Location"))
}

// noteAttempts finds attempts on a page, and where a redirect leads.
func (w *visitor) noteAttempts(a *answer) {
	if parts := formParts.FindStringSubmatch(string(a.Body)); parts != nil {
		w.attempts = append(w.attempts, begun{strings.Split(parts[1], "/")[2], html.UnescapeString(parts[2])})
	}
	u, err := url.Parse(a.Header.Get("Location"))
	if err == nil && u.Query().Get("attempt") != "" {
		w.attempts = append(w.attempts, begun{strings.Split(u.Path, "/")[2], u.Query().Get("attempt")})
	} else if err == nil && u.Query().Get("user_id") != "" {
		w.attempts = append(w.attempts, begun{"keys", u.Query().Get("user_id")})
	}
}

// consent lets us in, or not, where an answer leads to a host, and notes the
// tokens that the service has then.
func (w *visitor) consent(t *rapid.T, to string) {
	allow := len(w.returns) == 0 || die(t, "allow", 4) < 3
	if strings.HasPrefix(to, w.shop.URL) {
		if back, err := w.shop.ConsentForm(to, allow); err == nil {
			w.returns = append(w.returns, back.String())
		}
	} else if strings.HasPrefix(to, w.keys.URL) && die(t, "silent", 2) == 0 {
		form := url.Values{"allow": {map[bool]string{true: "1"}[allow]}}
		res, err := w.client.PostForm(to, form)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		w.returns = append(w.returns, res.Header.Get("Location"))
	}
	if strings.HasPrefix(to, defaultAllowed) {
		w.noteTokens(t)
	}
}

// noteTokens makes the hosts' tokens secrets to look for.
func (w *visitor) noteTokens(t *rapid.T) {
	var ids []int64
	rows, err := w.store.Pool.Query(w.t.Context(), `SELECT connection_id FROM tokens`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		token, err := w.store.Token(w.t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{token.Access, token.Refresh} {
			if secret != "" && !slices.Contains(w.secrets, secret) {
				w.secrets = append(w.secrets, secret)
			}
		}
	}
}

// checkLog looks at what was logged since the last time.
func (w *visitor) checkLog(t *rapid.T) {
	text := w.log.take()
	for _, secret := range append([]string{mark, strings.ToUpper(mark), "a%2Fb-token", "a/b-token"}, w.secrets...) {
		if strings.Contains(text, secret) {
			t.Fatalf("%q is in the log:\n%s", secret, text)
		}
	}
	for _, attempt := range w.attempts {
		if strings.Contains(text, attempt.state) {
			t.Fatalf("an attempt's state is in the log:\n%s", text)
		}
	}
	if strings.Contains(text, `"msg":"panic"`) || strings.Contains(text, "http: panic") {
		t.Fatalf("a panic:\n%s", text)
	}
}

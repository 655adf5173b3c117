package quickbooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

const realm = "1185883450"

// fakeBooks answers as QuickBooks does for one company. It fails the test on a
// request that QuickBooks would not understand.
type fakeBooks struct {
	t       testing.TB
	docs    map[string][]map[string]any // by entity
	gone    map[string][]map[string]any // what was deleted, by entity
	company map[string]any
	now     time.Time // what the host's clock shows
	oldest  bool      // change data capture gives the oldest first

	mu      sync.Mutex
	queries []string
	cdc     []string // the entities of each question
}

// answerable is the part of the query language that the fake knows.
var answerable = regexp.MustCompile(`^SELECT \* FROM (\w+) WHERE (.+?)( ORDERBY MetaData\.LastUpdatedTime)?( STARTPOSITION (\d+))? MAXRESULTS (\d+)$`)

func (f *fakeBooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	if r.Method != http.MethodGet || q.Get("minorversion") != "75" || r.Header.Get("Accept") != "application/json" {
		f.t.Errorf("a request that gets another answer: %s %s", r.Method, r.URL)
	}
	switch path, ok := strings.CutPrefix(r.URL.Path, "/v3/company/"+realm+"/"); {
	case ok && path == "query":
		f.query(w, q.Get("query"))
	case ok && path == "cdc":
		f.changed(w, q.Get("entities"), q.Get("changedSince"))
	case ok && path == "companyinfo/"+realm:
		f.answer(w, map[string]any{"CompanyInfo": f.company, "time": "2026-03-02T00:00:00.000-08:00"})
	default:
		f.t.Errorf("unexpected request %s", r.URL.Path)
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (f *fakeBooks) answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Log(err) // the client hung up
	}
}

func (f *fakeBooks) query(w http.ResponseWriter, statement string) {
	f.queries = append(f.queries, statement)
	m := answerable.FindStringSubmatch(statement)
	if m == nil {
		f.t.Errorf("a query that QuickBooks refuses: %s", statement)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var found []map[string]any
	for _, doc := range f.docs[m[1]] {
		if f.holds(doc, m[2]) {
			found = append(found, doc)
		}
	}
	slices.SortStableFunc(found, func(a, b map[string]any) int { return updated(a).Compare(updated(b)) })
	start, _ := strconv.Atoi(m[5])
	most, _ := strconv.Atoi(m[6])
	if start = max(start, 1); most > 1000 {
		f.t.Errorf("too many wanted: %s", statement)
	}
	found = found[min(start-1, len(found)):]
	found = found[:min(most, len(found))]
	response := map[string]any{}
	if len(found) > 0 { // QuickBooks leaves out an empty list
		response = map[string]any{m[1]: found, "startPosition": start, "maxResults": len(found)}
	}
	f.answer(w, map[string]any{"QueryResponse": response, "time": "2026-03-02T00:00:00.000-08:00"})
}

// holds reports whether a document meets all conditions.
func (f *fakeBooks) holds(doc map[string]any, conditions string) bool {
	for _, c := range strings.Split(conditions, " AND ") {
		field, rest, _ := strings.Cut(c, " ")
		op, value, _ := strings.Cut(rest, " ")
		var ok bool
		switch field {
		case "Id":
			ids := strings.Split(strings.Trim(value, "()"), ",")
			ok = op == "IN" && slices.Contains(ids, "'"+doc["Id"].(string)+"'")
		case "TxnDate":
			ok = compares(op, strings.Compare(doc["TxnDate"].(string), strings.Trim(value, "'")))
		case "MetaData.LastUpdatedTime":
			at, err := time.Parse(time.RFC3339, strings.Trim(value, "'"))
			if err != nil {
				f.t.Errorf("a time that QuickBooks refuses: %s", c)
			}
			ok = compares(op, updated(doc).Compare(at))
		default:
			f.t.Errorf("a condition that QuickBooks refuses: %s", c)
		}
		if !ok {
			return false
		}
	}
	return true
}

func compares(op string, order int) bool {
	switch op {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case "<":
		return order < 0
	}
	return false
}

// changed answers with documents and deletions alike, at most a thousand. Which
// come first is not documented.
func (f *fakeBooks) changed(w http.ResponseWriter, entities, since string) {
	f.cdc = append(f.cdc, entities)
	from, err := time.Parse(time.RFC3339, since)
	if err != nil || f.now.Sub(from) > 30*24*time.Hour {
		f.t.Errorf("a time that QuickBooks refuses: %s", since)
	}
	left := 1000
	var parts []map[string]any
	for _, name := range strings.Split(entities, ",") {
		var found []map[string]any
		for _, doc := range slices.Concat(f.docs[name], f.gone[name]) {
			if !updated(doc).Before(from) {
				found = append(found, doc)
			}
		}
		slices.SortStableFunc(found, func(a, b map[string]any) int { return updated(b).Compare(updated(a)) })
		if f.oldest {
			slices.Reverse(found)
		}
		found = found[:min(left, len(found))]
		left -= len(found)
		part := map[string]any{}
		if len(found) > 0 {
			part = map[string]any{name: found, "startPosition": 1, "maxResults": len(found)}
		}
		parts = append(parts, part)
	}
	f.answer(w, map[string]any{"CDCResponse": []any{map[string]any{"QueryResponse": parts}}, "time": since})
}

func updated(doc map[string]any) time.Time {
	at, _ := time.Parse(time.RFC3339, doc["MetaData"].(map[string]any)["LastUpdatedTime"].(string))
	return at
}

var (
	day     = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	window  = models.Window{From: day, To: day.AddDate(0, 0, 7)}
	pacific = time.FixedZone("", -8*60*60)
)

// touch gives a document a time of its last change.
func touch(doc map[string]any, second int) map[string]any {
	doc["MetaData"] = map[string]any{"CreateTime": "2026-01-01T00:00:00-08:00",
		"LastUpdatedTime": day.Add(time.Duration(second) * time.Second).In(pacific).Format(time.RFC3339)}
	return doc
}

// fakeDoc is a document of ten dollars with tax.
func fakeDoc(id string, second int) map[string]any {
	return touch(map[string]any{
		"domain": "QBO", "sparse": false, "Id": id, "SyncToken": "0", "DocNumber": "10" + id, "TxnDate": "2026-03-02",
		"CurrencyRef": map[string]any{"value": "USD", "name": "United States Dollar"},
		"Line": []any{
			map[string]any{"Id": "1", "LineNum": 1, "Amount": 10, "DetailType": "SalesItemLineDetail",
				"SalesItemLineDetail": map[string]any{"ItemRef": map[string]any{"value": "4"}, "UnitPrice": 10, "Qty": 1, "TaxCodeRef": map[string]any{"value": "TAX"}}},
			map[string]any{"Amount": 10, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": map[string]any{}},
		},
		"TxnTaxDetail": map[string]any{"TotalTax": 0.83},
		"ShipAddr":     map[string]any{"Id": "9", "Line1": "100 Main St", "City": "Albany", "CountrySubDivisionCode": "NY", "PostalCode": "12207"},
		"TotalAmt":     10.83, "Balance": 0, "ApplyTaxAfterDiscount": false,
	}, second)
}

// tombstone is a deleted document as change data capture shows it.
func tombstone(id string, second int) map[string]any {
	return touch(map[string]any{"domain": "QBO", "status": "Deleted", "Id": id}, second)
}

func newBooks(t testing.TB) *fakeBooks {
	return &fakeBooks{t: t, docs: map[string][]map[string]any{}, gone: map[string][]map[string]any{}, now: window.To}
}

// open makes the adapter, whose clock stands at the end of the window.
func open(t testing.TB, base string) hostapi.Host { return openWith(t, Config{BaseURL: base}) }

func openWith(t testing.TB, c Config) hostapi.Host {
	t.Helper()
	c.ClientID, c.ClientSecret, c.WebhookVerifier = "app", "app-secret", "old-token, new-token"
	h, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	h.(*host).now = func() time.Time { return window.To }
	return h
}

// counter puts an adapter in front of f.
func counter(t *testing.T, f *fakeBooks, c Config) (*host, hostapi.Account) {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c.BaseURL = server.URL
	return openWith(t, c).(*host), hostapi.Account{HostID: realm, Client: server.Client(), Zone: time.UTC}
}

// pullAll pulls until nothing is left, and lets change do something between pages.
func pullAll(t *testing.T, h *host, a hostapi.Account, w models.Window, change func(page int)) []hostapi.Record {
	t.Helper()
	pull := func(from hostapi.Cursor) (*hostapi.Page, error) { return h.Pull(t.Context(), a, w, from) }
	return hostapitest.PullAll(t, pull, change)
}

func nothing(int) {}

func keys(records []hostapi.Record) []string { return hostapitest.Keys(records) }

// many are documents that changed one a second, from a second on.
func many(n, second int) (docs []map[string]any) {
	for i := range n {
		docs = append(docs, fakeDoc(fmt.Sprint(1000+i), second+i))
	}
	return docs
}

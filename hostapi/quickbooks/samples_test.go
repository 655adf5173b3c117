package quickbooks

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	return hostapitest.Sample(t, "quickbooks/vcr_sandbox", name)
}

// outcome is what becomes of a record, in short.
func outcome(h *host, r hostapi.Record) string {
	items, err := h.Transform(r)
	switch {
	case err != nil:
		return "refused: " + models.Sentence(err, "")
	case len(items) != 1:
		return "nothing"
	}
	if err := (models.Policy{}).Apply(&items[0]); err != nil {
		return "refused: " + models.Sentence(err, "")
	}
	s := items[0].Sale
	return strings.TrimSpace(strings.Join([]string{items[0].Key, string(s.Date), s.SalesAmount.String(), s.SalesTax.String(), s.ShipTo.State, s.ShipTo.Zip, s.ReviewMessage}, " "))
}

func TestRecordedSalesReceipts(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	l, err := splitQuery(sample(t, "all_sales_receipts_0.json"), entities[0])
	if err != nil || l.start != 1 || len(l.things) != 4 {
		t.Fatalf("%d things from %d on, %v", len(l.things), l.start, err)
	}
	const noAddress, noState = "refused: No address is known", "refused: The address of this transaction has no US state"
	for i, want := range []struct{ version, outcome string }{
		{"2020-09-29T13:00:44Z-0000000005", noAddress},
		{"2016-08-10T12:03:26Z-0000000001", noState},
		{"2015-10-07T18:40:52Z-0000000000", "SalesReceipt-47 2015-10-05T00:00:00 140.00 0.00 CA 94303 Only a billing address is known; it was used as ship-to."},
		{"2015-10-07T18:15:46Z-0000000000", "SalesReceipt-38 2015-10-07T00:00:00 78.75 0.00 NJ 07079"},
	} {
		r := l.things[i].record
		if got := outcome(h, r); r.Version != want.version || !strings.HasPrefix(got, want.outcome) {
			t.Errorf("%s %s: %s", r.Key, r.Version, got)
		}
	}
}

// one is the document in an answer to a reading or a change of one.
func one(t *testing.T, name, entity string) hostapi.Record {
	t.Helper()
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(sample(t, name), &answer); err != nil {
		t.Fatal(err)
	}
	e, _ := entityOf(entity)
	l, err := splitQuery([]byte(`{"QueryResponse":{"`+entity+`":[`+string(answer[entity])+`]}}`), e)
	if err != nil || len(l.things) != 1 {
		t.Fatalf("%d, %v", len(l.things), err)
	}
	return l.things[0].record
}

func TestRecordedVoid(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	r := one(t, "void_invoice_1.json", "Invoice")
	if got := outcome(h, r); got != "nothing" || r.Key != "Invoice-264" || r.Version != "2022-09-02T12:58:56Z-0000000001" {
		t.Errorf("%s %s: %s", r.Key, r.Version, got)
	}
}

func TestRecordedUpdate(t *testing.T) {
	t.Parallel()
	r := one(t, "update_sales_receipt_1.json", "SalesReceipt")
	if r.Key != "SalesReceipt-17" || r.Version != "2020-09-29T13:00:44Z-0000000005" {
		t.Errorf("%s %s", r.Key, r.Version)
	}
}

// The recorded change data capture is of estimates, which are no sales; read as
// invoices they show that its form is understood.
func TestRecordedChanges(t *testing.T) {
	t.Parallel()
	body := sample(t, "cdc_basic_0.json")
	if things, err := splitChanges(body); err != nil || len(things) != 0 {
		t.Errorf("%d things, %v", len(things), err)
	}
	things, err := splitChanges([]byte(strings.Replace(string(body), `"Estimate"`, `"Invoice"`, 1)))
	if err != nil || len(things) != 4 {
		t.Fatalf("%d things, %v", len(things), err)
	}
	h := open(t, "http://127.0.0.1").(*host)
	if got := outcome(h, things[3].record); got != "Invoice-100 2015-10-06T00:00:00 325.75 26.06 CA 94303 Only a billing address is known; it was used as ship-to." {
		t.Error(got)
	}
	for _, thing := range things {
		if thing.gone || thing.at.IsZero() {
			t.Errorf("%+v", thing)
		}
	}
}

// A customer is no answer to anything we ask.
func TestRecordedCustomer(t *testing.T) {
	t.Parallel()
	if l, err := splitQuery(sample(t, "get_id_0.json"), entities[0]); err == nil {
		t.Errorf("%d things", len(l.things))
	}
}

func TestRecordedFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   models.Kind
	}{"error_401_0.json": {401, models.Unauthorised}, "error_500_1.json": {400, models.Internal}} {
		body := sample(t, name)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write(body)
		}))
		_, err := open(t, server.URL).(*host).Pull(t.Context(), hostapi.Account{HostID: realm, Client: server.Client()}, window, "")
		server.Close()
		if models.KindOf(err) != c.kind || !strings.Contains(err.Error(), "fault") || strings.Contains(err.Error(), "Token expired") || strings.Contains(err.Error(), "Supplied value") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The recorded list is pulled over the wire, like any other.
func TestRecordedListOverTheWire(t *testing.T) {
	t.Parallel()
	body := sample(t, "all_sales_receipts_0.json")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Query().Get("query"), "SELECT * FROM SalesReceipt ") {
			t.Errorf("%s", r.URL)
		}
		_, _ = io.Copy(w, strings.NewReader(string(body)))
	}))
	defer server.Close()
	page, err := open(t, server.URL).(*host).Pull(t.Context(), hostapi.Account{HostID: realm, Client: server.Client()}, window, "")
	if err != nil || len(page.Records) != 4 || !page.More {
		t.Errorf("%+v, %v", page, err)
	}
}

package trustfile

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"extractor/models"
	"extractor/targetapi"
)

func TestBatchBytes(t *testing.T) {
	t.Parallel()
	sale, refund := item(0), item(1)
	refund.Sale.ShipFrom = models.Address{City: "Reno"} // cannot serve: the company's counts
	refund.Sale.Description, refund.Sale.ReviewMessage = "", ""
	refund.Sale.ShipTo = models.Address{State: "TX", Zip: "78701"}
	refund.Sale.SalesAmount = -5
	want := `{"items":[` +
		`{"itemId":"order-0","refund":false,"transactionDate":"2026-03-31T23:30:00",` +
		`"shipToAddress":{"line1":"12 Canary Street","city":"Austin","state":"TX","zip":"78701-1234"},` +
		`"shipFromAddress":{"line1":"1 Dock Road","city":"Reno","state":"NV","zip":"89501"},` +
		`"salesAmount":19.99,"salesTax":1.65,"shippingAmount":5.00,"shippingTax":0.41,` +
		`"description":"2 × Soap \"Mini\"","reviewRequired":true,"reviewMessage":"The host gives no tax for refunds."},` +
		`{"itemId":"order-0","refund":true,"transactionDate":"2026-03-31T23:31:00","shipToAddress":{"state":"TX","zip":"78701"},` +
		`"salesAmount":-0.05,"salesTax":1.65,"shippingAmount":5.00,"shippingTax":0.41}]}`
	if have := string(encoder{}.batch([]models.Item{sale, refund})); have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
}

func TestDateInUTC(t *testing.T) {
	t.Parallel()
	if body := string(encoder{utc: true}.batch([]models.Item{item(0)})); !strings.Contains(body, `"transactionDate":"2026-04-01T03:30:00"`) {
		t.Error(body)
	}
}

// Whatever a host puts into a text, the body stays JSON and says the same.
func FuzzText(f *testing.F) {
	f.Add("plain", "x")
	f.Add("quote \" back \\ line \n nul \x00", "\xff\xfe\u2028")
	f.Fuzz(func(t *testing.T, key, line string) {
		i := item(0)
		i.Key, i.Sale.ShipTo.Line1 = key, line
		var batch struct {
			Items []struct {
				ItemID string `json:"itemId"`
				To     struct {
					Line1 string `json:"line1"`
				} `json:"shipToAddress"`
			} `json:"items"`
		}
		if err := json.Unmarshal(encoder{}.batch([]models.Item{i}), &batch); err != nil {
			t.Fatal(err)
		}
		if have := batch.Items[0]; have.ItemID != decoded(key) || have.To.Line1 != decoded(line) {
			t.Errorf("%q, %q became %+v", key, line, have)
		}
	})
}

// decoded is s as any JSON encoder would carry it over.
func decoded(s string) string {
	b, _ := json.Marshal(s)
	var out string
	_ = json.Unmarshal(b, &out)
	return out
}

func TestTransactionRoutingService(t *testing.T) {
	t.Parallel()
	var body, bearer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body, bearer = string(b), r.Header.Get("Authorization")
		io.WriteString(w, `{"processed":1}`)
	}))
	defer server.Close()
	target, err := (&Config{ItemsURL: server.URL, AppURL: server.URL, Token: token, ConsumerSystem: "avalaraccount", RoutingToken: "routing"}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Deliver(t.Context(), targetapi.Account{ConnectionID: "c"}, []models.Item{item(0)}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(body, `{"consumerSystem":"avalaraccount","items":[{"itemId":`) || bearer != "Bearer routing" {
		t.Errorf("bearer %q, body %s", bearer, body)
	}
}

func BenchmarkBatch(b *testing.B) {
	items := make([]models.Item, maxBatch)
	for i := range items {
		items[i] = item(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(encoder{}.batch(items))))
	}
}

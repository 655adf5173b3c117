package trustfile

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"extractor/models"
	"extractor/targetapi"
)

// wire answers GETs of one path, and refuses everything else.
func wire(t *testing.T, path string, status int, body string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.EscapedPath() != path || r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("unexpected %s %s", r.Method, r.URL.EscapedPath())
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const asStored = `{"refund": true, "transactionDate": "2026-03-31T23:31:00.000Z",
	"shipToAddress": {"line1": "12 CANARY STREET", "city": "austin", "state": "TX", "zip": "787011234"},
	"shipFromAddress": {"line1": "1 Dock Road", "city": "Reno", "state": "NV", "zip": 89501},
	"salesAmount": -20.0, "salesTax": "-1.65", "shippingAmount": -5, "shippingTax": -0.41,
	"reviewRequired": true, "reviewMessage": "The host gives no tax for refunds."}`

// What is stored may be written otherwise than it was sent.
func TestHoldsWhatIsWrittenOtherwise(t *testing.T) {
	t.Parallel()
	target := open(t, wire(t, "/v3/connections/c/items/a%2Fb", 200, `{"items": [{"refund": false}, `+asStored+`]}`))
	one := item(1)
	one.Key = "a/b"
	if held, err := target.(targetapi.Looker).Holds(t.Context(), targetapi.Account{ConnectionID: "c"}, one); err != nil || !held {
		t.Errorf("%v, %v", held, err)
	}
}

func TestHoldsWhatWeForgotTheStreetOf(t *testing.T) {
	t.Parallel()
	one := item(1)
	one.Key = "x"
	one.Sale.Description, one.Sale.ShipTo.Line1, one.Sale.ShipTo.City, one.Sale.ShipFrom.Line1, one.Sale.ShipFrom.City = "", "", "", "", ""
	target := open(t, wire(t, "/v3/connections/c/items/x", 200, `{"items": [`+asStored+`]}`))
	if held, err := target.(targetapi.Looker).Holds(t.Context(), targetapi.Account{ConnectionID: "c"}, one); err != nil || !held {
		t.Errorf("%v, %v", held, err)
	}
}

func TestHoldsNot(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*models.Item){
		"amount":      func(i *models.Item) { i.Sale.SalesAmount++ },
		"tax":         func(i *models.Item) { i.Sale.SalesTax = 0 },
		"shipping":    func(i *models.Item) { i.Sale.ShippingAmount-- },
		"shippingTax": func(i *models.Item) { i.Sale.ShippingTax-- },
		"date":        func(i *models.Item) { i.Sale.Date = "2026-04-01T00:31:00" },
		"state":       func(i *models.Item) { i.Sale.ShipTo.State = "NM" },
		"zip":         func(i *models.Item) { i.Sale.ShipTo.Zip = "78701" },
		"street":      func(i *models.Item) { i.Sale.ShipTo.Line1 = "13 Canary Street" },
		"ship-from":   func(i *models.Item) { i.Sale.ShipFrom.Zip = "89502" },
		"review":      func(i *models.Item) { i.Sale.ReviewMessage = "" },
		"sentence":    func(i *models.Item) { i.Sale.ReviewMessage += " More." },
		"kind":        func(i *models.Item) { i.Kind = models.KindSale },
		"no sale":     func(i *models.Item) { i.Sale = nil },
	} {
		one := item(1)
		one.Key = "x"
		change(&one)
		target := open(t, wire(t, "/v3/connections/c/items/x", 200, `{"items": [`+asStored+`]}`))
		if held, err := target.(targetapi.Looker).Holds(t.Context(), targetapi.Account{ConnectionID: "c"}, one); err != nil || held {
			t.Errorf("%s: %v, %v", name, held, err)
		}
	}
}

func TestHoldsOddAnswers(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]models.Kind{
		`{"items": []}`:   "",
		`{"items": null}`: "",
		`{}`:              "",
		`{"items": [{"refund": "true", "salesAmount": 1e9999, "transactionDate": {}, "shipToAddress": null}]}`: "",
		`{"items": [{"refund": true, "salesAmount": "much"}]}`:                                                 models.Unavailable,
		`[]`:     models.Unavailable,
		`<html>`: models.Unavailable,
		`{"item`: models.Unavailable,
	} {
		one := item(1)
		one.Key = "x"
		target := open(t, wire(t, "/v3/connections/c/items/x", 200, body))
		held, err := target.(targetapi.Looker).Holds(t.Context(), targetapi.Account{ConnectionID: "c"}, one)
		if held || (err != nil || kind != "") && models.KindOf(err) != kind {
			t.Errorf("%s: %v, %v", body, held, err)
		}
	}
}

package trustfile

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"extractor/internal/env"
	"extractor/models"
	"extractor/targetapi"
	"extractor/targetapi/targetapitest"
)

const token = "token-canary-77"

func open(t *testing.T, address string) targetapi.Target {
	t.Helper()
	target, err := (&Config{ItemsURL: address + "/v3", AppURL: address + "/v4/", Token: token}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// item is a sale, or for an odd n a refund.
func item(n int) models.Item {
	kind := models.KindSale
	if n%2 == 1 {
		kind = models.KindRefund
	}
	at := time.Date(2026, 4, 1, 3, 30, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
	return models.Item{Kind: kind, Key: fmt.Sprintf("order-%d", n/2), Sale: &models.Sale{
		Date: models.LocalTimeIn(at, time.FixedZone("", -4*3600)), At: at,
		ShipTo:      models.Address{Line1: "12 Canary Street", City: "Austin", State: "TX", Zip: "78701-1234", Country: "US"},
		ShipFrom:    models.Address{Line1: "1 Dock Road", City: "Reno", State: "NV", Zip: "89501"},
		SalesAmount: models.Amount(1999 + n), SalesTax: 165, ShippingAmount: 500, ShippingTax: 41, Currency: "USD",
		Description: "2 × Soap \"Mini\"", ReviewMessage: "The host gives no tax for refunds.",
	}}
}

func TestConformance(t *testing.T) {
	targetapitest.Suite{
		Open: open, Item: item, Sent: sent,
		Taken: func(n int) targetapitest.Response {
			return targetapitest.Response{Status: 200, Body: fmt.Sprintf(`{"processed": %d, "dateTime": "2026-04-01T00:00:00Z"}`, n)}
		},
		Short: func(n int) targetapitest.Response {
			return targetapitest.Response{Status: 200, Body: fmt.Sprintf(`{"processed": %d}`, n-1)}
		},
		Refused: refusal, Stored: storedAnswer,
		Secrets: []string{token, "12 Canary Street", "78701"},
	}.Run(t)
}

// sent reads a POST as the API describes it.
func sent(t *testing.T, r *http.Request, body []byte) []models.Ref {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v3/connections/") || !strings.HasSuffix(r.URL.Path, "/items") {
		t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
	}
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", r.Header)
	}
	var batch struct {
		Items []struct {
			ItemID string `json:"itemId"`
			Refund *bool  `json:"refund"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		t.Errorf("body: %v", err)
	}
	var refs []models.Ref
	for _, i := range batch.Items {
		kind := models.KindSale
		if *i.Refund {
			kind = models.KindRefund
		}
		refs = append(refs, models.Ref{Kind: kind, Key: i.ItemID})
	}
	return refs
}

// refusal is a 400 that blames the items at these places.
func refusal(places ...int) targetapitest.Response {
	errors := []string{}
	for _, n := range places {
		errors = append(errors, fmt.Sprintf(`{"keyword":"type","dataPath":".items[%d].shippingTax","message":"12 Canary Street should be number","schema":3,"data":"12 Canary Street"}`, n))
	}
	if len(places) == 0 {
		errors = append(errors, `{"keyword":"maxItems","dataPath":".items","message":"should NOT have more items","schema":"x"}`)
	}
	return targetapitest.Response{Status: 400, Body: `{"processed":0,"dateTime":"2026-04-01T00:00:00Z","errors":[` + strings.Join(errors, ",") + `]}`}
}

// storedAnswer gives an item back as the API does: a refund's amounts
// negative, and the other half of the pair beside it.
func storedAnswer(i *models.Item) targetapitest.Response {
	if i == nil {
		return targetapitest.Response{Status: 404, Body: `{"message":"not found"}`}
	}
	one := string(encoder{}.item(nil, i))
	other := strings.Replace(one, `"refund":false`, `"refund":true`, 1)
	other = strings.Replace(other, `"salesAmount":`, `"salesAmount":-9`, 1)
	return targetapitest.Response{Status: 200, Body: `{"items":[` + other + `,` + one + `]}`}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	good := Config{ItemsURL: "https://items.example/v3/", AppURL: "http://127.0.0.1:8082/v4", Token: token}
	for name, c := range map[string]struct {
		change func(*Config)
		says   string // how the error must begin, with the variable; empty: opens
	}{
		"good":             {func(*Config) {}, ""},
		"utc":              {func(c *Config) { c.DateZone = "utc" }, ""},
		"routing":          {func(c *Config) { c.ConsumerSystem, c.RoutingToken = "avalaraccount", "r" }, ""},
		"no items":         {func(c *Config) { c.ItemsURL = "" }, "TRUSTFILE_ITEMS_URL is ill-formed"},
		"relative":         {func(c *Config) { c.ItemsURL = "items.example/v3" }, "TRUSTFILE_ITEMS_URL is ill-formed"},
		"plain http":       {func(c *Config) { c.ItemsURL = "http://items.example/v3" }, "TRUSTFILE_ITEMS_URL is ill-formed"},
		"query":            {func(c *Config) { c.AppURL += "?x=1" }, "TRUSTFILE_APP_URL is ill-formed: it should be an https address without a query, such as https://app."},
		"password":         {func(c *Config) { c.AppURL = "https://u:secret@items.example" }, "TRUSTFILE_APP_URL is ill-formed"},
		"no token":         {func(c *Config) { c.Token = "" }, "EXTRACTOR_TO_AVALARA_TOKEN is ill-formed"},
		"two-line token":   {func(c *Config) { c.Token = "secret\nsecret" }, "EXTRACTOR_TO_AVALARA_TOKEN is ill-formed"},
		"zone":             {func(c *Config) { c.DateZone = "Texas" }, "TRUSTFILE_DATE_ZONE is ill-formed"},
		"no routing":       {func(c *Config) { c.ConsumerSystem = "avalaraccount" }, "TRUSTFILE_ROUTING_TOKEN is not set"},
		"routing for what": {func(c *Config) { c.RoutingToken = "secret" }, "TRUSTFILE_CONSUMER_SYSTEM is not set"},
	} {
		config := good
		c.change(&config)
		_, err := config.Open()
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), c.says) || !strings.Contains(err.Error(), "it should be")):
			t.Errorf("%s: %v", name, err)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: shows the secret: %v", name, err)
		}
	}
}

func TestConfigReadsItsVariables(t *testing.T) {
	for name, value := range map[string]string{
		"TRUSTFILE_ITEMS_URL": "a", "TRUSTFILE_APP_URL": "b", "EXTRACTOR_TO_AVALARA_TOKEN": "c",
		"TRUSTFILE_DATE_ZONE": "utc", "TRUSTFILE_CONSUMER_SYSTEM": "e", "TRUSTFILE_ROUTING_TOKEN": "f",
	} {
		t.Setenv(name, value)
	}
	var c Config
	if err := env.Load("TRUSTFILE", &c); err != nil {
		t.Fatal(err)
	}
	if want := (Config{"a", "b", "c", "utc", "e", "f"}); c != want {
		t.Errorf("have %+v, want %+v", c, want)
	}
}

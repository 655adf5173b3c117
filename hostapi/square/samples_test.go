package square

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func sample(t *testing.T, name string, out any) []byte {
	t.Helper()
	return hostapitest.SampleJSON(t, out, "square/openapi_examples", name)
}

// Square's own orders are read; those that count add up to their total.
func TestPublishedOrders(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	for name, counts := range map[string]bool{
		"RetrieveOrderResponse.json": false, "CreateOrderResponse.json": false, "CloneOrderResponse.json": false,
		"CalculateOrderResponse.json": false, "PayOrderResponse.json": true,
	} {
		var answer struct {
			Order json.RawMessage `json:"order"`
		}
		sample(t, name, &answer)
		b, err := json.Marshal(parcel{Order: completed(t, answer.Order), Location: packed(t, fakeLocation(1))})
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Transform(hostapi.Record{Kind: kindOrder, Key: name, Body: b})
		if err != nil || len(items) != 1 {
			t.Errorf("%s: %v, %v", name, items, err)
			continue
		}
		s := items[0].Sale
		if s.Charged == nil || s.Total() != *s.Charged {
			t.Errorf("%s: %v of %v", name, s.Total(), s.Charged)
		}
		if err := (models.Policy{}).Apply(&items[0]); counts && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// completed is the order as it would be once paid for: the examples show most
// of them open, and some without an id.
func completed(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	o["state"] = "COMPLETED"
	if o["id"] == nil {
		o["id"] = "example"
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPublishedRefunds(t *testing.T) {
	t.Parallel()
	var answer struct {
		Refunds []json.RawMessage `json:"refunds"`
	}
	sample(t, "ListPaymentRefundsResponse.json", &answer)
	h := open(t, "http://127.0.0.1").(*host)
	for _, raw := range answer.Refunds {
		b, err := json.Marshal(parcel{Refund: raw, Location: packed(t, fakeLocation(1))})
		if err != nil {
			t.Fatal(err)
		}
		items, err := h.Transform(hostapi.Record{Kind: kindRefund, Key: "x", Body: b})
		if err != nil || len(items) != 1 || items[0].Sale.Total() != 555 || items[0].Sale.Date != "2021-10-13T15:59:05" {
			t.Errorf("%+v, %v", items, err)
		}
	}
}

func TestPublishedToken(t *testing.T) {
	t.Parallel()
	var answer map[string]any
	sample(t, "ObtainTokenResponse.json", &answer)
	expiry := open(t, "http://127.0.0.1").(hostapi.Exchanger).Exchange().ExpiresAt
	if _, ok := answer[expiry].(string); !ok {
		t.Errorf("the answer has no %s", expiry)
	}
}

func TestPublishedEvents(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	for _, name := range []string{"OauthAuthorizationRevokedEvent.json", "OrderUpdatedEvent.json", "RefundUpdatedEvent.json"} {
		var event struct {
			Merchant string `json:"merchant_id"`
		}
		body := sample(t, name, &event)
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("x-square-hmacsha256-signature", sign("new-key", h.config.WebhookURL, string(body)))
		if got, err := h.Wake(r, body); err != nil || !slices.Equal(got.Wake, []string{event.Merchant}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

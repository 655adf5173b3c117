package quickbooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"extractor/hostapi"
	"extractor/models"
)

const (
	cloudEvents = `[
		{"specversion":"1.0","id":"1","source":"intuit.x","type":"qbo.invoice.created.v1","datacontenttype":"application/json","time":"2026-05-31T21:31:25.179Z","intuitentityid":"95","intuitaccountid":"310687","data":{}},
		{"specversion":"1.0","id":"2","source":"intuit.x","type":"qbo.invoice.deleted.v1","intuitentityid":"96","intuitaccountid":"310688","data":{}},
		{"specversion":"1.0","id":"3","source":"intuit.x","type":"qbo.invoice.updated.v1","intuitentityid":"97","intuitaccountid":"310687","data":{}}]`
	olderEvents = `{"eventNotifications":[{"realmId":"1185883450","dataChangeEvent":{"entities":[{"name":"Invoice","id":"1","operation":"Void","lastUpdated":"2015-10-05T14:42:19-0700"}]}},{"realmId":"310687"}]}`
)

func sign(verifier, body string) string {
	mac := hmac.New(sha256.New, []byte(verifier))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func notification(signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://extractor.example.com/webhooks/quickbooks", nil)
	r.Header.Set("intuit-signature", signature)
	return r
}

func TestWakeTakesOnlyIntuitsWord(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	flipped := []byte(sign("new-token", cloudEvents))
	flipped[3] ^= 1
	for name, c := range map[string]struct {
		signature, body string
		want            []string
		kind            models.Kind
	}{
		"events":           {sign("new-token", cloudEvents), cloudEvents, []string{"310687", "310688"}, ""},
		"old token":        {sign("old-token", cloudEvents), cloudEvents, []string{"310687", "310688"}, ""},
		"older form":       {sign("new-token", olderEvents), olderEvents, []string{"1185883450", "310687"}, ""},
		"one event":        {sign("new-token", `{"intuitaccountid":"7"}`), `{"intuitaccountid":"7"}`, []string{"7"}, ""},
		"id as a number":   {sign("new-token", ` [{"intuitaccountid":7}]`), ` [{"intuitaccountid":7}]`, []string{"7"}, ""},
		"ids that are no":  {sign("new-token", `[{"intuitaccountid":"a"},{"intuitaccountid":{}},{},{"intuitaccountid":null}]`), `[{"intuitaccountid":"a"},{"intuitaccountid":{}},{},{"intuitaccountid":null}]`, nil, ""},
		"nobody":           {sign("new-token", `{}`), `{}`, nil, ""},
		"no events":        {sign("new-token", `[]`), `[]`, nil, ""},
		"no token":         {sign("", cloudEvents), cloudEvents, nil, models.Unauthorised},
		"other token":      {sign("other", cloudEvents), cloudEvents, nil, models.Unauthorised},
		"both in one":      {sign("old-token, new-token", cloudEvents), cloudEvents, nil, models.Unauthorised},
		"other body":       {sign("new-token", cloudEvents), cloudEvents + " ", nil, models.Unauthorised},
		"one bit":          {string(flipped), cloudEvents, nil, models.Unauthorised},
		"none":             {"", cloudEvents, nil, models.Unauthorised},
		"not base64":       {"%", cloudEvents, nil, models.Unauthorised},
		"half":             {sign("new-token", cloudEvents)[:20], cloudEvents, nil, models.Unauthorised},
		"no JSON":          {sign("new-token", `<`), `<`, nil, models.Invalid},
		"list of nonsense": {sign("new-token", `[1]`), `[1]`, nil, models.Invalid},
	} {
		got, err := h.Wake(notification(c.signature), []byte(c.body))
		if !slices.Equal(got.Wake, c.want) || (err == nil) != (c.kind == "") || err != nil && models.KindOf(err) != c.kind {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWakeWithoutAVerifierTakesNothing(t *testing.T) {
	t.Parallel()
	for _, verifier := range []string{"", ",", " , "} {
		h, err := (&Config{ClientID: "app", ClientSecret: "hush", WebhookVerifier: verifier}).Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.(hostapi.Waker).Wake(notification(sign("", cloudEvents)), []byte(cloudEvents)); models.KindOf(err) != models.Unauthorised {
			t.Error(err)
		}
	}
}

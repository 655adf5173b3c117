package stripe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"extractor/hostapi"
)

// bodies are those of the samples, by name.
func bodies(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		var r hostapi.Record
		if err == nil && !strings.HasSuffix(name, ".golden.json") && json.Unmarshal(b, &r) == nil {
			all[name] = r.Body
		}
	}
	if len(all) == 0 {
		t.Fatal("no samples")
	}
	return all
}

// asDecoded holds what was read by hand against what encoding/json makes of it.
func asDecoded(t *testing.T, body []byte) {
	t.Helper()
	var got, want evidence
	bad := json.Unmarshal(body, &want)
	err := got.read(body)
	if (err == nil) != (bad == nil) || err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nis  %+v, %v\nnot %+v, %v", body, got, err, want, bad)
	}
}

func TestBodiesAreReadAsADecoderReadsThem(t *testing.T) {
	t.Parallel()
	for _, body := range bodies(t) {
		asDecoded(t, body)
	}
	for _, body := range []string{
		`{}`, ` { "zone" : "UTC" , "payments" : [ ] } `, `{"payments":[null]}`, `{"payments":null,"session":null,"invoice":null,"notes":null}`,
		`{"payments":[{"charge":{"amount":-1,"captured":true,"livemode":false,"currency":"e\"ur","billing_details":{"address":null},"shipping":{}}}]}`,
		`{"payments":[{"intent":{"amount_details":{"tip":{"amount":5},"tax":{"total_tax_amount":7},"shipping":{"amount":1,"to_postal_code":"1"},"line_items":{"has_more":true,"data":[{}]}}}}]}`,
		`{"session":{"collected_information":{"shipping_details":{"address":{"city":"A","line1":"\u00e4","state":null}}},"automatic_tax":{"enabled":true,"status":"failed"}}}`,
		``, `{`, `[]`, `{}{}`, `{"zone":1}`, `{"payments":{}}`, `{"payments":[1]}`, `{"payments":["x"]}`, `{"session":[]}`, `{"session":"cs_1"}`,
		`{"session":{"amount_total":"1"}}`, `{"session":{"amount_total":1.5}}`, `{"session":{"livemode":"true"}}`, `{"session":{"livemode":1}}`,
		`{"payments":[{"charge":{"created":1e9}}]}`, `{"payments":[{"charge":{"amount":99999999999999999999}}]}`, `{"payments":[{"charge":{"status":{}}}]}`,
		`{"payments":[{"intent":{"shipping":{"address":[]}}}]}`, `{"payments":[{"refunds":{}}]}`, `{"zone":"UTC"} x`, `{"zone":"UTC",}`,
	} {
		asDecoded(t, []byte(body))
	}
}

// FuzzBody: a body with the names that we read, each once, is read as
// encoding/json reads it.
func FuzzBody(f *testing.F) {
	for _, body := range bodies(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var e evidence
		if json.Unmarshal(body, &e) != nil {
			return
		}
		plain, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		asDecoded(t, plain)
	})
}

// What is odd inside an expanded intent leaves the charge around it readable.
func TestAnOddIntentIsPassedOver(t *testing.T) {
	t.Parallel()
	h := headOf(json.RawMessage(`{"id":"ch_1","payment_intent":{"id":"pi_1" "latest_charge":"ch_1"},"captured":true}`))
	if h.ID != "ch_1" || !h.Captured || h.Intent != "" || h.ends != "" || string(h.expanded) != `{"id":"pi_1" "latest_charge":"ch_1"}` {
		t.Errorf("%+v", h)
	}
	h = headOf(json.RawMessage(`{"id":"ch_1","payment_intent":{"id":"pi_1","latest_charge":"ch_1"},"captured":true}`))
	if h.Intent != "pi_1" || h.ends != "ch_1" || string(h.expanded) != `{"id":"pi_1","latest_charge":"ch_1"}` {
		t.Errorf("%+v", h)
	}
}

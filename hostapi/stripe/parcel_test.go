package stripe

import (
	"encoding/json"
	"testing"
)

// An intent that is listed as a part of its charge is written once, and its id
// in the charge.
func TestBodyOfListedCharge(t *testing.T) {
	t.Parallel()
	const intent = `{"id":"pi_1","latest_charge":"ch_1","amount":7}`
	list, err := splitList([]byte(`{"data":[{"id":"ch_1","payment_intent":` + intent + `,"status":"succeeded","captured":true,"amount_refunded":5}],"has_more":false}`))
	if err != nil || len(list.data) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	from, ok := rootOfCharge(list.data[0])
	if !ok || from.refunded != "ch_1" {
		t.Fatalf("%+v", from)
	}
	p := &parcel{Zone: "UTC", Payments: []payment{from.payment()}}
	want := `{"zone":"UTC","payments":[{"intent":` + intent + `,"charge":{"id":"ch_1","payment_intent":"pi_1","status":"succeeded","captured":true,"amount_refunded":5}}]}`
	if got := string(p.body()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAppendQuoted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "pi_1", "America/Chicago", `a"b`, `a\`, "a\nb", "\x7f", "ä", "<&>"} {
		var got string
		if err := json.Unmarshal(appendQuoted(nil, text), &got); err != nil || got != text {
			t.Errorf("%q was written as %q, %v", text, got, err)
		}
	}
}

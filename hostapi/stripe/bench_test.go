package stripe

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

const benchPage = 50

// padded is a thing with the members that Stripe sends besides those we read,
// so that it has the size of a real one.
func padded(t thing, more int) thing {
	t["metadata"] = thing{"order_reference": "0123456789", "channel": "web"}
	t["payment_method_details"] = thing{"type": "card", "card": thing{"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030, "network": "visa",
		"checks": thing{"address_line1_check": "pass", "cvc_check": "pass"}, "wallet": nil, "three_d_secure": nil, "installments": nil}}
	for n := range more {
		name := string([]byte{'m', byte('a' + n%26), byte('a' + n/26)}) + "_of_the_api"
		t[name] = []any{nil, "a value of medium length", false, thing{"status": nil, "enabled": true}}[n%4]
	}
	return t
}

// benchList is a page of charges with their intents, and the session of each.
func benchList(b *testing.B) (page, session []byte) {
	charges := make([]any, benchPage)
	for i := range charges {
		c := padded(fakeCharge("ch_1", "pi_1", 1, 11913), 30)
		c["payment_intent"] = padded(thing{"id": "pi_1", "object": "payment_intent", "amount": 11913, "currency": "usd", "latest_charge": "ch_1",
			"amount_details": thing{"tip": thing{}}, "shipping": nil, "status": "succeeded"}, 25)
		charges[i] = c
	}
	return marshal(b, thing{"object": "list", "url": "/v1/charges", "has_more": false, "data": charges}),
		marshal(b, padded(fakeSession(11913, 913, 1083, 83), 35))
}

func marshal(b *testing.B, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// BenchmarkSplitTransform is what the extractor's own processor does for each
// payment before the ledger: cutting it out of a page, packing it with its
// session, and saying what it means. 60,000 a second on one core are wanted.
func BenchmarkSplitTransform(b *testing.B) {
	page, session := benchList(b)
	h := open(b, "http://127.0.0.1", soon)
	r := h.reader(hostapi.Account{})
	sessions := slices.Concat([]byte("["), bytes.Join(slices.Repeat([][]byte{session}, benchPage), []byte(",")), []byte("]"))
	hostapitest.Speed(b, benchPage, func() {
		list, err := splitList(page)
		if err != nil {
			b.Fatal(err)
		}
		for _, one := range list.data {
			root, _ := rootOfCharge(one)
			p := &parcel{Zone: r.zone, Session: session, Payments: []payment{root.payment()}}
			records := r.pack(p, kindPayment, root.id, root)
			sold(b, h, records[0])
		}
	}, page, sessions)
}

func sold(b *testing.B, h *host, r hostapi.Record) {
	items, err := h.Transform(r)
	if err != nil || len(items) != 1 {
		b.Fatalf("%d items, %v", len(items), err)
	}
	if err := (models.Policy{}).Apply(&items[0]); err != nil || items[0].Sale.ReviewMessage != "" {
		b.Fatal(items[0].Sale.ReviewMessage, err)
	}
}

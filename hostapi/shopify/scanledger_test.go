package shopify

import (
	"testing"

	"extractor/internal/jsonscan"
)

// TestBagReadsTheSameHoweverItIsWritten: most are written in one way, which is
// looked for first.
func TestBagReadsTheSameHoweverItIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		`{"shopMoney":{"amount":"1.50"}}`:                                "1.50",
		` { "shopMoney" : { "amount" : "1.50" } }`:                       "1.50",
		`{"shopMoney":{"amount":"1.50","currencyCode":"USD"}}`:           "1.50",
		`{"shopMoney":{"currencyCode":"USD","amount":"1.50"},"more":[]}`: "1.50",
		`{"shopMoney":{"amount":"1.50"},"presentmentMoney":{}}`:          "1.50",
		`{"shopMoney":{"amount":"1\u002e50"}}`:                           "1.50",
		`{"shopMoney":{"amount":""}}`:                                    "",
		`{"shopMoney":{"amount":null}}`:                                  "0",
		`{"shopMoney":null}`:                                             "0",
		`{}`:                                                             "0",
		`{"shopMoney":{"amount":1.50}}`:                                  "refused",
		`{"shopMoney":{"amount":"1.50"]}`:                                "refused",
		`{"shopMoney":{"amount":"1.50"}`:                                 "refused",
		`{"shopMoney":{"amount":"1.50`:                                   "refused",
		`{"shopMoney":{"amount":"\x"}}`:                                  "refused",
	} {
		r := &jsonscan.Reader{Text: []byte(text)}
		got := string(readBag(r, []byte("0")))
		if r.End(); r.Err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", text, got, want, r.Err)
		}
	}
}

func TestChannelLiableHoweverItIsWritten(t *testing.T) {
	for text, want := range map[string]bool{
		`{"taxLine":{"channelLiable":false}}`:               false,
		`{"taxLine":{"channelLiable":true}}`:                true,
		`{"taxLine":{"channelLiable": true }}`:              true,
		`{"taxLine":{"title":"x","channelLiable":true}}`:    true,
		`{"taxLine":{"channelLiable":null}}`:                false,
		`{"taxLine":{"channelLiable":false},"other":[1,2]}`: false,
	} {
		r := &jsonscan.Reader{Text: []byte(text)}
		if got := readTax(r); got != want || r.Err != nil {
			t.Errorf("%s: %v, %v", text, got, r.Err)
		}
		if r.End(); r.Err != nil {
			t.Errorf("%s is not read to its end", text)
		}
	}
}

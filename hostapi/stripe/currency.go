package stripe

import (
	"strings"

	"extractor/models"
)

// beyond is more than any amount that Stripe takes, and far from overflowing
// when some of them are added. What is cut off there is refused by the policy.
const beyond = int64(1_000_000_000_000_000)

// wholeUnits are currencies without a smaller unit. Stripe counts ISK and UGX
// in hundredths all the same.
// https://docs.stripe.com/currencies#zero-decimal
var wholeUnits = map[string]bool{
	"BIF": true, "CLP": true, "DJF": true, "GNF": true, "JPY": true, "KMF": true, "KRW": true, "MGA": true,
	"PYG": true, "RWF": true, "VND": true, "VUV": true, "XAF": true, "XOF": true, "XPF": true,
}

// thousandths are currencies whose unit has a thousand parts, of which Stripe
// takes tens only.
// https://docs.stripe.com/currencies#three-decimal
var thousandths = map[string]bool{"BHD": true, "JOD": true, "KWD": true, "OMR": true, "TND": true}

// money turns Stripe's amounts of one currency into hundredths of its unit.
type money string

func moneyOf(currency string) money {
	if currency == "usd" { // nearly all are
		return "USD"
	}
	return money(strings.ToUpper(currency))
}

func (m money) cents(n int64) models.Amount {
	n = max(-beyond, min(n, beyond))
	switch {
	case m == "USD":
		return models.Amount(n)
	case wholeUnits[string(m)]:
		return models.Amount(n * 100)
	case thousandths[string(m)]:
		return models.Amount(halfAway(n, 10))
	}
	return models.Amount(n)
}

// halfAway is n/d rounded to the nearest, half away from zero.
func halfAway(n, d int64) int64 {
	if n < 0 {
		return -halfAway(-n, d)
	}
	return (n + d/2) / d
}

package trustfile

import (
	"context"
	"net/http"
	"strings"

	json "github.com/goccy/go-json"
	"github.com/shopspring/decimal"

	"extractor/models"
	"extractor/targetapi"
)

// stored is an item as the API gives it back.
type stored struct {
	Refund      word            `json:"refund"`
	Date        word            `json:"transactionDate"`
	ShipTo      storedAddress   `json:"shipToAddress"`
	ShipFrom    storedAddress   `json:"shipFromAddress"`
	Sales       decimal.Decimal `json:"salesAmount"`
	SalesTax    decimal.Decimal `json:"salesTax"`
	Shipping    decimal.Decimal `json:"shippingAmount"`
	ShippingTax decimal.Decimal `json:"shippingTax"`
	Description *word           `json:"description"` // nil = not given back
	Review      word            `json:"reviewRequired"`
	Message     word            `json:"reviewMessage"`
}

type storedAddress struct {
	Line1 word `json:"line1"`
	City  word `json:"city"`
	State word `json:"state"`
	Zip   word `json:"zip"`
}

// Holds reads the item back: GET /connections/{id}/items/{itemId}. A 404 means
// that it is not there; whether the connection is, the next POST will tell.
func (t *target) Holds(ctx context.Context, a targetapi.Account, item models.Item) (bool, error) {
	if item.Sale == nil {
		return false, nil
	}
	address, err := t.connection(a, "items", item.Key)
	if err != nil {
		return false, err
	}
	var found struct {
		Items []stored `json:"items"`
	}
	err = t.items.JSON(ctx, http.MethodGet, address, t.bearer, nil, &found)
	if models.KindOf(err) == models.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for i := range found.Items {
		if found.Items[i].Refund.truth() == (item.Kind == models.KindRefund) {
			return t.encoder.same(&found.Items[i], item), nil
		}
	}
	return false, nil
}

// same reports whether what is stored is what we would send.
func (e encoder) same(have *stored, want models.Item) bool {
	s := want.Sale
	refund := want.Kind == models.KindRefund
	return sameDate(string(have.Date), e.date(s)) &&
		sameAddress(have.ShipTo, s.ShipTo) &&
		(!complete(s.ShipFrom) || sameAddress(have.ShipFrom, s.ShipFrom)) &&
		sameAmount(have.Sales, s.SalesAmount, refund) &&
		sameAmount(have.SalesTax, s.SalesTax, refund) &&
		sameAmount(have.Shipping, s.ShippingAmount, refund) &&
		sameAmount(have.ShippingTax, s.ShippingTax, refund) &&
		(have.Description == nil || s.Description == "" || string(*have.Description) == strings.TrimSpace(s.Description)) &&
		have.Review.truth() == (s.ReviewMessage != "") &&
		string(have.Message) == strings.TrimSpace(s.ReviewMessage)
}

// sameDate compares to the second: what is stored may have gained a fraction or a Z.
func sameDate(have, want string) bool {
	const seconds = len(models.LocalTimeLayout)
	return len(have) >= seconds && have[:seconds] == want
}

// sameAmount compares to the cent. A refund's amounts are negative there.
func sameAmount(have decimal.Decimal, want models.Amount, refund bool) bool {
	const most = 18 // digits before or behind the point that an amount can have
	if have.Exponent() > most || have.Exponent() < -most {
		return false // also spares us from writing it out
	}
	if refund {
		return have.Abs().Equal(want.Decimal().Abs())
	}
	return have.Equal(want.Decimal())
}

// sameAddress compares as a letter carrier would: without case, a ZIP by its digits.
// A street and a city that we do not have any more are not compared.
func sameAddress(have storedAddress, want models.Address) bool {
	return (want.Line1 == "" || sameText(have.Line1, want.Line1)) && (want.City == "" || sameText(have.City, want.City)) &&
		sameText(have.State, want.State) && digits(string(have.Zip)) == digits(want.Zip)
}

func sameText(have word, want string) bool {
	return strings.EqualFold(string(have), strings.TrimSpace(want))
}

func digits(zip string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, zip)
}

// word is a property that should be a string; a number or a boolean is taken
// as written, anything else as absent.
type word string

// UnmarshalJSON never fails on a well-formed value.
func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*w = word(strings.TrimSpace(s))
	case len(b) > 0 && !strings.ContainsRune(`{["n`, rune(b[0])):
		*w = word(b)
	default:
		*w = ""
	}
	return nil
}

func (w word) truth() bool { return w == "true" }

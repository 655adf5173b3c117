package shopify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"extractor/hostapi"
	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestGolden(t *testing.T) {
	hostapitest.Golden(t, open(t, ""), "testdata", models.Policy{})
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	hostapitest.AddsUp(t, "testdata/*.golden.json")
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]models.Amount{
		"0": 0, "0.0": 0, "12.34": 1234, "-12.34": -1234, "12.3": 1230, "-0.05": -5, "1500": 150000, "57.23": 5723, "0.005": 1, "-0.005": -1,
		"1.2345": 123, "19.000000": 1900, "999999999999.99": 99999999999999, "+1.00": 100, ".5": 50,
	} {
		if got, err := amountOf([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", ".", "1e5", "1e999999999", "NaN", "1,000.00", "12.3.4", "--1", " 1", "0x10", strings.Repeat("9", 41), "99999999999999999999"} {
		if got, err := amountOf([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func record(t interface {
	Helper()
	Fatal(...any)
}, body any) hostapi.Record {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return hostapi.Record{Kind: kindOrder, Key: "1", Version: "1", Body: b}
}

func wholeOrder(o object) object {
	edges := []any{}
	for _, a := range o["agreements"].([]object) {
		c := copyOf(a)
		c["sales"] = object{"nodes": a["lines"]}
		delete(c, "lines")
		edges = append(edges, object{"node": c})
	}
	c := copyOf(o)
	c["agreements"] = object{"edges": edges}
	return object{"zone": "America/Chicago", "order": c}
}

// What was not read to its end is refused, whoever forgot to ask for the rest.
func TestWhatIsCutOffIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	more := object{"hasNextPage": true}
	for name, cut := range map[string]func(agreements object){
		"agreements": func(a object) { a["pageInfo"] = more },
		"sales": func(a object) {
			a["edges"].([]any)[0].(object)["node"].(object)["sales"].(object)["pageInfo"] = more
		},
		"no agreement": func(a object) { a["edges"] = []any{} },
	} {
		body := wholeOrder(fakeOrder(1, 1, fakeAgreement(1, 1, "ORDER", fakeLine("PRODUCT", "1.0", "0.0"))))
		cut(body["order"].(object)["agreements"].(object))
		if items, err := h.Transform(record(t, body)); models.KindOf(err) != models.Refused || len(items) > 0 {
			t.Errorf("%s: %+v, %v", name, items, err)
		}
	}
}

// FuzzConvert: also, no amount of an item is below zero, whatever sign Shopify gave it.
func FuzzConvert(f *testing.F) {
	hostapitest.Fuzz(f, open(f, ""), "testdata", func(t *testing.T, it models.Item) {
		for _, a := range []models.Amount{it.Sale.SalesAmount, it.Sale.SalesTax, it.Sale.ShippingAmount, it.Sale.ShippingTax} {
			if a < 0 {
				t.Errorf("an amount of %v", a)
			}
		}
	})
}

// FuzzShopName: what is taken for a shop's name is a shop's address.
func FuzzShopName(f *testing.F) {
	for _, seed := range []string{"my-shop", "https://my-shop.myshopify.com/admin", "admin.shopify.com/store/x", "x.myshopify.com.evil.example.com"} {
		f.Add(seed)
	}
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, typed string) {
		shop, err := h.Account(typed)
		if err == nil && (!domain.MatchString(shop) || strings.Count(shop, ".") != 2) || err != nil && (shop != "" || models.KindOf(err) != models.Invalid) {
			t.Errorf("%q became %q, %v", typed, shop, err)
		}
	})
}

// FuzzCallback: nothing passes that was not signed.
func FuzzCallback(f *testing.F) {
	f.Add("shop=my-shop.myshopify.com&timestamp=1790856000&hmac=00")
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, query string) {
		r := hook("", "", "")
		r.URL.RawQuery = query
		q := r.URL.Query()
		if err := h.CheckCallback(q); err == nil || models.KindOf(err) != models.Refused {
			t.Errorf("%q: %v", query, err)
		}
	})
}

// FuzzWebhook: nothing passes that was not signed, and what was signed is
// understood or refused.
func FuzzWebhook(f *testing.F) {
	f.Add("customers/redact", fakeShop, sign(fakeSecret, orderHook), redactHook)
	f.Add("orders/create", "", "", orderHook)
	f.Add("customers/redact", "", "", `{"shop_DomAin":"0.myshopify.com","Customer":[0]}`)
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, topic, shop, signature, body string) {
		_, err := h.Wake(hook(topic, shop, signature), []byte(body))
		if signature != sign(fakeSecret, body) && signature != sign("old-secret", body) && !strings.ContainsAny(signature, "\r\n") && models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q passed: %v", signature, err)
		}
		notice, err := h.Wake(hook(topic, shop, sign(fakeSecret, body)), []byte(body))
		for _, p := range notice.Privacy {
			if !strings.Contains(strings.ToLower(body), "shop_domain") || !domain.MatchString(p.Account) {
				t.Errorf("%s of %q", p.Kind, body)
			}
		}
		if err != nil && models.KindOf(err) != models.Invalid {
			t.Error(fmt.Errorf("signed: %w", err))
		}
	})
}

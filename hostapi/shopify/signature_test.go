package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

func bodyOf(t testing.TB, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

func macOf(secret, message string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// signedQuery is q as Shopify would sign it.
func signedQuery(secret string, q url.Values) url.Values {
	signed := url.Values{}
	for k, v := range q {
		signed[k] = v
	}
	signed.Set("hmac", hex.EncodeToString(macOf(secret, message(q))))
	return signed
}

// The example is worked out by hand from the documentation's rules, so that
// message is not only compared with itself.
func TestTheMessageIsTheSortedQuery(t *testing.T) {
	t.Parallel()
	q, err := url.ParseQuery("shop=some-shop.myshopify.com&timestamp=1337178173&code=0907a61c0c8d55e99db179b68161bc00&hmac=700e&signature=x&state=a%20b*~")
	if err != nil {
		t.Fatal(err)
	}
	const want = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=a+b*%7E&timestamp=1337178173"
	if got := message(q); got != want {
		t.Error(got)
	}
}

func TestSignedQueries(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	h.now = func() time.Time { return noon }
	query := func(shop string, at time.Time) url.Values {
		return url.Values{"shop": {shop}, "timestamp": {unix(at)}, "host": {"YWRtaW4"}}
	}
	good := signedQuery(fakeSecret, query(fakeShop, noon))
	changed := func(name, value string) url.Values {
		q := signedQuery(fakeSecret, query(fakeShop, noon))
		q.Set(name, value)
		return q
	}
	for name, c := range map[string]struct {
		query url.Values
		good  bool
	}{
		"good":           {good, true},
		"old secret":     {signedQuery("old-secret", query(fakeShop, noon)), true},
		"just in time":   {signedQuery(fakeSecret, query(fakeShop, noon.Add(-90*time.Second))), true},
		"ahead":          {signedQuery(fakeSecret, query(fakeShop, noon.Add(90*time.Second))), true},
		"too old":        {signedQuery(fakeSecret, query(fakeShop, noon.Add(-91*time.Second))), false},
		"too new":        {signedQuery(fakeSecret, query(fakeShop, noon.Add(91*time.Second))), false},
		"no time":        {signedQuery(fakeSecret, url.Values{"shop": {fakeShop}}), false},
		"other secret":   {signedQuery("other", query(fakeShop, noon)), false},
		"no secret":      {signedQuery("", query(fakeShop, noon)), false},
		"no signature":   {query(fakeShop, noon), false},
		"odd signature":  {changed("hmac", "xyz"), false},
		"empty":          {changed("hmac", ""), false},
		"other shop":     {changed("shop", "other.myshopify.com"), false},
		"added":          {changed("code", "c1"), false},
		"no shop at all": {signedQuery(fakeSecret, query("evil.example.com", noon)), false},
	} {
		if err := h.CheckCallback(c.query); (err == nil) != c.good || err != nil && models.KindOf(err) != models.Refused {
			t.Errorf("%s: callback %v", name, err)
		}
		account, redeem, err := h.Installation(c.query)
		if (err == nil) != c.good || redeem || c.good && account != fakeShop || !c.good && account != "" {
			t.Errorf("%s: installation %q, %v, %v", name, account, redeem, err)
		}
	}
	if account, redeem, err := h.Installation(url.Values{}); account != "" || redeem || err != nil {
		t.Errorf("a merchant who came by himself: %q, %v", account, err)
	}
}

func TestShopNames(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	for typed, want := range map[string]string{
		"my-shop": fakeShop, " My-Shop ": fakeShop, fakeShop: fakeShop, "https://my-shop.myshopify.com/": fakeShop,
		"http://my-shop.myshopify.com/admin/orders?x=1": fakeShop, "https://admin.shopify.com/store/my-shop": fakeShop,
		"admin.shopify.com/store/my-shop/orders": fakeShop, "a_b9": "a_b9.myshopify.com",

		"": "", "-shop": "", "my shop": "", "shop.example.com": "", "my-shop.myshopify.com.evil.example.com": "",
		"evil.example.com/my-shop.myshopify.com": "", "evil.example.com#.myshopify.com": "", "evil.example.com?.myshopify.com": "",
		"user@evil.example.com": "", "https://my-shop.myshopify.com@evil.example.com/": "", "https://evil.example.com\\.myshopify.com": "",
		"my-shop.myshopify.com:8080": "", "a.b.myshopify.com": "", ".myshopify.com": "", "myshopify.com": "", "https://admin.shopify.com/store/": "",
		"https://admin.shopify.com/store/../my-shop": "", "https://admin.shopify.com.evil.example.com/store/my-shop": "",
		"my-shop.myshopify.com\n.evil.example.com": "", "my-shop\x00": "", "127.0.0.1": "", "[::1]": "", "localhost/": "", "ﬁsh": "", "\u212Aing": "",
		"ftp://my-shop.myshopify.com": "", "javascript:alert(1)": "", "//my-shop.myshopify.com": "", strings.Repeat("a", 101): "",
		"my-shop.myshopify.io": "", "my-shopxmyshopify.com": "", "my-shop.myshopify.com/\r\nHost: evil": "",
	} {
		got, err := h.Account(typed)
		if got != want || (err == nil) != (want != "") || err != nil && models.KindOf(err) != models.Invalid {
			t.Errorf("%q became %q, %v", typed, got, err)
		}
	}
}

const (
	orderHook  = `{"id":1,"name":"#1001"}`
	dataHook   = `{"shop_id":1,"shop_domain":"my-shop.myshopify.com","orders_requested":[299938,280263],"customer":{"id":1,"email":"a@example.com"},"data_request":{"id":9}}`
	redactHook = `{"shop_id":1,"shop_domain":"my-shop.myshopify.com","customer":{"id":1,"email":"a@example.com"},"orders_to_redact":[299938,99999999999999999]}`
	forgetHook = `{"shop_id":1,"shop_domain":"my-shop.myshopify.com"}`
)

func hook(topic, shop, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/shopify", nil)
	r.Header.Set("X-Shopify-Topic", topic)
	r.Header.Set("X-Shopify-Shop-Domain", shop)
	r.Header.Set("X-Shopify-Hmac-Sha256", signature)
	return r
}

func sign(secret, body string) string { return base64.StdEncoding.EncodeToString(macOf(secret, body)) }

func TestWebhooks(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	wake := hostapi.Notice{Wake: []string{fakeShop}}
	ask := func(kind hostapi.PrivacyKind, records ...string) hostapi.Notice {
		return hostapi.Notice{Privacy: []hostapi.Privacy{{Kind: kind, Account: fakeShop, Records: records}}}
	}
	for name, c := range map[string]struct {
		topic, shop, secret, body string
		want                      hostapi.Notice
		kind                      models.Kind
	}{
		"order":              {"orders/updated", fakeShop, fakeSecret, orderHook, wake, ""},
		"refund":             {"refunds/create", "My-Shop.myshopify.com", fakeSecret, `{"id":1}`, wake, ""},
		"uninstalled":        {"app/uninstalled", fakeShop, fakeSecret, `{"domain":"x"}`, wake, ""},
		"old secret":         {"orders/create", fakeShop, "old-secret", orderHook, wake, ""},
		"data request":       {"customers/data_request", fakeShop, fakeSecret, dataHook, ask(hostapi.PrivacyTell, "299938", "280263"), ""},
		"redact":             {"customers/redact", fakeShop, fakeSecret, redactHook, ask(hostapi.PrivacyRedact, "299938", "99999999999999999"), ""},
		"forget":             {"shop/redact", fakeShop, fakeSecret, forgetHook, ask(hostapi.PrivacyForget), ""},
		"other topic":        {"products/update", fakeShop, fakeSecret, `{}`, hostapi.Notice{}, ""},
		"other customer":     {"customers/update", fakeShop, fakeSecret, `{"shop_domain":"my-shop.myshopify.com"}`, hostapi.Notice{}, ""},
		"other secret":       {"orders/updated", fakeShop, "other", orderHook, hostapi.Notice{}, models.Unauthorised},
		"no secret":          {"orders/updated", fakeShop, "", orderHook, hostapi.Notice{}, models.Unauthorised},
		"no shop":            {"orders/updated", "evil.example.com", fakeSecret, orderHook, hostapi.Notice{}, models.Invalid},
		"no JSON":            {"customers/redact", fakeShop, fakeSecret, `<`, hostapi.Notice{}, models.Invalid},
		"signed for another": {"shop/redact", fakeShop, fakeSecret, dataHook, hostapi.Notice{}, models.Invalid},
		"redact from data":   {"customers/redact", fakeShop, fakeSecret, dataHook, hostapi.Notice{}, models.Invalid},
		"data from redact":   {"customers/data_request", fakeShop, fakeSecret, redactHook, hostapi.Notice{}, models.Invalid},
		"forget from order":  {"shop/redact", fakeShop, fakeSecret, orderHook, hostapi.Notice{}, models.Invalid},
		"other shop in head": {"shop/redact", "other.myshopify.com", fakeSecret, forgetHook, ask(hostapi.PrivacyForget), ""},
	} {
		for range 2 { // a webhook that comes again means the same
			got, err := h.Wake(hook(c.topic, c.shop, sign(c.secret, c.body)), []byte(c.body))
			if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.kind == "") || err != nil && models.KindOf(err) != c.kind {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if _, err := h.Wake(hook(c.topic, c.shop, sign(c.secret, c.body)), []byte(c.body+" ")); models.KindOf(err) != models.Unauthorised {
			t.Errorf("%s: another body: %v", name, err)
		}
	}
	for _, signature := range []string{"", "%", sign(fakeSecret, orderHook)[4:], hex.EncodeToString(macOf(fakeSecret, orderHook))} {
		if _, err := h.Wake(hook("orders/updated", fakeShop, signature), []byte(orderHook)); models.KindOf(err) != models.Unauthorised {
			t.Errorf("signature %q: %v", signature, err)
		}
	}
}

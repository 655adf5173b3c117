package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// good is an item without a fault, changed by f.
func good(id string, f func(map[string]any)) map[string]any {
	i := map[string]any{
		"itemId": id, "transactionDate": "2026-01-31T23:30:00", "salesAmount": json.Number("10.00"), "salesTax": json.Number("0.88"),
		"shippingAmount": json.Number("5"), "shippingTax": json.Number("0"), "refund": false,
		"shipToAddress": map[string]any{"line1": "1 Main St", "city": "Austin", "state": "TX", "zip": "78701"},
	}
	if f != nil {
		f(i)
	}
	return i
}

// rejection is the body of a 400.
type rejection struct {
	Processed int
	Errors    []struct{ Keyword, DataPath, Message string }
}

func post(t testing.TB, w *World, connection string, items ...map[string]any) reply {
	t.Helper()
	return ask(t, "POST", w.ItemsURL()+"/connections/"+connection+"/items", w.Token(), map[string]any{"items": items})
}

func TestValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	set := func(name string, v any) func(map[string]any) { return func(i map[string]any) { i[name] = v } }
	without := func(name string) func(map[string]any) { return func(i map[string]any) { delete(i, name) } }
	to := func(name string, v any) func(map[string]any) {
		return func(i map[string]any) {
			a := maps.Clone(i["shipToAddress"].(map[string]any))
			a[name] = v
			i["shipToAddress"] = a
		}
	}
	for _, c := range []struct {
		name, keyword, path string
		change              func(map[string]any)
	}{
		{"no id", "required", ".itemId", without("itemId")},
		{"empty id", "pattern", ".itemId", set("itemId", "")},
		{"id a number", "type", ".itemId", set("itemId", 7)},
		{"no date", "required", ".transactionDate", without("transactionDate")},
		{"date a word", "format", ".transactionDate", set("transactionDate", "yesterday")},
		{"date of no month", "format", ".transactionDate", set("transactionDate", "2026-13-01T00:00:00")},
		{"a day only", "format", ".transactionDate", set("transactionDate", "2026-01-01")},
		{"no address", "required", ".shipToAddress", without("shipToAddress")},
		{"address a text", "type", ".shipToAddress", set("shipToAddress", "Austin")},
		{"no state", "pattern", ".shipToAddress.state", to("state", "")},
		{"state in words", "pattern", ".shipToAddress.state", to("state", "Texas")},
		{"state null", "type", ".shipToAddress.state", to("state", nil)},
		{"short zip", "pattern", ".shipToAddress.zip", to("zip", "7870")},
		{"amount in quotes", "type", ".salesTax", set("salesTax", "0.88")},
		{"amount null", "type", ".shippingTax", set("shippingTax", nil)},
		{"no amount", "required", ".salesAmount", without("salesAmount")},
		{"no shipping", "required", ".shippingAmount", without("shippingAmount")},
		{"refund a text", "type", ".refund", set("refund", "false")},
		{"no refund", "required", ".refund", without("refund")},
		{"review without a message", "required", ".reviewMessage", set("reviewRequired", true)},
		{"description a number", "type", ".description", set("description", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post(t, w, "table", good("a", nil), good("b", c.change))
			var x rejection
			if err := json.Unmarshal(r.body, &x); err != nil || r.status != http.StatusBadRequest || x.Processed != 0 || len(x.Errors) != 1 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if e := x.Errors[0]; e.Keyword != c.keyword || e.DataPath != ".items[1]"+c.path {
				t.Errorf("%+v", e)
			}
		})
	}
	if n := len(w.TrustFile.Items("table")); n != 0 {
		t.Errorf("%d items taken of refused batches", n)
	}
}

func TestBatchForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	many := make([]map[string]any, maxItems+1)
	for i := range many {
		many[i] = good(fmt.Sprint(i), nil)
	}
	if r := post(t, w, "c", many...); r.status != http.StatusBadRequest || !strings.Contains(string(r.body), `".items"`) {
		t.Errorf("1001 items: %d %.200s", r.status, r.body)
	}
	if r := post(t, w, "c", many[:maxItems]...); r.status != http.StatusOK || !strings.Contains(string(r.body), `"processed":1000`) {
		t.Errorf("1000 items: %d %.200s", r.status, r.body)
	}
	for _, body := range []string{``, `[]`, `{}`, `{"items":7}`, `{"items":[`, `{"items":[7]}`, `{"items":[null]}`} {
		if r := ask(t, "POST", w.ItemsURL()+"/connections/c/items", w.Token(), body); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	for _, token := range []string{"", "wrong", w.RoutingToken()} {
		if r := ask(t, "POST", w.ItemsURL()+"/connections/c/items", token, "{}"); r.status != http.StatusUnauthorized {
			t.Errorf("bearer %q: %d", token, r.status)
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	dearer := func(i map[string]any) { i["salesAmount"] = json.Number("12.00") }
	back := func(i map[string]any) { i["refund"] = true }
	post(t, w, "c", good("1", nil), good("1", back))
	post(t, w, "c", good("1", dearer))
	items := into[struct{ Items []Held }](t, ask(t, "GET", w.TrustFileURL()+"/control/items?connectionId=c", "", nil)).Items
	if len(items) != 2 || items[0].Refund || !items[1].Refund {
		t.Fatalf("%+v", items)
	}
	v := items[0].Versions
	if len(v) != 2 || v[0].SalesAmount != 1000 || v[1].SalesAmount != 1200 || v[0].Request != 1 || v[1].Request != 2 || v[0].SalesTax != 88 {
		t.Errorf("versions %+v", v)
	}
	found := into[struct{ Items []map[string]any }](t, ask(t, "GET", w.ItemsURL()+"/connections/c/items/1", w.Token(), nil)).Items
	if len(found) != 2 || found[0]["salesAmount"] != 12.0 || found[1]["refund"] != true {
		t.Errorf("read back %v", found)
	}
	if r := ask(t, "GET", w.ItemsURL()+"/connections/c/items/2", w.Token(), nil); r.status != http.StatusNotFound {
		t.Errorf("an unknown item: %d", r.status)
	}
	if r := ask(t, "GET", w.TrustFileURL()+"/", "", nil); !strings.Contains(string(r.body), "12.00") {
		t.Error("the page does not show the change")
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	address := w.RoutingURL() + "/connections/c/items"
	body := map[string]any{"items": []any{good("1", nil)}, "consumerSystem": routingConsumer}
	if r := ask(t, "POST", address, w.RoutingToken(), body); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	delete(body, "consumerSystem")
	if r := ask(t, "POST", address, w.RoutingToken(), body); r.status != http.StatusBadRequest {
		t.Errorf("without a consumer: %d", r.status)
	}
	if n := len(w.TrustFile.Items("c")); n != 1 {
		t.Errorf("%d items", n)
	}
}

func TestCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	name := func(id string) string {
		return into[struct{ Company struct{ Name string } }](t, ask(t, "GET", w.ItemsURL()+"/connections/"+id, w.Token(), nil)).Company.Name
	}
	if got := name("whatever"); got != defaultCompany {
		t.Errorf("an id nobody signed up: %q", got)
	}
	in := map[string]string{"email": "Sam@shop.example", "companyName": "Harbor Goods"}
	type signed struct{ Status, CompanyToken string }
	one := into[signed](t, ask(t, "POST", w.AppURL()+"/company/signup", w.Token(), in))
	if one.Status != "Success" || len(one.CompanyToken) != 36 || name(one.CompanyToken) != "Harbor Goods" {
		t.Errorf("%+v", one)
	}
	if r := ask(t, "POST", w.AppURL()+"/company/signup", w.Token(), in); r.status != http.StatusBadRequest {
		t.Errorf("signing up twice: %d %s", r.status, r.body)
	}
	for email, want := range map[string]bool{"sam@shop.example": true, "nobody@shop.example": false} {
		got := into[struct{ Success bool }](t, ask(t, "GET", w.AppURL()+"/company?email="+email, w.Token(), nil))
		if got.Success != want {
			t.Errorf("%s exists: %v", email, got.Success)
		}
	}
	for _, bad := range []map[string]string{{}, {"email": "x"}, {"email": "a@b.example"}, {"email": "a@b.example", "companyName": strings.Repeat("x", 51)}} {
		if r := ask(t, "POST", w.AppURL()+"/company/signup", w.Token(), bad); r.status != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, r.status)
		}
	}
}

func TestCountOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{CountOnly: true})
	for range 2 {
		post(t, w, "c", good("1", nil), good("2", nil))
	}
	if s := w.TrustFile.Stats()["c"]; s.Items != 2 || s.Received != 4 || s.Requests != 2 {
		t.Errorf("%+v", s)
	}
}

// BenchmarkPost is what the stand-in costs a benchmark of something else.
func BenchmarkPost(b *testing.B) {
	items := make([]any, maxItems)
	for i := range items {
		items[i] = good(fmt.Sprint(5_000_000_000_000+i), nil)
	}
	body, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		b.Fatal(err)
	}
	book := newBook("c", true)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		items, raw, complaints := readBatch(body)
		if complaints != nil {
			b.Fatal(complaints)
		}
		book.apply(&Request{}, items, bytesOf(raw))
	}
}

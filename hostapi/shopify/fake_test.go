package shopify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const (
	fakeShop   = "my-shop.myshopify.com"
	fakeSecret = "app-secret"
)

var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// window holds all orders of the fake.
var window = models.Window{From: noon, To: noon.Add(24 * time.Hour)}

func open(t testing.TB, address string) hostapi.Host {
	t.Helper()
	h, err := (&Config{ClientID: "app", ClientSecret: fakeSecret, OldSecret: "old-secret", AllOrders: true, BaseURL: address}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// object is a JSON object.
type object = map[string]any

// fakeLine is a line of the ledger.
func fakeLine(kind, total, tax string) object {
	action := "ORDER"
	if strings.HasPrefix(total, "-") {
		action = "RETURN"
	}
	return object{
		"id": "gid://shopify/Sale/" + kind + total, "actionType": action, "lineType": kind,
		"totalAmount": money(total), "totalTaxAmount": money(tax),
		"taxes": []any{object{"taxLine": object{"channelLiable": false}}},
	}
}

func money(amount string) object { return object{"shopMoney": object{"amount": amount}} }

// fakeAgreement is an agreement n hours after noon.
func fakeAgreement(id, n int, reason string, lines ...object) object {
	return object{
		"id":         fmt.Sprintf("gid://shopify/SalesAgreement/%d", id),
		"happenedAt": noon.Add(time.Duration(n) * time.Hour).Format(time.RFC3339), "reason": reason, "lines": lines,
	}
}

// fakeOrder is an order that changed n minutes after noon.
func fakeOrder(id, n int, agreements ...object) object {
	return object{
		"id": fmt.Sprintf("%s%d", orderGID, id), "name": fmt.Sprintf("#%d", id), "test": false,
		"updatedAt": noon.Add(time.Duration(n) * time.Minute).Format(time.RFC3339), "currencyCode": "USD", "displayFinancialStatus": "PAID",
		"merchantOfRecordApp": nil, "retailLocation": nil, "billingAddress": nil, "fulfillments": []any{},
		"shippingAddress": object{"address1": "100 Main St", "city": "Austin", "provinceCode": "TX", "zip": "78701", "countryCodeV2": "US"},
		"agreements":      agreements,
	}
}

// fakeShopify answers as Shopify does for one shop. It fails the test on a
// request that Shopify would not understand.
type fakeShopify struct {
	t         testing.TB
	orders    []object
	scopes    []string
	dear      int // orders in a page from which a query is too dear; 0 = never
	requested int // what an order costs; 0 = Shopify does not say
	address   string

	mu    sync.Mutex
	calls map[string]int
	sizes []int              // of pages asked for
	bulks map[string]*object // operations by id
	state func(n int) object // how the n-th operation stands; nil = done
	moved bool               // agreements change places while they are read
}

func (f *fakeShopify) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/files/") {
		f.file(w, r)
		return
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Method != http.MethodPost || r.URL.Path != "/admin/api/2026-10/graphql.json" {
		f.t.Errorf("unexpected request %s %s: %v", r.Method, r.URL.Path, err)
	}
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[in.Operation]++
	answer := map[string]func(map[string]any) object{
		"Orders": f.list, "OrdersByID": f.byID, "Agreements": f.agreements, "Sales": f.sales, "Shop": f.shop,
		"OrdersCount": f.count, "StartBulk": f.startBulk, "Bulk": f.bulk, "Uninstall": f.uninstall,
	}[in.Operation]
	if answer == nil {
		f.t.Errorf("unexpected operation %q", in.Operation)
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	if err := json.NewEncoder(w).Encode(answer(in.Variables)); err != nil {
		f.t.Log(err) // the client hung up
	}
}

// searched are the orders of a search, oldest first.
func (f *fakeShopify) searched(query string) (found []object) {
	m := regexp.MustCompile(`^(updated_at|created_at):>='([^']+)' (updated_at|created_at):<'([^']+)'$`).FindStringSubmatch(query)
	if m == nil || m[1] != m[3] {
		f.t.Errorf("no search: %s", query)
		return nil
	}
	for _, o := range f.orders {
		at := fmt.Sprint(o["updatedAt"])
		if at >= m[2] && at < m[4] {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b object) int { return strings.Compare(fmt.Sprint(a["updatedAt"]), fmt.Sprint(b["updatedAt"])) })
	return found
}

// asked looks whether Shopify would find the query too dear.
func (f *fakeShopify) asked(n int) (refusal, extensions object) {
	f.sizes = append(f.sizes, n)
	if f.requested > 0 {
		extensions = object{"cost": object{
			"requestedQueryCost": n * f.requested, "actualQueryCost": n,
			"throttleStatus": object{"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0},
		}}
	}
	if f.dear > 0 && n >= f.dear {
		return refused("MAX_COST_EXCEEDED"), extensions
	}
	return nil, extensions
}

func refused(code string) object {
	return object{"errors": []any{object{"message": "secret-canary", "extensions": object{"code": code}}}, "data": nil}
}

func (f *fakeShopify) list(v map[string]any) object {
	n := int(v["n"].(float64))
	refusal, extensions := f.asked(n)
	if refusal != nil {
		return refusal
	}
	from := place(v["after"])
	found := f.searched(v["query"].(string))
	nodes, info := cut(found, from, n)
	return object{"data": object{"orders": object{"pageInfo": info, "nodes": shown(nodes)}}, "extensions": extensions}
}

// place is where a list goes on after a cursor.
func place(after any) int {
	text, _ := after.(string)
	n, err := strconv.Atoi(strings.TrimPrefix(text, "after-"))
	if err != nil { // from the beginning
		return 0
	}
	return n
}

// cut is a page of a list and its pageInfo.
func cut[T any](list []T, from, n int) ([]T, object) {
	end := min(from+n, len(list))
	if from >= end {
		return []T{}, object{"hasNextPage": false, "endCursor": nil}
	}
	return list[from:end], object{"hasNextPage": end < len(list), "endCursor": fmt.Sprintf("after-%d", end)}
}

func shown(orders []object) []any {
	all := make([]any, len(orders))
	for i, o := range orders {
		all[i] = shownOrder(o)
	}
	return all
}

// shownOrder is an order as the first page shows it.
func shownOrder(o object) object {
	c := copyOf(o)
	c["agreements"] = agreementsFrom(o, 0, 3)
	return c
}

func copyOf(o object) object {
	c := object{}
	for k, v := range o {
		c[k] = v
	}
	return c
}

func agreementsFrom(o object, from, n int) object {
	all := o["agreements"].([]object)
	some, info := cut(all, from, n)
	edges := []any{}
	for i, a := range some {
		edges = append(edges, object{"cursor": fmt.Sprintf("after-%d", from+i+1), "node": shownAgreement(a, 0, 10)})
	}
	return object{"pageInfo": info, "edges": edges}
}

func shownAgreement(a object, from, n int) object {
	c := copyOf(a)
	lines, info := cut(a["lines"].([]object), from, n)
	delete(c, "lines")
	c["sales"] = object{"pageInfo": info, "nodes": lines}
	return c
}

func (f *fakeShopify) order(id any) object {
	for _, o := range f.orders {
		if o["id"] == id {
			return o
		}
	}
	return nil
}

func (f *fakeShopify) byID(v map[string]any) object {
	ids := v["ids"].([]any)
	refusal, extensions := f.asked(len(ids))
	if refusal != nil {
		return refusal
	}
	nodes := []any{}
	for _, id := range ids {
		if o := f.order(id); o != nil {
			nodes = append(nodes, shownOrder(o))
		} else {
			nodes = append(nodes, nil)
		}
	}
	return object{"data": object{"nodes": nodes}, "extensions": extensions}
}

func (f *fakeShopify) agreements(v map[string]any) object {
	return object{"data": object{"node": object{"agreements": agreementsFrom(f.order(v["id"]), place(v["after"]), 10)}}}
}

func (f *fakeShopify) sales(v map[string]any) object {
	i := place(v["before"])
	if f.moved {
		i++
	}
	a := f.order(v["id"])["agreements"].([]object)[i]
	return object{"data": object{"node": object{"agreements": object{"nodes": []any{shownAgreement(a, place(v["after"]), 100)}}}}}
}

func (f *fakeShopify) shop(map[string]any) object {
	scopes := []any{}
	for _, s := range f.scopes {
		scopes = append(scopes, object{"handle": s})
	}
	return object{"data": object{
		"shop": object{
			"myshopifyDomain": fakeShop, "name": "Apple A Day", "email": "books@example.com", "shopOwnerName": "The Shop Owner", "ianaTimezone": "America/Chicago",
			"billingAddress": object{"address1": "100 Main St", "city": "Austin", "provinceCode": "TX", "zip": "78701", "countryCodeV2": "US", "phone": "+15125550100"},
		},
		"currentAppInstallation": object{"accessScopes": scopes},
	}}
}

func (f *fakeShopify) uninstall(map[string]any) object {
	return object{"data": object{"appUninstall": object{"userErrors": []any{}}}}
}

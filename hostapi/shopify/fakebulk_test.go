package shopify

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
)

// countLimit is as far as the fake counts.
func (f *fakeShopify) count(v map[string]any) object {
	n := len(f.searched(v["query"].(string)))
	limit := int(v["limit"].(float64))
	return object{"data": object{"ordersCount": object{"count": min(n, limit), "precision": "EXACT"}}}
}

var bulkSearch = regexp.MustCompile(`^\{ orders\(query: "([^"]+)"\)`)

func (f *fakeShopify) startBulk(v map[string]any) object {
	m := bulkSearch.FindStringSubmatch(v["query"].(string))
	if m == nil {
		f.t.Errorf("no bulk query: %s", v["query"])
		return refused("")
	}
	id := fmt.Sprintf("gid://shopify/BulkOperation/%d", len(f.bulks)+1)
	if f.bulks == nil {
		f.bulks = map[string]*object{}
	}
	f.bulks[id] = &object{"search": m[1]}
	return object{"data": object{"bulkOperationRunQuery": object{"bulkOperation": object{"id": id}, "userErrors": []any{}}}}
}

func (f *fakeShopify) bulk(v map[string]any) object {
	id := v["id"].(string)
	operation := f.bulks[id]
	if operation == nil {
		return object{"data": object{"bulkOperation": nil}}
	}
	n := f.calls["Bulk"]
	if f.state != nil {
		if state := f.state(n); state != nil {
			return object{"data": object{"bulkOperation": state}}
		}
	}
	lines := f.lines((*operation)["search"].(string))
	roots := len(f.searched((*operation)["search"].(string)))
	return object{"data": object{"bulkOperation": object{
		"status": "COMPLETED", "errorCode": nil, "objectCount": fmt.Sprint(len(lines)), "rootObjectCount": fmt.Sprint(roots),
		"url": f.address + "/files/" + id[strings.LastIndex(id, "/")+1:] + "?signature=canary",
	}}}
}

// lines are the lines of a result file, in no order that helps.
func (f *fakeShopify) lines(search string) (lines []string) {
	add := func(o object, parent any) {
		if parent != nil {
			o["__parentId"] = parent
		}
		b, err := json.Marshal(o)
		if err != nil {
			f.t.Error(err)
		}
		lines = append(lines, string(b))
	}
	for _, o := range f.searched(search) {
		root := copyOf(o)
		delete(root, "agreements")
		add(root, nil)
		for _, a := range o["agreements"].([]object) {
			node := copyOf(a)
			delete(node, "lines")
			add(node, o["id"])
			for _, l := range a["lines"].([]object) {
				add(copyOf(l), a["id"])
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return lines
}

// file hands out a result file to whoever has its address, and to nobody with a token.
func (f *fakeShopify) file(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"X-Shopify-Access-Token", "Authorization"} {
		if r.Header.Get(name) != "" {
			f.t.Errorf("the store of files was sent %s", name)
		}
	}
	operation := f.bulks["gid://shopify/BulkOperation/"+strings.TrimPrefix(r.URL.Path, "/files/")]
	if operation == nil {
		f.t.Errorf("unexpected file %s", r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls["file"]++
	for _, line := range f.lines((*operation)["search"].(string)) {
		fmt.Fprintln(w, line)
	}
}

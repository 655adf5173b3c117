package trustfile

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"extractor/models"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		index int
		field string
		named bool
	}{
		".items[3].shippingTax":         {3, "shippingTax", true},
		"items[3].shipToAddress.zip":    {3, "shipToAddress.zip", true},
		"/items/3/shippingTax":          {3, "shippingTax", true},
		"#/items/999/salesTax":          {999, "salesTax", true},
		"['items'][0]['salesTax']":      {0, "salesTax", true},
		`$["items"][12]`:                {12, "", true},
		"data.items[3].x":               {3, "x", true},
		".items[3]['12 Canary Street']": {3, "", true}, // no property of ours
		".items":                        {0, "items", false},
		".items[]":                      {0, "items", false},
		".items[-1].x":                  {0, "", false},
		".items[03].x":                  {0, "items.03.x", false},
		".items[1e2].x":                 {0, "items.1e2.x", false},
		".items[99999999999999999999]":  {0, "items.99999999999999999999", false},
		".consumerSystem":               {0, "consumerSystem", false},
		"[3].shippingTax":               {0, "3.shippingTax", false},
		"":                              {0, "", false},
	} {
		if index, field, named := parsePath(path); index != want.index || field != want.field || named != want.named {
			t.Errorf("%q: %d %q %v", path, index, field, named)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{".items[3].shippingTax", "/items/3/x", "['items'][0]", ".items", "items[999999].ä"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		index, field, named := parsePath(path)
		if index < 0 || index > 999_999 || len(field) > 60 || strings.ContainsAny(field, " @\"<\n") {
			t.Errorf("%q: %d %q", path, index, field)
		}
		if named && !strings.Contains(path, "items") {
			t.Errorf("%q names an item", path)
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	items := []models.Item{item(0), item(1), item(2), item(4)}
	for name, c := range map[string]struct {
		body   string
		kind   models.Kind // of the error; empty = culprits
		blamed []int
	}{
		"one":                {refusal(2).Body, "", []int{2}},
		"two":                {refusal(0, 3).Body, "", []int{0, 3}},
		"same twice":         {refusal(1, 1).Body, "", []int{1}},
		"beside the batch":   {`{"errors":[{"dataPath":".items"},{"dataPath":".items[1]"}]}`, "", []int{1}},
		"instancePath":       {`{"errors":[{"instancePath":"/items/1/salesTax","message":"x"}]}`, "", []int{1}},
		"odd ones between":   {`{"errors":["x",7,{"dataPath":7},{"dataPath":".items[1]","message":[],"schema":{},"data":null}]}`, "", []int{1}},
		"processed a word":   {`{"processed":"0","errors":[{"dataPath":".items[1]"}]}`, "", []int{1}},
		"batch only":         {refusal().Body, models.Refused, nil},
		"beyond the batch":   {refusal(1, 4).Body, models.Refused, nil},
		"no errors":          {`{"processed":0}`, models.Refused, nil},
		"errors no list":     {`{"errors":{"0":"x"}}`, models.Refused, nil},
		"no JSON":            {`<html>bad request</html>`, models.Refused, nil},
		"empty":              {``, models.Refused, nil},
		"took some all same": {`{"processed":2,"errors":[{"dataPath":".items[1]"}]}`, models.Unsure, nil},
	} {
		receipt, err := refused([]byte(c.body), items)
		if (err != nil || c.kind != "") && models.KindOf(err) != c.kind || len(receipt.Refused) != len(c.blamed) {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		for _, i := range c.blamed {
			if receipt.Refused[items[i].Ref()] == "" {
				t.Errorf("%s: %d is not blamed: %+v", name, i, receipt)
			}
		}
	}
}

// An item that stands alone is the one to blame, whatever the path says.
func TestRefusedAlone(t *testing.T) {
	t.Parallel()
	only := []models.Item{item(0)}
	for _, path := range []string{".items", ".items[1].salesTax", ""} {
		body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"dataPath": path, "message": "is odd"}}})
		receipt, err := refused(body, only)
		if err != nil || !strings.Contains(receipt.Refused[only[0].Ref()], "is odd") {
			t.Errorf("%q: %+v, %v", path, receipt, err)
		}
	}
	if _, err := refused([]byte(`{}`), only); models.KindOf(err) != models.Refused {
		t.Errorf("no complaint at all: %v", err)
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	i := item(0)
	for _, c := range []struct{ field, message, data, want string }{
		{"shippingTax", "should be number", `"x"`, "TrustFile does not accept shippingTax: should be number."},
		{"", "", ``, "TrustFile does not accept this item."},
		{"salesTax", "should match.", `null`, "TrustFile does not accept salesTax: should match."},
		{"zip", `"78701-1234" in AUSTIN is odd`, ``, `TrustFile does not accept zip: "…" in … is odd.`},
		{"x", "ann@mail.example, Ann Example: no", `{"a":["Ann Example"],"b":"ann@mail.example"}`, "TrustFile does not accept x: …, …: no."},
		{"x", "line\nbreak \x00", `"be"`, "TrustFile does not accept x: line break."},
		{"x", "better be gone", `"be"`, "TrustFile does not accept x: better … gone."},
		{"x", "0a b a b a", `"a b a"`, "TrustFile does not accept x: 0a b …."},
		{"x", strings.Repeat("long ", 500), ``, "TrustFile does not accept x."},
		{"x", strings.Repeat("long ", 59) + "maintained", `"maint"`, "TrustFile does not accept x: " + strings.Repeat("long ", 59) + "…."},
	} {
		have := complaint{Message: c.message, Data: json.RawMessage(c.data)}.sentence(c.field, &i)
		if have != c.want {
			t.Errorf("%q, %s: %q", c.message, c.data, have)
		}
	}
}

// However a message quotes the street, the street does not come out.
func FuzzWithoutPersonal(f *testing.F) {
	f.Add("should be ", " in order", "12 Canary Street")
	f.Add("", "", "ß İ")
	f.Add("0d", "", "d d")
	f.Fuzz(func(t *testing.T, before, after, street string) {
		street = strings.TrimSpace(printable(street))
		i := item(0)
		i.Sale.ShipTo.Line1 = street
		have := withoutPersonal(before+" "+street+" "+after, nil, &i)
		if !utf8.ValidString(have) || utf8.RuneCountInString(have) > maxReason {
			t.Errorf("%q", have)
		}
		if street != "" && !strings.Contains("…", street) && strings.Contains(" "+have+" ", " "+street+" ") {
			t.Errorf("%q shows %q", have, street)
		}
	})
}

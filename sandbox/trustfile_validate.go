package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	fastjson "github.com/goccy/go-json"

	"extractor/models"
)

// maxItems is the most items of one request.
const maxItems = 1000

// item is a well-formed item. Amounts keep their text, so that what is not a
// number, or not a number of cents, is seen.
type item struct {
	ItemID         *string             `json:"itemId"`
	Date           *string             `json:"transactionDate"`
	ShipTo         *itemAddress        `json:"shipToAddress"`
	SalesAmount    fastjson.RawMessage `json:"salesAmount"`
	SalesTax       fastjson.RawMessage `json:"salesTax"`
	ShippingAmount fastjson.RawMessage `json:"shippingAmount"`
	ShippingTax    fastjson.RawMessage `json:"shippingTax"`
	Refund         *bool               `json:"refund"`
	Description    *string             `json:"description"`
	ReviewRequired *bool               `json:"reviewRequired"`
	ReviewMessage  *string             `json:"reviewMessage"`
}

type itemAddress struct {
	Line1 *string `json:"line1"`
	City  *string `json:"city"`
	State *string `json:"state"`
	Zip   *string `json:"zip"`
}

// complaint is one entry of a 400's errors.
type complaint struct {
	Keyword  string `json:"keyword"`
	DataPath string `json:"dataPath"`
	Message  string `json:"message"`
	Schema   any    `json:"schema"`
	Data     any    `json:"data,omitempty"`
}

// batch is the body of a POST.
type batch struct {
	Items    []fastjson.RawMessage `json:"items"`
	Consumer string                `json:"consumerSystem"`
}

// readBatch reads and checks a body. Any complaint means that nothing is taken.
func readBatch(body []byte) ([]item, []fastjson.RawMessage, []complaint) {
	var b batch
	if err := fastjson.Unmarshal(body, &b); err != nil || b.Items == nil {
		return nil, nil, []complaint{{"type", ".items", "should be array", "array", nil}}
	}
	if len(b.Items) > maxItems {
		return nil, nil, []complaint{{"maxItems", ".items", fmt.Sprintf("should NOT have more than %d items", maxItems), maxItems, nil}}
	}
	items := make([]item, len(b.Items))
	var all []complaint
	for i, raw := range b.Items {
		if fastjson.Unmarshal(raw, &items[i]) != nil || !items[i].fine() {
			all = append(all, complain(raw, fmt.Sprintf(".items[%d]", i))...)
		}
	}
	return items, b.Items, all
}

// fine is the quick check: true means that nothing is wrong.
func (i *item) fine() bool {
	return i.ItemID != nil && *i.ItemID != "" && i.Refund != nil && i.Date != nil && isDate(*i.Date) &&
		i.ShipTo != nil && i.ShipTo.State != nil && stateForm.MatchString(*i.ShipTo.State) &&
		i.ShipTo.Zip != nil && zipForm.MatchString(*i.ShipTo.Zip) &&
		isNumber(i.SalesAmount) && isNumber(i.SalesTax) && isNumber(i.ShippingAmount) && isNumber(i.ShippingTax) &&
		(i.ReviewRequired == nil || !*i.ReviewRequired || i.ReviewMessage != nil && *i.ReviewMessage != "")
}

var (
	stateForm = regexp.MustCompile(`^[A-Z]{2}$`)
	zipForm   = regexp.MustCompile(`^\d{5}(-?\d{4})?$`)
)

func isNumber(raw []byte) bool {
	return len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

// isDate reports whether text is a date-time, with or without a zone.
func isDate(text string) bool {
	if len(text) == len(models.LocalTimeLayout) {
		_, err := time.Parse(models.LocalTimeLayout, text)
		return err == nil
	}
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// rule is what TrustFile's schema says of one property.
type rule struct {
	name, kind string // kind: "string", "number", "boolean", "object"
	required   bool
	form       *regexp.Regexp
}

var itemRules = []rule{
	{"itemId", "string", true, regexp.MustCompile(`.`)},
	{"transactionDate", "string", true, nil},
	{"shipToAddress", "object", true, nil},
	{"salesAmount", "number", true, nil},
	{"salesTax", "number", true, nil},
	{"shippingAmount", "number", true, nil},
	{"shippingTax", "number", true, nil},
	{"refund", "boolean", true, nil},
	{"description", "string", false, nil},
	{"reviewRequired", "boolean", false, nil},
	{"reviewMessage", "string", false, nil},
}

var addressRules = []rule{
	{"line1", "string", false, nil},
	{"city", "string", false, nil},
	{"state", "string", true, stateForm},
	{"zip", "string", true, zipForm},
}

// complain is the thorough check: everything that is wrong with one item.
func complain(raw []byte, path string) []complaint {
	var v any
	if d := json.NewDecoder(bytes.NewReader(raw)); d.Decode(&v) != nil {
		return []complaint{{"type", path, "should be object", "object", nil}}
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return []complaint{{"type", path, "should be object", "object", v}}
	}
	all := checkRules(fields, itemRules, path)
	if date, ok := fields["transactionDate"].(string); ok && !isDate(date) {
		all = append(all, complaint{"format", path + ".transactionDate", `should match format "date-time"`, "date-time", date})
	}
	if to, ok := fields["shipToAddress"].(map[string]any); ok {
		all = append(all, checkRules(to, addressRules, path+".shipToAddress")...)
	}
	if message, _ := fields["reviewMessage"].(string); fields["reviewRequired"] == true && message == "" {
		all = append(all, complaint{"required", path + ".reviewMessage", "is a required property", nil, nil})
	}
	return all
}

func checkRules(fields map[string]any, rules []rule, path string) []complaint {
	var all []complaint
	for _, r := range rules {
		v, present := fields[r.name]
		at := path + "." + r.name
		text, isText := v.(string)
		switch {
		case !present && r.required:
			all = append(all, complaint{"required", at, "is a required property", requiredOf(rules), nil})
		case present && !isKind(v, r.kind):
			all = append(all, complaint{"type", at, "should be " + r.kind, r.kind, v})
		case isText && r.form != nil && !r.form.MatchString(text):
			all = append(all, complaint{"pattern", at, fmt.Sprintf("should match pattern %q", r.form), r.form.String(), v})
		}
	}
	return all
}

func requiredOf(rules []rule) []string {
	var names []string
	for _, r := range rules {
		if r.required {
			names = append(names, r.name)
		}
	}
	return names
}

func isKind(v any, kind string) bool {
	switch v.(type) {
	case string:
		return kind == "string"
	case float64:
		return kind == "number"
	case bool:
		return kind == "boolean"
	case map[string]any:
		return kind == "object"
	}
	return false
}

// blame makes the complaints a fault asks for: about the items it names, or
// about the batch as a whole.
func (f Fault) blame(items []item) []complaint {
	if strings.TrimSpace(f.DataPath) == ".items" {
		if len(f.Items) == 0 || slices.ContainsFunc(items, f.names) {
			return []complaint{{"custom", ".items", "is not usable", nil, nil}}
		}
		return nil
	}
	var all []complaint
	for i := range items {
		if f.names(items[i]) {
			all = append(all, complaint{"custom", fmt.Sprintf(".items[%d]%s", i, or(f.DataPath, ".salesTax")), "is not acceptable", 0, nil})
		}
	}
	return all
}

func (f Fault) names(i item) bool { return i.ItemID != nil && slices.Contains(f.Items, *i.ItemID) }

package shopify

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// schemaFile is Shopify's own introspection of version 2026-10.
const schemaFile = "../../../shared/data/hosts/shopify/schema/admin_2026-10.json.gz"

// introspected is a schema as introspection tells it.
type introspected struct {
	Query    struct{ Name string } `json:"queryType"`
	Mutation struct{ Name string } `json:"mutationType"`
	Types    []introspectedType    `json:"types"`
}

type introspectedType struct {
	Kind, Name string
	Fields     []struct {
		Name string
		Args []introspectedInput
		Type typeRef
	}
	InputFields           []introspectedInput
	Interfaces            []typeRef
	EnumValues            []struct{ Name string }
	PossibleTypes         []typeRef
	IsOneOf, IsDeprecated bool
}

type introspectedInput struct {
	Name         string
	Type         typeRef
	DefaultValue *string
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

// builtIn are the types that the parser brings along.
var builtIn = []string{"String", "Int", "Float", "Boolean", "ID"}

// sdl is the schema in GraphQL's schema language.
func (s introspected) sdl() string {
	var b strings.Builder
	fmt.Fprintf(&b, "schema { query: %s mutation: %s }\n", s.Query.Name, s.Mutation.Name)
	for _, t := range s.Types {
		if !strings.HasPrefix(t.Name, "__") && !slices.Contains(builtIn, t.Name) {
			t.write(&b)
		}
	}
	return b.String()
}

func (t introspectedType) write(b *strings.Builder) {
	switch t.Kind {
	case "SCALAR":
		fmt.Fprintf(b, "scalar %s\n", t.Name)
	case "UNION":
		fmt.Fprintf(b, "union %s = %s\n", t.Name, joined(t.PossibleTypes, " | "))
	case "ENUM":
		fmt.Fprintf(b, "enum %s {", t.Name)
		for _, v := range t.EnumValues {
			fmt.Fprintf(b, " %s", v.Name)
		}
		b.WriteString(" }\n")
	case "INPUT_OBJECT":
		fmt.Fprintf(b, "input %s {\n%s}\n", t.Name, inputs(t.InputFields))
	case "OBJECT", "INTERFACE":
		t.writeFields(b)
	}
}

func (t introspectedType) writeFields(b *strings.Builder) {
	word := map[string]string{"OBJECT": "type", "INTERFACE": "interface"}[t.Kind]
	fmt.Fprintf(b, "%s %s ", word, t.Name)
	if len(t.Interfaces) > 0 {
		fmt.Fprintf(b, "implements %s ", joined(t.Interfaces, " & "))
	}
	b.WriteString("{\n")
	for _, f := range t.Fields {
		arguments := ""
		if len(f.Args) > 0 {
			arguments = "(" + inputs(f.Args) + ")"
		}
		fmt.Fprintf(b, "%s%s: %s\n", f.Name, arguments, f.Type)
	}
	b.WriteString("}\n")
}

func joined(types []typeRef, by string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	return strings.Join(names, by)
}

func inputs(list []introspectedInput) string {
	var b strings.Builder
	for _, in := range list {
		fmt.Fprintf(&b, "%s: %s", in.Name, in.Type)
		if in.DefaultValue != nil {
			fmt.Fprintf(&b, " = %s", *in.DefaultValue)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	file, err := os.Open(schemaFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("Shopify's schema lies outside the repository and is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Schema introspected `json:"__schema"`
		} `json:"data"`
	}
	if err := json.NewDecoder(z).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "admin.graphql", Input: answer.Data.Schema.sdl()})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Each query is one that Shopify's schema knows, bulk operations' too.
func TestQueriesFitTheSchema(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	queries := []operation{ordersQuery, nodesQuery, agreementsQuery, salesQuery, countQuery, shopQuery, uninstallMutation, bulkMutation, bulkQuery,
		{"", bulkText(byUpdate.search(window))}}
	for _, q := range queries {
		document, errs := gqlparser.LoadQueryWithRules(schema, q.text, rules.NewDefaultRules())
		if len(errs) > 0 {
			t.Errorf("%s: %v\n%s", q.name, errs, q.text)
			continue
		}
		if len(document.Operations) != 1 || document.Operations[0].Name != q.name {
			t.Errorf("%s is not the operation of its document", q.name)
		}
	}
	if _, errs := gqlparser.LoadQueryWithRules(schema, `{ orders(first: 1) { nodes { nonsense } } }`, rules.NewDefaultRules()); len(errs) == 0 {
		t.Error("nonsense fits the schema as well")
	}
	if word := schema.Types["SaleLineType"]; len(word.EnumValues) != 9 || len(schema.Types["OrderDisplayFinancialStatus"].EnumValues) != 8 {
		t.Error("there are kinds of line or of payment that convert.go was not written for")
	}
}

// A bulk query may nest its connections two deep, five in all.
func TestTheBulkQueryIsWithinItsLimits(t *testing.T) {
	t.Parallel()
	text := bulkText("x")
	if n := strings.Count(text, "edges {"); n != 3 {
		t.Errorf("%d connections", n)
	}
	if strings.Contains(text, "pageInfo") || strings.Contains(text, "nodes") {
		t.Error(text)
	}
}

// Package env reads variables of the environment into structs, with errors for
// the person who sets them, and lists them for the documentation.
//
// A field is told by its tags:
//
//	envconfig:"NAME"     the whole name; without it the name is the prefix and
//	split_words:"true"   the field's words: PREFIX_CLIENT_ID
//	required:"true"      it has to be set
//	default:"10"         what holds when it is not set
//	desc:"…"             what it should be; reads well after "It should be"
//	example:"…"          after "such as"
//	secret:"true"        never shown
//	generator:"secret"   a platform may make it up, as app.json has it
//	given:"…"            who sets it, when it is not the operator
package env

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Variable is one variable of the environment.
type Variable struct {
	Name, Default, Desc, Example, Generator, Given string
	Required, Secret                               bool
}

// Set reports whether the variable is set. An empty one is not: platforms and
// shells have no other way to say so.
func (v Variable) Set() bool { return strings.TrimSpace(os.Getenv(v.Name)) != "" }

// should ends every complaint; the value is never part of one.
func (v Variable) should() string {
	if v.Example == "" {
		return v.Desc
	}
	return v.Desc + ", such as " + v.Example
}

// ill is the error of a value that cannot be used.
func (v Variable) ill() error {
	return fmt.Errorf("%s is ill-formed: it should be %s", v.Name, v.should())
}

// Load reads the variables of spec, a pointer to a struct. The error names the
// variable and says what it should be.
func Load(prefix string, spec any) error {
	byField := map[string]Variable{}
	for _, f := range fields(prefix, spec) {
		byField[f.field] = f.Variable
		if f.Set() {
			continue
		}
		if f.Required && f.Default == "" {
			return fmt.Errorf("%s is not set: it should be %s", f.Name, f.should())
		}
		if err := os.Unsetenv(f.Name); err != nil {
			return err
		}
	}
	return complain(envconfig.Process(prefix, spec), byField)
}

// complain replaces envconfig's errors, which repeat the value.
func complain(err error, byField map[string]Variable) error {
	var ill *envconfig.ParseError
	if errors.As(err, &ill) {
		return byField[ill.FieldName].ill()
	}
	return err
}

// List is all variables of spec, a pointer to a struct, in its order.
func List(prefix string, spec any) []Variable {
	var all []Variable
	for _, f := range fields(prefix, spec) {
		all = append(all, f.Variable)
	}
	return all
}

// field is a variable and the name of the struct's field it is read into.
type field struct {
	Variable
	field string
}

func fields(prefix string, spec any) []field {
	var all []field
	t := reflect.TypeOf(spec).Elem()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Tag.Get("ignored") == "true" {
			continue
		}
		all = append(all, field{field: f.Name, Variable: Variable{
			Name: name(prefix, f), Default: f.Tag.Get("default"), Desc: f.Tag.Get("desc"), Example: f.Tag.Get("example"),
			Generator: f.Tag.Get("generator"), Given: f.Tag.Get("given"),
			Required: f.Tag.Get("required") == "true", Secret: f.Tag.Get("secret") == "true",
		}})
	}
	return all
}

// Words are taken apart as envconfig does: ItemsURL is ITEMS_URL, HTTPPort is HTTP_PORT.
var (
	runs    = regexp.MustCompile(`[^A-Z]+|[A-Z]+[^A-Z]+|[A-Z]+`)
	acronym = regexp.MustCompile(`^([A-Z]+)([A-Z][^A-Z]+)$`)
)

func split(name string) string {
	var words []string
	for _, run := range runs.FindAllString(name, -1) {
		words = append(words, acronym.ReplaceAllString(run, "${1}_${2}"))
	}
	return strings.Join(words, "_")
}

func name(prefix string, f reflect.StructField) string {
	if whole := f.Tag.Get("envconfig"); whole != "" {
		return strings.ToUpper(whole)
	}
	n := f.Name
	if f.Tag.Get("split_words") == "true" {
		n = split(n)
	}
	if prefix != "" {
		n = prefix + "_" + n
	}
	return strings.ToUpper(n)
}

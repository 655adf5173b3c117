package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"extractor/internal/env"
)

var update = flag.Bool("update", false, "write what is made of the variables into app.json and README.md")

// TestEveryVariableIsDocumented: app.json and README.md tell every variable, and none besides.
func TestEveryVariableIsDocumented(t *testing.T) {
	for name, render := range map[string]func(t *testing.T, old []byte) []byte{"app.json": renderManifest, "README.md": renderReadme} {
		old, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fresh := render(t, old)
		if bytes.Equal(old, fresh) {
			continue
		}
		if !*update {
			t.Errorf("%s does not tell the variables as they are: run make generate", name)
			continue
		}
		if err := os.WriteFile(name, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// manifest is app.json. Only env is made by us; the rest stays as it was written.
type manifest struct {
	Name         json.RawMessage `json:"name"`
	Description  json.RawMessage `json:"description"`
	Keywords     json.RawMessage `json:"keywords"`
	Stack        json.RawMessage `json:"stack"`
	Buildpacks   json.RawMessage `json:"buildpacks"`
	Addons       json.RawMessage `json:"addons"`
	Formation    json.RawMessage `json:"formation"`
	Env          manifestEnv     `json:"env"`
	Environments json.RawMessage `json:"environments"`
}

// manifestEnv keeps the order of the variables.
type manifestEnv []env.Variable

// manifestVariable is one variable as app.json has it.
type manifestVariable struct {
	Description string `json:"description"`
	Generator   string `json:"generator,omitempty"`
	Value       string `json:"value,omitempty"`
	Required    bool   `json:"required"`
}

// UnmarshalJSON drops what was there: it is made anew.
func (m *manifestEnv) UnmarshalJSON([]byte) error { return nil }

// MarshalJSON writes the variables in their order.
func (m manifestEnv) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, v := range m {
		entry, err := json.Marshal(manifestVariable{description(v), v.Generator, v.Default, v.Required && v.Default == "" && v.Given == ""})
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%c%q:%s", "{,"[min(i, 1)], v.Name, entry)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func description(v env.Variable) string {
	text := v.Desc
	if v.Example != "" {
		text += ", such as " + v.Example
	}
	if v.Given != "" {
		text += "; set by " + v.Given + ": leave it empty"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func renderManifest(t *testing.T, old []byte) []byte {
	t.Helper()
	var m manifest
	in := json.NewDecoder(bytes.NewReader(old))
	in.DisallowUnknownFields()
	if err := in.Decode(&m); err != nil {
		t.Fatalf("app.json: %v", err)
	}
	m.Env = variables()
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const tableStart, tableEnd = "<!-- variables -->\n", "<!-- /variables -->"

func renderReadme(t *testing.T, old []byte) []byte {
	t.Helper()
	before, rest, found := strings.Cut(string(old), tableStart)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("README.md has no %q and %q", tableStart, tableEnd)
	}
	return []byte(before + tableStart + table() + tableEnd + after)
}

// table is the variables as a table of Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("| variable | default | what it should be |\n|---|---|---|\n")
	for _, v := range variables() {
		fallback := "–"
		switch {
		case v.Default != "":
			fallback = "`" + v.Default + "`"
		case v.Required:
			fallback = "required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, fallback, strings.ReplaceAll(description(v), "|", "\\|"))
	}
	return b.String()
}

func TestEveryVariableHasADescriptionAndOneName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range variables() {
		if v.Desc == "" {
			t.Errorf("%s has no description", v.Name)
		}
		if seen[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		seen[v.Name] = true
		for _, word := range []string{"TOKEN", "SECRET", "KEY", "DATABASE_URL"} {
			if strings.Contains(v.Name, word) && !strings.HasPrefix(v.Name, "REQUIRE_") && !v.Secret {
				t.Errorf("%s looks like a secret and is not marked", v.Name)
			}
		}
	}
}

// TestAdaptersVariablesCarryTheirPrefix: a name without it could be read from a
// variable that someone else means otherwise, such as CLIENT_ID.
func TestAdaptersVariablesCarryTheirPrefix(t *testing.T) {
	t.Parallel()
	check := func(name string, config any) {
		for _, v := range env.List(prefix(name), config) {
			if !strings.HasPrefix(v.Name, prefix(name)+"_") && v.Name != "EXTRACTOR_TO_AVALARA_TOKEN" { // the contract's own name
				t.Errorf("%s of %s: use split_words in place of envconfig", v.Name, name)
			}
		}
	}
	for name, newConfig := range hostConfigs {
		check(name, newConfig())
	}
	for name, newConfig := range targetConfigs {
		check(name, newConfig())
	}
}

// wellFormed are variables that the service starts with.
var wellFormed = map[string]string{
	"DATABASE_URL":               "postgres://u:p@db.example.com/x",
	"AVALARA_TO_EXTRACTOR_TOKEN": "new-bearer,old-bearer",
	"EXTRACTOR_TO_AVALARA_TOKEN": "ours",
	"PUBLIC_URL":                 "https://extractor.example.com/",
	"ENCRYPTION_KEYS":            "b:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	"DEFAULT_HOST":               "square",
	"SQUARE_CLIENT_ID":           "id",
	"SQUARE_CLIENT_SECRET":       "secret",
	"TRUSTFILE_ITEMS_URL":        "https://api.example.com/v3",
	"TRUSTFILE_APP_URL":          "https://app.example.com/v4",
}

func setAll(t *testing.T) {
	t.Helper()
	for _, v := range variables() {
		t.Setenv(v.Name, wellFormed[v.Name])
	}
}

func TestWellFormedVariables(t *testing.T) {
	setAll(t)
	var c Config
	if err := load(c.groups()...); err != nil {
		t.Fatal(err)
	}
	if c.Web.PublicURL != "https://extractor.example.com" || len(c.Web.Tokens) != 2 || c.Web.Port != 8080 {
		t.Errorf("%+v", c.Web)
	}
	if want := "https://app.trustfile.avalara.com/connectors/success"; len(c.Web.RedirectAllowlist) != 1 || c.Web.RedirectAllowlist[0] != want {
		t.Errorf("%v", c.Web.RedirectAllowlist)
	}
	hosts, err := openHosts(c.Engine.DefaultHost)
	if err != nil || hosts["square"] == nil || len(hosts) != 1 {
		t.Errorf("%v, %v", hosts, err)
	}
	if _, err := openTarget(theTarget); err != nil {
		t.Error(err)
	}
}

// TestIllFormedVariables: one line that names the variable, and never its value.
func TestIllFormedVariables(t *testing.T) {
	const canary = "c4n4ry"
	for name, values := range map[string][]string{
		"PORT":                          {canary, "0", "65536", "80.5"},
		"DATABASE_URL":                  {"", " ", canary, "mysql://u:" + canary + "@h/x", "postgres://u:" + canary + "@h:nan/x"},
		"DB_POOL_SIZE":                  {canary, "1", "501"},
		"AVALARA_TO_EXTRACTOR_TOKEN":    {"", canary + ",", canary + " x", canary + ",ü"},
		"EXTRACTOR_TO_AVALARA_TOKEN":    {""},
		"PUBLIC_URL":                    {"", canary, "ftp://" + canary, "https://h/" + canary, "https://u:" + canary + "@h", "https://h?x=" + canary},
		"REDIRECT_ALLOWLIST":            {"javascript://" + canary, "http://h/" + canary, "h/x?" + canary + "=1", "u@h/" + canary, "h/x#" + canary, ","},
		"REDIRECT_ID":                   {canary},
		"REQUIRE_AUTHENTICATION_TICKET": {canary},
		"ENCRYPTION_KEYS":               {"", canary, "a:" + canary, "a:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,a:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
		"DEFAULT_HOST":                  {"", canary},
		"SYNC_INTERVAL":                 {canary, "0s", "25h", "15"},
		"WORKERS":                       {canary, "2", "-1"},
		"NON_US":                        {canary},
		"NON_USD":                       {canary},
		"PERIOD_CLOSE_DAY":              {canary, "0", "29"},
		"LOG_LEVEL":                     {canary},
		"TRUSTFILE_ITEMS_URL":           {"", canary},
		"TRUSTFILE_APP_URL":             {"", canary},
		"TRUSTFILE_DATE_ZONE":           {canary},
		"SQUARE_CLIENT_ID":              {""},
		"SQUARE_CLIENT_SECRET":          {""},
		"SQUARE_ENVIRONMENT":            {canary},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				setAll(t)
				t.Setenv(name, value)
				var out, log bytes.Buffer
				m := &Main{Out: &out, Err: &log}
				if status := m.Run(t.Context(), []string{"worker"}); name != "PORT" && !webOnly(name) && status != 1 {
					t.Errorf("worker ended with %d", status)
				}
				if webOnly(name) || name == "PORT" {
					log.Reset()
					if status := m.Run(t.Context(), []string{"serve"}); status != 1 {
						t.Errorf("serve ended with %d", status)
					}
				}
				line := log.String()
				if !strings.HasPrefix(line, "extractor: "+name) || strings.Count(line, "\n") != 1 {
					t.Errorf("not one line that names %s: %s", name, line)
				}
				if strings.Contains(line, canary) {
					t.Errorf("the value is shown: %s", line)
				}
			})
		}
	}
}

// webOnly reports whether only serve reads the variable.
func webOnly(name string) bool {
	for _, v := range env.List("", &new(Config).Web) {
		if v.Name == name {
			return true
		}
	}
	return false
}

package env

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

type sample struct {
	Whole     string `envconfig:"ENV_TEST_WHOLE" required:"true" desc:"a word" example:"hello" secret:"true"`
	ItemsURL  string `split_words:"true" default:"http://x" desc:"an address"`
	HTTPPort  int    `split_words:"true" desc:"a port"`
	Picky     picky  `split_words:"true" desc:"the word yes"`
	unwatched string
	Ignored   string `ignored:"true"`
}

type picky string

func (p *picky) Decode(s string) error {
	if s != "yes" {
		return errors.New("not yes: " + s)
	}
	*p = picky(s)
	return nil
}

func TestLoad(t *testing.T) {
	t.Setenv("ENV_TEST_WHOLE", "w")
	t.Setenv("ENV_TEST_HTTP_PORT", "")
	t.Setenv("ENV_TEST_PICKY", "yes")
	s := sample{unwatched: "u"}
	if err := Load("ENV_TEST", &s); err != nil {
		t.Fatal(err)
	}
	if want := (sample{Whole: "w", ItemsURL: "http://x", Picky: "yes", unwatched: "u"}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
}

func TestComplaintsNameTheVariableAndNeverTheValue(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"ENV_TEST_WHOLE", " ", "ENV_TEST_WHOLE is not set: it should be a word, such as hello"},
		{"ENV_TEST_HTTP_PORT", "s3cr3t", "ENV_TEST_HTTP_PORT is ill-formed: it should be a port"},
		{"ENV_TEST_PICKY", "s3cr3t", "ENV_TEST_PICKY is ill-formed: it should be the word yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("ENV_TEST_WHOLE", "w")
			t.Setenv(c.name, c.value)
			if err := Load("ENV_TEST", &sample{}); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Setenv("ENV_TEST_WHOLE", "s3cr3t")
	var names []string
	all := List("ENV_TEST", &sample{})
	for _, v := range all {
		names = append(names, v.Name)
	}
	if got := strings.Join(names, " "); got != "ENV_TEST_WHOLE ENV_TEST_ITEMS_URL ENV_TEST_HTTP_PORT ENV_TEST_PICKY" {
		t.Errorf("got %s", got)
	}
	var out bytes.Buffer
	if err := Table(&out, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ENV_TEST_WHOLE      yes  (required)  a word, such as hello", "http://x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "s3cr3t") {
		t.Error("a value is shown")
	}
}

package handlers

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"
)

// mark is in everything that a caller wrote and that must not come back out of
// a page unescaped, or reach a log.
const mark = "canary"

// nasty are texts that have confused readers of text.
var nasty = []string{
	"", " ", mark, "<" + mark + ">", `"><` + mark + ` x='`, "{{" + mark + "}}", "' OR 1=1 --", `\`, "\x00", "a\x00b", "\ufeff", "\u202e", "\u2028",
	"\xff", "\xc0\xaf", "🙈", "ß", "ſ", "K", "e\u0301", "null", "true", "false", "0", "-1", "1e400", "NaN", "0x10", "99999999999999999999",
	"9223372036854775808", "2147483648", "..", ".", "../../etc/passwd", "%00", "%2e%2e%2f", "%", "%zz", "//evil.example", `\\evil.example`,
	"https://evil.example/" + mark, "javascript:" + mark, "a\r\nX-Canary: 1", "a\nb", "\t", "${jndi:ldap://x}", ":id", "*asset", "'", ";", "&", "=", "#", "?",
	"0000-00-00", "2018-02-30", "9999-12-31", "0000-01-01", "10000-01-01", "1969-12-31", "2018-04-01T00:00:00+23:59", strings.Repeat("a", 300), strings.Repeat("ä", 5000),
}

// nastyJSON are values of another kind than asked for.
var nastyJSON = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e400`, `12345678901234567890`, `""`, `" "`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\ufffe"`, `[]`, `[[]]`, `{}`,
	`{"a":1}`, `{"a":null}`, `"<canary>"`, strings.Repeat("[", 40) + strings.Repeat("]", 40), strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat("}", 40), `x`, ``,
}

// hostNames are those of the fuzzed service, and one that is not there.
var hostNames = []string{"shop", "typed", "market", "keys", "bell", "nowhere"}

// die draws a number from 0 up to n, each as likely: rapid's own prefer small
// ones. 0 is what a failure is reduced to, so it is the usual case everywhere.
func die(t *rapid.T, name string, n int) int {
	return rapid.Custom(func(t *rapid.T) int {
		drawn, of := 0, 1
		for ; of < 8*n; of *= 2 {
			drawn *= 2
			if rapid.Bool().Draw(t, "bit") {
				drawn++
			}
		}
		return drawn * n / of
	}).Draw(t, name)
}

// pick draws one of all, each as likely.
func pick[T any](t *rapid.T, name string, all ...T) T { return all[die(t, name, len(all))] }

// drawn is what the requests of one check know of each other.
type drawn struct {
	ids      []string // connections that were asked for
	attempts []begun  // that pages and redirects showed
	focus    begun    // the one that this request is about
	tickets  []string
	returns  []string // callbacks that a host answered with
}

// begun is an attempt of a browser to let us into a host.
type begun struct{ host, state string }

// meant is a value that the operation is made for, by the parameter's name.
func (d *drawn) meant(t *rapid.T, name string) string {
	pick := func(all ...string) string { return pick(t, name, all...) }
	switch name {
	case "id", "connectionId":
		return d.id(t, name)
	case "host":
		return pick(append([]string{d.focus.host, d.focus.host, d.focus.host, d.focus.host}, hostNames...)...)
	case "attempt", "state", "user_id":
		return pick(d.focus.state, d.focus.state, d.focus.state, d.focus.state, "unknown")
	case "ticket":
		return pick(append(slices.Clone(d.tickets), "unknown")...)
	case "redirectUri":
		return pick(trustfileReturn, "app.trustfile.avalara.com/connectors/success?id="+mark)
	case "startDate":
		return pick("2018-04-01", "5/1/10", "2015-09-30 17:00:00-07", "2015-07-06T22:26:28+00:00")
	case "date", "from", "to":
		return pick("2018-04-01", "2026-04-01", "2015-07-06T22:26:28+00:00", "2015-07-06T22:26:28 00:00")
	case "days", "limit":
		return strconv.Itoa(die(t, name, 20_000))
	case "enabled":
		return pick("true", "false")
	case "success":
		return pick("1", "0")
	case "account", "shop":
		return pick("corner.typeshop.example", "corner.example", "corner.example", "acc-1")
	}
	return pick("x", mark)
}

// id is a connection that was asked for before, or a new one.
func (d *drawn) id(t *rapid.T, name string) string {
	if len(d.ids) > 0 && die(t, name+"?", 10) < 7 {
		return pick(t, name, d.ids...)
	}
	return mark + "-" + strconv.Itoa(die(t, name, 100))
}

// text is a value as meant, most of the time.
func (d *drawn) text(t *rapid.T, name string) string {
	switch die(t, name+" kind", 20) {
	case 19:
		return pick(t, name, nasty...)
	case 18:
		return rapid.String().Draw(t, name)
	}
	return d.meant(t, name)
}

// json writes a value of the schema, most of the time.
func (d *drawn) json(t *rapid.T, name string, s *openapi3.Schema) string {
	if die(t, name+" wrong", 20) == 19 {
		return pick(t, name, nastyJSON...)
	}
	if len(s.OneOf) > 0 {
		return d.json(t, name, pick(t, name+" of", s.OneOf...).Value)
	}
	switch {
	case s.Type.Is("object"):
		return d.object(t, s)
	case s.Type.Is("boolean"):
		return strconv.FormatBool(rapid.Bool().Draw(t, name))
	case s.Type.Is("null"):
		return "null"
	}
	b, err := json.Marshal(d.text(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// object writes the properties of a schema, some of them left out, twice, in
// another case, or beside unknown ones.
func (d *drawn) object(t *rapid.T, s *openapi3.Schema) string {
	var pairs []string
	if len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil { // in the host's own words
		return keysOf(d.meant(t, "state"), "ck_1", "cs_1")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		fate, key := die(t, name+" fate", 40), name
		switch {
		case fate == 39, fate >= 24 && !slices.Contains(s.Required, name):
			continue
		case fate == 23:
			key = strings.ToUpper(name[:1]) + name[1:]
		case fate == 22:
			pairs = append(pairs, strconv.Quote(name)+":"+d.json(t, name, s.Properties[name].Value))
		}
		pairs = append(pairs, strconv.Quote(key)+":"+d.json(t, name, s.Properties[name].Value))
	}
	if s.AdditionalProperties.Schema != nil {
		b, err := json.Marshal(d.text(t, "location"))
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, `"location":`+string(b))
	}
	if die(t, "more", 20) == 19 {
		key := pick(t, "key", `"location"`, `"channel"`, `"<canary>"`, `"user_id"`, `"consumer_key"`, `""`, `"\u0000"`)
		pairs = append(pairs, key+":"+pick(t, "value", append([]string{`"x"`, `"y"`, `"z"`}, nastyJSON...)...))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// body is what the operation takes, sometimes damaged as a whole.
func (d *drawn) body(t *rapid.T, o *openapi3.Operation) (text, kind string) {
	if o.RequestBody == nil {
		return pick(t, "body", "", "", "", "{}", "x"), ""
	}
	for kind, media := range o.RequestBody.Value.Content { // one each
		if media.Schema == nil {
			return d.text(t, "notice"), "application/json"
		}
		if kind == "application/x-www-form-urlencoded" {
			text = d.form(t, media.Schema.Value)
		} else {
			text = d.json(t, "body", media.Schema.Value)
		}
		return d.damaged(t, text), pick(t, "type", kind, kind, kind, kind, kind, kind, kind, kind, "", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded")
	}
	return "", ""
}

func (d *drawn) form(t *rapid.T, s *openapi3.Schema) string {
	values := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if die(t, name+" fate", 20) < 19 {
			values.Add(name, d.text(t, name))
		}
	}
	return values.Encode()
}

func (d *drawn) damaged(t *rapid.T, text string) string {
	switch die(t, "damage", 40) {
	case 39:
		return ""
	case 1:
		return text[:die(t, "cut", len(text)+1)]
	case 2:
		return text + "x"
	case 3:
		return "\ufeff" + text
	case 4:
		return "[" + text + "]"
	case 5:
		return text + text
	case 6:
		return text + "\xff"
	}
	return text
}

// query is that of the operation, sometimes with more, with one twice, or unreadable.
func (d *drawn) query(t *rapid.T, parameters openapi3.Parameters) string {
	var pairs []string
	for _, p := range parameters {
		if p.Value.In != openapi3.ParameterInQuery || die(t, p.Value.Name+" fate", 10) > 6 {
			continue
		}
		pairs = append(pairs, url.QueryEscape(p.Value.Name)+"="+url.QueryEscape(d.text(t, p.Value.Name)))
	}
	switch die(t, "query", 30) {
	case 29:
		pairs = append(pairs, pairs...)
	case 1:
		pairs = append(pairs, pick(t, "odd", "%zz", ";", "&&&", "=", "a=b;c", "%00=%00", "x[]=1", "code="+mark, "shop=acc-1", "signature=good", "code=x&shop=acc-1", "shop=acc-1&signature=good"))
	}
	return strings.Join(pairs, "&")
}

// path fills the template; the values are escaped, or made odd as a whole.
func (d *drawn) path(t *rapid.T, template string, parameters openapi3.Parameters) string {
	path := template
	for _, p := range parameters {
		if p.Value.In == openapi3.ParameterInPath {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(d.text(t, p.Value.Name)))
		}
	}
	switch die(t, "path", 40) {
	case 39:
		return path + pick(t, "end", "/", "//", "/x", ".json", "%00", ";x", "%2f", "/..", "%20", "/%2e%2e/connections")
	case 1:
		return strings.ToUpper(path)
	case 2:
		return "/" + path
	}
	return path
}

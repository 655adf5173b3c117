package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func allowed(t testing.TB) redirects {
	t.Helper()
	r, err := newRedirects([]string{"app.trustfile.avalara.com/connectors/success", "https://tfo.example:8443/done", "http://localhost:8082/success"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRedirectsThatAreAllowed(t *testing.T) {
	t.Parallel()
	r := allowed(t)
	for raw, want := range map[string]string{
		"app.trustfile.avalara.com/connectors/success":                     "https://app.trustfile.avalara.com/connectors/success",
		"https://app.trustfile.avalara.com/connectors/success":             "https://app.trustfile.avalara.com/connectors/success",
		"app.trustfile.avalara.com/connectors/success?id=abc":              "https://app.trustfile.avalara.com/connectors/success?id=abc",
		"app.trustfile.avalara.com/connectors/success?id=a%2Bb%3D&x=/y?z":  "https://app.trustfile.avalara.com/connectors/success?id=a%2Bb%3D&x=/y?z",
		"app.trustfile.avalara.com/connectors/success?":                    "https://app.trustfile.avalara.com/connectors/success?",
		"app.trustfile.avalara.com/connectors/success?next=//evil.example": "https://app.trustfile.avalara.com/connectors/success?next=//evil.example",
		"tfo.example:8443/done":                                            "https://tfo.example:8443/done",
		"http://localhost:8082/success?id=1":                               "http://localhost:8082/success?id=1",
	} {
		if got, err := r.resolve(raw); err != nil || got != want {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
	}
}

// bypasses are more than 200 ways that have fooled comparisons of addresses.
func bypasses() (all []string) {
	const host, path = "app.trustfile.avalara.com", "/connectors/success"
	good := host + path
	for _, scheme := range []string{"", "https://"} {
		for _, at := range []string{
			"evil.example", "evil.example" + path, "evil.example?" + good, "evil.example/" + good, "evil.example#" + good,
			host + ".evil.example" + path, host + "evil.example" + path, "evil" + host + path, "evil-" + host + path,
			host + "@evil.example" + path, "user@" + good, "user:pw@" + good, host + ":pw@evil.example" + path, "@" + good, ":@" + good,
			host + "%40evil.example" + path, host + "%2eevil.example" + path, host + "%00.evil.example" + path, host + "%2f@evil.example",
			host + ":443" + path, host + ":80" + path, host + ":" + path, host + ":8443" + path, host + ":0443" + path,
			host + "." + path, "." + good, host + ".." + path, host + " " + path, " " + good, good + " ", "\t" + good, good + "\n", "\x00" + good,
			host + "\\" + path, host + "\\connectors\\success", host + "\\@evil.example" + path, "\\" + good, host + "/\\" + path, "evil.example\\" + good,
			good + "/", good + "//", good + "/x", good + "x", good + ";x", good + "/.", good + "/..", good + "/../success", good + "/%2e%2e/success",
			host + "//connectors/success", host + "/connectors//success", host + "/./connectors/success", host + "/connectors/./success",
			host + "/../connectors/success", host + "/x/../connectors/success", host + "/%2e/connectors/success", host + "/connectors%2fsuccess",
			host + "/connectors/succes%73", host + "/Connectors/success", host + "/CONNECTORS/SUCCESS", host + "/connectors/success%00",
			host + "/connectors/success%0d%0aLocation:%20https://evil.example", host + "/connectors/succes", host + "/connectors", host + "/", host,
			"APP.trustfile.avalara.com" + path, "app.trustfile.avalara.COM" + path, "app。trustfile.avalara.com" + path, "\uff41pp.trustfile.avalara.com" + path,
			"аpp.trustfile.avalara.com" + path, "xn--pp-7kc.trustfile.avalara.com" + path, "app.trustfile.avalara.co" + path, "trustfile.avalara.com" + path,
			"[::1]" + path, "127.0.0.1" + path, "2130706433" + path, "0x7f.1" + path, "localhost" + path, "localhost:8082/success",
			"/" + good, "//" + good, "///" + good, "/" + path, good + "#", good + "#x", good + "?id=1#x", good + "%23", good + "%3fid=1",
			good + "?id=%", good + "?id=%2", good + "?id=%zz", good + "?id=%0d%0a", good + "?id=%00", good + "?id=%7f", good + "?id=\r\nX: y", good + "?id=a b",
			good + "?id=<script>", good + "?id=\"", good + "?id=`", good + "?id=\\", good + "?id=ü", good + "?id=" + strings.Repeat("a", redirectLimit),
			good + "?id=%1f", good + "?{", good + "?|", good + "?^", good + "\u2028", good + "\u200b", "\ufeff" + good,
		} {
			all = append(all, scheme+at)
		}
	}
	for _, prefix := range []string{
		"http://", "HTTPS://", "Https://", "https:/", "https:", "https:///", "https:////", "https:\\\\", "https:/\\", "https://\\", "ftp://", "ws://", "file://",
		"javascript://", "javascript:", "JaVaScRiPt:", "data:text/html,", "vbscript:", "blob:https://", "view-source:https://", "about:blank#", "mailto:",
		"https://https://", "//https://", "\thttps://", "h\tttps://", "https://evil.example/https://", "%68ttps://", "https%3a//", "https%3A%2F%2F", "feed:https://",
		"jar:https://", "intent://", "x://", "1https://", "https+x://", "https://evil.example@", "https://evil.example?", "https://evil.example#", "https://evil.example\\@",
	} {
		all = append(all, prefix+good)
	}
	return append(all, "", " ", "/", "//", "\\", "?", "#", ".", "..", "%", "null", "undefined", "javascript:alert(1)", "data:,x",
		"https://tfo.example/done", "https://tfo.example:443/done", "tfo.example:8443", "https://localhost:8082/success", "http://127.0.0.1:8082/success",
		"http://localhost/success", "http://localhost:8082@evil.example/success", "http://localhost:80820/success", "http://localhost:8082/success/../x")
}

func TestRedirectsThatAreNot(t *testing.T) {
	t.Parallel()
	r := allowed(t)
	all := bypasses()
	if len(all) < 200 {
		t.Fatalf("only %d", len(all))
	}
	for _, raw := range all {
		if got, err := r.resolve(raw); err == nil {
			t.Errorf("%q is let through as %q", raw, got)
		}
	}
}

func TestIllFormedAllowList(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"", "https://", "http://tfo.example/x", "https://tfo.example", "https://tfo.example/x?y", "https://tfo.example/x#y",
		"https://u@tfo.example/x", "https://tfo.example/../x", "https://tfo.example/a/./b", "https://*.example/x", "javascript://x/y", "https://TFO.example/x", "tfo.example/a b"} {
		if _, err := NewPopup(PopupConfig{PublicURL: "https://x.example", Redirects: []string{entry}}); err == nil || !strings.Contains(err.Error(), "REDIRECT_ALLOWLIST") {
			t.Errorf("%q: %v", entry, err)
		}
	}
	if _, err := NewPopup(PopupConfig{RedirectID: "maybe"}); err == nil || !strings.Contains(err.Error(), "REDIRECT_ID") {
		t.Errorf("%v", err)
	}
}

func TestIDReplacedByACode(t *testing.T) {
	t.Parallel()
	for redirect, want := range map[string]string{
		"https://t/s":                  "https://t/s",
		"https://t/s?":                 "https://t/s?",
		"https://t/s?x=1":              "https://t/s?x=1",
		"https://t/s?id=secret":        "https://t/s?id=CODE",
		"https://t/s?a=1&id=s&b=2":     "https://t/s?a=1&id=CODE&b=2",
		"https://t/s?%69d=secret&id=t": "https://t/s?id=CODE&id=CODE",
	} {
		if got := withCode(redirect, "CODE"); got != want {
			t.Errorf("%s: %s, want %s", redirect, got, want)
		}
	}
}

// FuzzRedirect looks for an input whose redirect leaves the allowed addresses,
// as a browser's parser would read it.
func FuzzRedirect(f *testing.F) {
	for _, raw := range bypasses() {
		f.Add(raw)
	}
	f.Add("app.trustfile.avalara.com/connectors/success?id=1")
	r := allowed(f)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := r.resolve(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Fragment != "" || strings.ContainsAny(got, "\\\r\n\t #") {
			t.Fatalf("%q gives %q (%v)", raw, got, err)
		}
		address := fmt.Sprintf("%s://%s%s", u.Scheme, u.Host, u.EscapedPath())
		for _, a := range r.addresses {
			if a == address {
				return
			}
		}
		t.Fatalf("%q leads to %q", raw, got)
	})
}

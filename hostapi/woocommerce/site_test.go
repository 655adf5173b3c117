package woocommerce

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"extractor/models"
)

func TestSiteAddresses(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	for typed, want := range map[string]string{
		"https://shop.example.com":                     "https://shop.example.com",
		"  shop.example.com  ":                         "https://shop.example.com",
		"//shop.example.com/":                          "https://shop.example.com",
		"HTTPS://Shop.Example.COM/":                    "https://shop.example.com",
		"https://shop.example.com:443/":                "https://shop.example.com",
		"https://shop.example.com./":                   "https://shop.example.com",
		"https://example.com/Store/":                   "https://example.com/Store",
		"https://example.com/a/b":                      "https://example.com/a/b",
		"https://shop.example.com/#":                   "https://shop.example.com",
		"https://example.com//a":                       "https://example.com/a",
		"https://example.com/store/wp-admin/":          "https://example.com/store",
		"https://example.com/wp-json/wc/v3":            "https://example.com",
		"https://example.com/wp-login.php":             "https://example.com",
		"https://example.com/index.php":                "https://example.com",
		"https://bücher.example":                       "https://xn--bcher-kva.example",
		"https://BÜCHER.example/läden":                 "https://xn--bcher-kva.example/l%C3%A4den",
		"https://xn--bcher-kva.example":                "https://xn--bcher-kva.example",
		"https://例え.example":                           "https://xn--r8jz45g.example",
		"https://shop。example。com":                     "https://shop.example.com",
		"https://127.0.0.1.example.com":                "https://127.0.0.1.example.com", // a name; what it leads to is checked when it is dialled
		"shop.example.com/" + strings.Repeat("a", 200): "https://shop.example.com/" + strings.Repeat("a", 200),
	} {
		got, err := h.Account(typed)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}

func TestSiteAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, "").(*host)
	for typed, say := range map[string]string{
		"":                                             "Type in",
		strings.Repeat("a", maxSite+1):                 "Type in",
		"http://shop.example.com":                      "https://",
		"ftp://shop.example.com":                       "https://",
		"javascript://alert(1)":                        "https://",
		"https://ck:cs@shop.example.com":               "before the @",
		"https://shop.example.com@evil.example":        "before the @",
		"https://shop.example.com:8443":                "port",
		"https://shop.example.com:":                    "port",
		"https://shop.example.com:80":                  "port",
		"https://shop.example.com/?page=wc":            "?",
		"https://shop.example.com/?":                   "?",
		"https://shop.example.com/#top":                "#",
		"https://":                                     "name of a site",
		"https:///store":                               "name of a site",
		"https://localhost":                            "public internet",
		"https://localhost.":                           "public internet",
		"https://shop.localhost":                       "public internet",
		"https://printer.local":                        "public internet",
		"https://db.internal":                          "public internet",
		"https://intranet":                             "public internet",
		"https://127.0.0.1":                            "public internet",
		"https://127.1":                                "public internet",
		"https://2130706433":                           "public internet",
		"https://0x7f.0.0.1":                           "public internet",
		"https://0x7f000001":                           "public internet",
		"https://0177.0.0.1":                           "public internet",
		"https://1.2.3.0x4":                            "public internet",
		"https://169.254.169.254/latest":               "public internet",
		"https://１２７.０.０.１":                            "public internet",
		"https://[::1]":                                "name of a site",
		"https://[::ffff:127.0.0.1]":                   "name of a site",
		"https://[fe80::1%25eth0]":                     "name of a site",
		"https://shop..example.com":                    "name of a site",
		"https://-shop.example.com":                    "name of a site",
		"https://shop_1.example.com":                   "name of a site",
		"https://shop.example.com..":                   "name of a site",
		"https://shop%2eexample%2ecom/":                "address",
		"https://shop.example.com%00.evil":             "address",
		"https://shop example.com":                     "address",
		"https://shop.example.com\\@evil":              "address",
		"https://shop.example.com/../x":                "folder",
		"https://shop.example.com/%2e%2e/x":            "folder",
		"https://shop.example.com/a%2fb":               "folder",
		"https://shop.example.com/a//b":                "folder",
		"https://shop.example.com/a%00":                "folder",
		"https://shop.example.com/a\nb":                "address",
		"user:pass":                                    "address",
		"shop.example.com/" + strings.Repeat("ä", 100): "too long",
	} {
		got, err := h.Account(typed)
		sentence := models.Sentence(err, "")
		if models.KindOf(err) != models.Invalid || !strings.Contains(sentence, say) || !strings.HasSuffix(sentence, ".") {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}

// FuzzSite: whatever is typed, what comes out is an address on port 443 of a
// name, and stays what it is.
func FuzzSite(f *testing.F) {
	for _, typed := range []string{
		"https://shop.example.com/store/", "http://a.b", "https://user@a.b:1/?q#f", "https://[::1]", "https://bücher.example", "0x7f.1", "a.b/%2e%2e", "a.b//c", "1。2", "\xdd.A", "0.A%800000000",
		"0.a/" + strings.Repeat(" ", 170) + "!",
	} {
		f.Add(typed)
	}
	h := open(f, "").(*host)
	f.Fuzz(func(t *testing.T, typed string) {
		got, err := h.Account(typed)
		if err != nil {
			if models.KindOf(err) != models.Invalid || models.Sentence(err, "") == "" {
				t.Fatal(err)
			}
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" || !strings.Contains(u.Hostname(), ".") {
			t.Fatalf("%q became %q", typed, got)
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil || strings.ToLower(u.Host) != u.Host || strings.Contains(u.Path, "/../") {
			t.Fatalf("%q became %q", typed, got)
		}
		if again, err := h.Account(got); err != nil || again != got {
			t.Fatalf("%q became %q, and then %q, %v", typed, got, again, err)
		}
	})
}

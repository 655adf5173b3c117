package woocommerce

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"extractor/hostapi"
	"extractor/models"
)

// sayNoName is for what is no domain name.
const sayNoName = "This is not the name of a site. Write the address as your browser shows it, such as https://shop.example.com."

// maxSite is the longest address we take; the longest domain name has 253 characters.
const maxSite = 500

// Question is what the confirmation page asks.
func (h *host) Question() hostapi.Question {
	return hostapi.Question{
		Label:   "Address of your shop",
		Help:    "The address of your WordPress site, as your browser shows it on the shop's first page.",
		Example: "https://shop.example.com",
	}
}

// Account makes the canonical address of a site, which is the account's id:
// https, the name in lower case and ASCII, and the folder that WordPress is in.
func (h *host) Account(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" || len(typed) > maxSite {
		return "", invalid("Type in the address of your shop, such as https://shop.example.com.")
	}
	u, err := url.Parse(withScheme(strings.TrimSuffix(typed, "#")))
	if err != nil {
		return "", invalid("This is not an address. Write it as your browser shows it, such as https://shop.example.com.")
	}
	if err := plainAddress(u); err != nil {
		return "", err
	}
	name, err := domain(u.Hostname())
	if err != nil {
		return "", err
	}
	folder, err := folder(u)
	if err != nil {
		return "", err
	}
	site := "https://" + name + folder
	if len(site) > maxSite { // encoded, it may be longer than it was typed
		return "", invalid("The address is too long. Write it as your browser shows it on the shop's first page.")
	}
	return site, nil
}

func invalid(sentence string) error { return models.Errorf(models.Invalid, "%s", sentence) }

// withScheme adds the scheme that people leave out.
func withScheme(typed string) string {
	if strings.Contains(typed, "://") {
		return typed
	}
	return "https://" + strings.TrimPrefix(typed, "//")
}

// plainAddress refuses whatever an address has besides a name and a folder.
func plainAddress(u *url.URL) error {
	switch {
	case u.Scheme == "http":
		return invalid("The address has to begin with https://. Without encryption anybody on the way could read your keys; ask your hosting company for a certificate.")
	case u.Scheme != "https" || u.Opaque != "":
		return invalid("The address has to begin with https://.")
	case u.User != nil:
		return invalid("Leave out the name and password before the @ in the address.")
	case u.Port() != "" && u.Port() != "443", strings.HasSuffix(u.Host, ":"):
		return invalid("Leave out the port in the address: shops are reached on port 443.")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return invalid("Leave out the part of the address from ? or # on.")
	}
	return nil
}

// numeric is the last part of what would be read as an IP address, in whatever notation.
var numeric = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)$`)

// private are names that never lie on the public internet.
var private = map[string]bool{"localhost": true, "local": true, "internal": true, "lan": true, "home": true, "test": true, "invalid": true, "arpa": true, "onion": true}

// domain is a domain name in lower case and ASCII. What it resolves to is not
// looked at here: that is checked with every connection.
func domain(name string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || !utf8.ValidString(name) || len(ascii) > 253 || strings.Contains(ascii, ":") {
		return "", invalid(sayNoName)
	}
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii { // two writings of one name would be two accounts
		return "", invalid(sayNoName)
	}
	labels := strings.Split(ascii, ".")
	last := labels[len(labels)-1]
	if slices.Contains(labels, "") {
		return "", invalid(sayNoName)
	}
	if len(labels) < 2 || numeric.MatchString(last) || private[last] {
		return "", invalid("This address is not one of the public internet. Write the address under which your customers find the shop.")
	}
	return ascii, nil
}

// segment is a folder's name in an address.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=@%-]+$`)

// folder is the path of the site, without the pages of WordPress that people
// copy their address from.
func folder(u *url.URL) (string, error) {
	var kept strings.Builder
	for part := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		plain := strings.ToLower(part)
		if plain == "wp-admin" || plain == "wp-json" || plain == "wp-login.php" || plain == "index.php" {
			break
		}
		if part == "" && kept.Len() == 0 {
			continue
		}
		decoded, err := url.PathUnescape(part)
		if err != nil || !segment.MatchString(part) || decoded == "." || decoded == ".." || strings.ContainsAny(decoded, "/\\\x00") {
			return "", invalid("The folder in this address cannot be read. Write the address as your browser shows it on the shop's first page.")
		}
		kept.WriteString("/" + part)
	}
	return kept.String(), nil
}

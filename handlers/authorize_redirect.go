package handlers

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"extractor/models"
)

// redirectLimit is the longest redirectUri we take: what routers pass on safely.
const redirectLimit = 2000

// redirects are the addresses that a browser may be sent to in the end.
type redirects struct {
	addresses []string // scheme://authority/path
	origins   []string // of addresses, each once
}

// defaultAllowed are TrustFile's own.
const defaultAllowed = "https://app.trustfile.avalara.com/connectors/success"

var (
	// allowedAddress is an entry of the allow-list: https, or http on this machine.
	allowedAddress = regexp.MustCompile(`^(https://[a-z0-9.-]+(:[0-9]+)?|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)(/[A-Za-z0-9._~/-]*)$`)
	// scheme is how an address begins that has one.
	scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	// queryText is all that a query may consist of; each % has its two digits.
	queryText = regexp.MustCompile(`^([A-Za-z0-9._~!$'()*,;:@/?&=+-]|%[0-9A-Fa-f]{2})*$`)
)

// newRedirects reads REDIRECT_ALLOWLIST: addresses without a query, https if
// they name no scheme.
func newRedirects(entries []string) (redirects, error) {
	var r redirects
	seen := map[string]bool{}
	for _, entry := range entries {
		entry = withScheme(strings.TrimSpace(entry))
		parts := allowedAddress.FindStringSubmatch(entry)
		if parts == nil || hasDotSegment(parts[5]) {
			return r, fmt.Errorf("REDIRECT_ALLOWLIST: %q is not an address like %s", entry, defaultAllowed)
		}
		r.addresses = append(r.addresses, entry)
		if origin := parts[1]; !seen[origin] {
			seen[origin] = true
			r.origins = append(r.origins, origin)
		}
	}
	return r, nil
}

// withScheme reads a missing scheme as https.
func withScheme(address string) string {
	if scheme.MatchString(address) {
		return address
	}
	return "https://" + address
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

var (
	errNoRedirect  = models.Errorf(models.Invalid, "The address to return to is missing. Add redirectUri, URI-encoded, to the link.")
	errBadRedirect = models.Errorf(models.Invalid, "We do not return to the address given as redirectUri. Use one that this service was set up for (REDIRECT_ALLOWLIST).")
)

// resolve gives the address to send the browser to: the allowed one that raw
// equals byte by byte, as we have it, with the query that raw carries. Nothing
// is parsed that a browser might parse differently.
func (r redirects) resolve(raw string) (string, error) {
	if raw == "" {
		return "", errNoRedirect
	}
	if len(raw) > redirectLimit {
		return "", errBadRedirect
	}
	address, query, carries := strings.Cut(withScheme(raw), "?")
	for _, allowed := range r.addresses {
		if address != allowed {
			continue
		}
		if !carries {
			return allowed, nil
		}
		if !harmless(query) {
			return "", errBadRedirect
		}
		return allowed + "?" + query, nil
	}
	return "", errBadRedirect
}

// harmless reports whether a query is well-formed and holds no control characters.
func harmless(query string) bool {
	if !queryText.MatchString(query) {
		return false
	}
	plain, err := url.QueryUnescape(query)
	return err == nil && !strings.ContainsFunc(plain, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// withCode replaces the id that a redirect carries by a one-time code.
func withCode(redirect, code string) string {
	address, query, carries := strings.Cut(redirect, "?")
	if !carries {
		return redirect
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == "id" {
			pairs[i] = "id=" + code
		}
	}
	return address + "?" + strings.Join(pairs, "&")
}

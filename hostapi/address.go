package hostapi

import (
	"fmt"
	"net/url"
	"strings"
)

// BaseAddress is the value of a variable that holds an address without
// parameters, such as one that stands in for the host's own in tests, without a
// slash at its end. An empty value gives the host's own. The error names the
// variable and an example, and never repeats the value, which may hold a name
// and password.
func BaseAddress(variable, value, own, example string) (string, error) {
	if value == "" {
		return own, nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%s should be an address without parameters, such as %s", variable, example)
	}
	return strings.TrimRight(value, "/"), nil
}

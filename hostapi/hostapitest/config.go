package hostapitest

import (
	"strings"
	"testing"

	"extractor/hostapi"
)

// Secret is what a test writes for a secret, so that OpenNames finds it.
const Secret = "hush"

// Wrong is a configuration with something wrong in it.
type Wrong struct {
	Config   hostapi.Config
	Variable string // whose value it is
}

// OpenNames makes sure that Open refuses each configuration, names the variable,
// and does not repeat the secret.
func OpenNames(t *testing.T, cases map[string]Wrong) {
	t.Helper()
	for name, c := range cases {
		_, err := c.Config.Open()
		if err == nil || !strings.Contains(err.Error(), c.Variable) || strings.Contains(err.Error(), Secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

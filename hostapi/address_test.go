package hostapi_test

import (
	"strings"
	"testing"

	"extractor/hostapi"
)

func TestBaseAddress(t *testing.T) {
	t.Parallel()
	const own, example = "https://api.example.com", "https://stand-in.example.com"
	for value, want := range map[string]string{
		"": own, "https://x.example.com": "https://x.example.com", "http://127.0.0.1:8081/": "http://127.0.0.1:8081", "https://x.example.com/a//": "https://x.example.com/a",
	} {
		if got, err := hostapi.BaseAddress("X_URL", value, own, example); err != nil || got != want {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	for _, value := range []string{"x.example.com", "ftp://hush", "://hush", "https://", "https://x.example.com?key=hush", "https://x.example.com/#hush", "\x7f"} {
		if _, err := hostapi.BaseAddress("X_URL", value, own, example); err == nil || !strings.Contains(err.Error(), "X_URL") || !strings.Contains(err.Error(), example) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

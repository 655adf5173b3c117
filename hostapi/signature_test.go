package hostapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"

	"extractor/hostapi"
)

func TestSigned(t *testing.T) {
	t.Parallel()
	sum := func(key, message string) []byte {
		hash := hmac.New(sha256.New, []byte(key))
		hash.Write([]byte(message))
		return hash.Sum(nil)
	}
	parts := [][]byte{[]byte("12."), []byte("body")}
	for name, c := range map[string]struct {
		keys []string
		mac  []byte
		want bool
	}{
		"one key":         {[]string{"new"}, sum("new", "12.body"), true},
		"the first":       {[]string{"new", "old"}, sum("new", "12.body"), true},
		"the second":      {[]string{"new", "old"}, sum("old", "12.body"), true},
		"another key":     {[]string{"new", "old"}, sum("other", "12.body"), false},
		"another message": {[]string{"new"}, sum("new", "12.Body"), false},
		"cut short":       {[]string{"new"}, sum("new", "12.body")[:31], false},
		"nothing":         {[]string{"new"}, nil, false},
		"the empty key":   {[]string{""}, sum("", "12.body"), false},
		"no key":          {nil, sum("", "12.body"), false},
	} {
		if got := hostapi.Signed(c.keys, c.mac, parts...); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string][]string{"": nil, " , ": nil, "new": {"new"}, " new ,old,": {"new", "old"}} {
		if got := hostapi.Keys(variable); !slices.Equal(got, want) {
			t.Errorf("%q: %q", variable, got)
		}
	}
}

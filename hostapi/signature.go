package hostapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// Signed reports whether mac is the HMAC-SHA256 of the parts, one after the
// other, with one of the keys: while a key is being changed there are two. All
// keys are tried and each comparison takes constant time, so that the time taken
// tells nothing. An empty key signs nothing.
func Signed(keys []string, mac []byte, parts ...[]byte) bool {
	good := false
	for _, key := range keys {
		hash := hmac.New(sha256.New, []byte(key))
		for _, part := range parts {
			hash.Write(part)
		}
		if key != "" && hmac.Equal(mac, hash.Sum(nil)) {
			good = true
		}
	}
	return good
}

// Keys are the keys in a variable that holds several, separated by commas.
func Keys(variable string) (keys []string) {
	for key := range strings.SplitSeq(variable, ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

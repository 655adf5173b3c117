package square

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func FuzzTransform(f *testing.F) { hostapitest.Fuzz(f, open(f, "http://127.0.0.1"), "testdata") }

// FuzzSignature: no signature but the right one is taken, and none makes us panic.
func FuzzSignature(f *testing.F) {
	const address = "https://extractor.example.com/webhooks/square"
	right := sign("new-key", address, revoked)
	for _, s := range []string{"", "=", right, right[:len(right)-2], sign("other", address, revoked), sign("", address, revoked)} {
		f.Add(s, revoked)
	}
	f.Add(right, `{"merchant_id":7}`)
	h := open(f, "http://127.0.0.1").(*host)
	f.Fuzz(func(t *testing.T, signature, body string) {
		r := httptest.NewRequest(http.MethodPost, "https://evil.example.com/", nil)
		r.Header["X-Square-Hmacsha256-Signature"] = []string{signature}
		notice, err := h.Wake(r, []byte(body))
		given, unread := base64.StdEncoding.DecodeString(signature)
		said := base64.StdEncoding.EncodeToString(given)
		if unread == nil && (said == sign("new-key", address, body) || said == sign("old-key", address, body)) {
			return
		}
		if models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q: %v, %v", signature, notice, err)
		}
	})
}

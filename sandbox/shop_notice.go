package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// noticeSignature is the header of a notice that proves who sent it: the
// HMAC-SHA256 of the body with the client's secret, in hexadecimal digits.
const noticeSignature = "X-Sandbox-Signature"

// Notice is what the host posts to an address when orders of an account change.
// The host sends none by itself: who plays with it does, and may lose some.
func (w *World) Notice(ctx context.Context, address, account string) (*http.Request, error) {
	body, err := json.Marshal(map[string]string{"account": account})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(w.config.ClientSecret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(noticeSignature, hex.EncodeToString(mac.Sum(nil)))
	return req, nil
}

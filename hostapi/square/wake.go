package square

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"extractor/hostapi"
	"extractor/models"
)

// Wake verifies a notification and names the merchant it concerns. What it says
// is not taken for data, whatever its type: an order or refund is read by the
// next pull, and after oauth.authorization.revoked that pull meets a 401, which
// stops the connection and tells the merchant.
// https://developer.squareup.com/docs/webhooks/step3validate
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	if !h.signed(r.Header.Get("X-Square-Hmacsha256-Signature"), body) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature of this notification is not Square's.")
	}
	var event struct {
		MerchantID string `json:"merchant_id"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This notification cannot be read.").Because(err)
	}
	if event.MerchantID == "" { // Square's test notifications may name nobody
		return hostapi.Notice{}, nil
	}
	return hostapi.Notice{Wake: []string{event.MerchantID}}, nil
}

// signed reports whether signature is that of the notification URL and the body
// with one of our keys: there are two while a key is being changed. The URL is
// the one from the configuration; the request's own would be the sender's word.
func (h *host) signed(signature string, body []byte) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && hostapi.Signed(hostapi.Keys(h.config.WebhookKey), given, []byte(h.config.WebhookURL), body)
}

package bigcommerce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// hookHeader carries the secret that we gave a hook when we made it.
	hookHeader = "X-Extractor-Hook"
	// replayWindow is how old a signed webhook may be, and how far its clock may
	// be ahead. Each try of BigCommerce's is signed anew.
	// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	replayWindow = 5 * time.Minute
)

// Wake verifies a webhook and names the store it concerns. Its data is not
// taken: an order or refund is read by the next pull, and after
// store/app/uninstalled that pull meets a 401, which stops the connection and
// tells the merchant.
// https://developer.bigcommerce.com/docs/integrations/webhooks
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	var event struct {
		Producer string `json:"producer"` // stores/{hash}
	}
	unread := json.Unmarshal(body, &event)
	store := storeOf(event.Producer)
	if !h.signed(r.Header, body) && (store == "" || !h.secretOf(store, r.Header.Get(hookHeader))) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "This notification does not carry what proves that it is BigCommerce's.")
	}
	if unread != nil || store == "" {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This notification cannot be read, or names no store.")
	}
	return hostapi.Notice{Wake: []string{store}}, nil
}

// Opened verifies the query of the GET requests that BigCommerce sends to an
// app's load and uninstall addresses, and names the store.
// https://developer.bigcommerce.com/docs/integrations/apps/guide/callbacks
func (h *host) Opened(query url.Values) (string, error) {
	return verifySignedPayload(query.Get("signed_payload_jwt"), h.config.ClientID, h.config.ClientSecret, h.now())
}

// hookSecret is what a store's hooks have to say. It is made of the client
// secret, so that nothing has to be kept, and is another one for each store:
// who sees one can wake that store only.
func (h *host) hookSecret(store string) string {
	mac := hmac.New(sha256.New, []byte(h.config.ClientSecret))
	mac.Write([]byte("webhook header of stores/" + store))
	return hex.EncodeToString(mac.Sum(nil))
}

func (h *host) secretOf(store, given string) bool {
	return hmac.Equal([]byte(given), []byte(h.hookSecret(store)))
}

// signed reports whether the webhook has a signature of the Standard Webhooks
// kind, made with the client secret, that is fresh.
func (h *host) signed(header http.Header, body []byte) bool {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || h.now().Sub(time.Unix(seconds, 0)).Abs() > replayWindow {
		return false
	}
	good := false
	for _, one := range strings.Fields(header.Get("Webhook-Signature")) { // several while a key is being changed
		version, text, _ := strings.Cut(one, ",")
		given, err := base64.StdEncoding.DecodeString(text)
		if err == nil && version == "v1" && hostapi.Signed([]string{h.config.ClientSecret}, given, []byte(id+"."+stamp+"."), body) {
			good = true
		}
	}
	return good
}

package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// tolerance is how far a notification's time may be from ours, as Stripe's own
// libraries have it: what is older may be somebody's recording.
const tolerance = 5 * time.Minute

// Wake verifies a notification and names the account it concerns. What it says
// is not taken for data, whatever its type: a payment is read by the next pull,
// and after account.application.deauthorized that pull meets a 401, which stops
// the connection and tells the merchant.
// https://docs.stripe.com/webhooks#verify-manually
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	if !h.signed(r.Header.Get("Stripe-Signature"), body) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature of this notification is not Stripe's.")
	}
	var event struct {
		Account string `json:"account"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This notification cannot be read.").Because(err)
	}
	if event.Account == "" { // an event of our own account
		return hostapi.Notice{}, nil
	}
	return hostapi.Notice{Wake: []string{event.Account}}, nil
}

// signed reports whether one of the header's signatures is that of its time and
// the body with one of our secrets, and the time is about now. There are several
// signatures, and several secrets, while a secret is being changed. All are
// compared, so that the time taken tells nothing.
func (h *host) signed(header string, body []byte) bool {
	stamp, given, ok := parseSignature(header)
	if !ok || h.now().Sub(time.Unix(stamp.at, 0)).Abs() > tolerance {
		return false
	}
	good := false
	for _, signature := range given {
		if hostapi.Signed(hostapi.Keys(h.config.WebhookSecret), signature, []byte(stamp.text+"."), body) {
			good = true
		}
	}
	return good
}

// stamp is the time of a signature, as written and in Unix seconds.
type stamp struct {
	text string
	at   int64
}

// parseSignature reads t=…,v1=…,v1=…; other schemes are passed over, so that
// nobody makes us fall back on a weaker one.
func parseSignature(header string) (at stamp, signatures [][]byte, ok bool) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 || at.text != "" {
				return stamp{}, nil, false
			}
			at = stamp{value, n}
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil && len(sum) == sha256.Size {
				signatures = append(signatures, sum)
			}
		}
	}
	return at, signatures, at.text != "" && len(signatures) > 0
}

package sandbox

import (
	"encoding/hex"
	"encoding/json"
	"net/http"

	"extractor/hostapi"
	"extractor/models"
)

// signatureHeader carries the HMAC-SHA256 of a notice's body in hexadecimal
// digits, with the client's secret as the key.
const signatureHeader = "X-Sandbox-Signature"

// Wake verifies a notice and names the account it concerns. What changed there
// is not taken from it: the next pull reads that.
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	given, err := hex.DecodeString(r.Header.Get(signatureHeader))
	if err != nil || !hostapi.Signed([]string{h.config.ClientSecret}, given, body) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature of this notice is not the sandbox's.")
	}
	var notice struct {
		Account string `json:"account"`
	}
	if err := json.Unmarshal(body, &notice); err != nil || notice.Account == "" {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This notice does not say which account it is about.").Because(err)
	}
	return hostapi.Notice{Wake: []string{notice.Account}}, nil
}

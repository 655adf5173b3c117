package quickbooks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"extractor/hostapi"
	"extractor/models"
)

// event is a CloudEvent of Intuit's, one of a list.
type event struct {
	Account json.RawMessage `json:"intuitaccountid"`
}

// older is the form before CloudEvents, which ended in 2026; apps that were not
// switched over still send it.
type older struct {
	Notifications []struct {
		Realm json.RawMessage `json:"realmId"`
	} `json:"eventNotifications"`
}

// Wake verifies a notification and names the companies it concerns. What it says
// is not taken for data: the next pull reads it. Intuit waits three seconds for
// an answer, and asks again later.
// https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	if !h.signed(r.Header.Get("Intuit-Signature"), body) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature of this notification is not QuickBooks'.")
	}
	realms, err := realmsOf(body)
	if err != nil {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This notification cannot be read.").Because(err)
	}
	var notice hostapi.Notice
	for _, raw := range realms {
		realm := strings.Trim(string(raw), `"`)
		if realmID.MatchString(realm) && !slices.Contains(notice.Wake, realm) {
			notice.Wake = append(notice.Wake, realm)
		}
	}
	return notice, nil
}

// realmsOf are the companies that a notification of either form names.
func realmsOf(body []byte) (realms []json.RawMessage, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		var events []event
		err = json.Unmarshal(body, &events)
		for _, e := range events {
			realms = append(realms, e.Account)
		}
		return realms, err
	}
	var single struct {
		event
		older
	}
	err = json.Unmarshal(body, &single)
	realms = append(realms, single.Account)
	for _, n := range single.Notifications {
		realms = append(realms, n.Realm)
	}
	return realms, err
}

// signed reports whether signature is that of the body with one of our verifier
// tokens: there are two while one is being changed.
func (h *host) signed(signature string, body []byte) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && hostapi.Signed(hostapi.Keys(h.config.WebhookVerifier), given, body)
}

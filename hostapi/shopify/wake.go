package shopify

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"extractor/hostapi"
	"extractor/models"
)

// Wake verifies a webhook and says what it means. Its signature covers the body
// and neither the topic nor the shop, which are headers. Whoever got hold of a
// genuine webhook can send it again under another topic; so a header may wake a
// sync, which does no harm, but a request about personal data must have the
// shop and the shape of its topic in the signed body.
//
// What a webhook says of an order is not taken for data. After app/uninstalled
// the next pull meets a 401, which stops the connection and tells the merchant.
// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
func (h *host) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	mac, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Shopify-Hmac-Sha256"))
	if err != nil || !h.signed(body, mac) {
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature of this webhook is not Shopify's.")
	}
	topic := r.Header.Get("X-Shopify-Topic")
	switch {
	case strings.HasPrefix(topic, "orders/"), topic == "refunds/create", topic == "app/uninstalled":
		shop := strings.ToLower(r.Header.Get("X-Shopify-Shop-Domain"))
		if !domain.MatchString(shop) {
			return hostapi.Notice{}, models.Errorf(models.Invalid, "This webhook names no shop.")
		}
		return hostapi.Notice{Wake: []string{shop}}, nil
	case strings.HasPrefix(topic, "customers/"), topic == "shop/redact":
		return privacy(topic, body)
	}
	return hostapi.Notice{}, nil
}

// compliance is the body of the topics that every app must answer.
// https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
type compliance struct {
	Shop      string          `json:"shop_domain"`
	Customer  json.RawMessage `json:"customer"`
	Requested []json.Number   `json:"orders_requested"`
	Redact    []json.Number   `json:"orders_to_redact"`
}

// privacy is what a compliance topic asks. Others beneath customers/ ask nothing.
func privacy(topic string, body []byte) (hostapi.Notice, error) {
	var c compliance
	if err := json.Unmarshal(body, &c); err != nil || !domain.MatchString(c.Shop) {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This webhook cannot be read.").Because(err)
	}
	p := hostapi.Privacy{Account: c.Shop}
	fits := c.Customer != nil
	switch topic {
	case "customers/data_request":
		p.Kind, p.Records, fits = hostapi.PrivacyTell, texts(c.Requested), fits && c.Redact == nil
	case "customers/redact":
		p.Kind, p.Records, fits = hostapi.PrivacyRedact, texts(c.Redact), fits && c.Requested == nil
	case "shop/redact":
		p.Kind, fits = hostapi.PrivacyForget, !fits && c.Requested == nil && c.Redact == nil
	default:
		return hostapi.Notice{}, nil
	}
	if !fits {
		return hostapi.Notice{}, models.Errorf(models.Invalid, "This webhook does not have the form of its topic.")
	}
	return hostapi.Notice{Privacy: []hostapi.Privacy{p}}, nil
}

func texts(numbers []json.Number) (all []string) {
	for _, n := range numbers {
		all = append(all, n.String())
	}
	return all
}

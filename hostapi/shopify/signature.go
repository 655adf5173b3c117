package shopify

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// signatureLife is how far the time in a signed address may be from ours, which
// is what Shopify's own library takes.
const signatureLife = 90 * time.Second

// CheckCallback verifies that the browser comes from Shopify's consent page.
// https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
func (h *host) CheckCallback(callback url.Values) error {
	return h.checkQuery(callback)
}

// Installation verifies that the browser comes from Shopify's app store or its
// list of apps, and names the shop. The answer holds no code: consent follows.
func (h *host) Installation(query url.Values) (account string, redeem bool, err error) {
	if !query.Has("shop") {
		return "", false, nil
	}
	if err := h.checkQuery(query); err != nil {
		return "", false, err
	}
	return query.Get("shop"), false, nil
}

// checkQuery verifies signature, time and shop of a query.
func (h *host) checkQuery(query url.Values) error {
	if !h.signed([]byte(message(query)), decodeHex(query.Get("hmac"))) {
		return models.Errorf(models.Refused, "This address was not signed by Shopify. Start again from the app's page in Shopify.")
	}
	seconds, err := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	if err != nil || h.now().Sub(time.Unix(seconds, 0)).Abs() > signatureLife {
		return models.Errorf(models.Refused, "This address from Shopify is too old. Start again from the app's page in Shopify.")
	}
	if !domain.MatchString(query.Get("shop")) {
		return models.Errorf(models.Refused, "Shopify did not name a shop that we know how to reach. Start again from the app's page in Shopify.")
	}
	return nil
}

// formEncoding is where url.Values differs from the form encoding of the WHATWG,
// in which Shopify signs.
var formEncoding = strings.NewReplacer("%2A", "*", "~", "%7E")

// message is what the signature of a query covers: all of it but the signature,
// in the order of the names.
func message(query url.Values) string {
	rest := url.Values{}
	for name, values := range query {
		if name != "hmac" && name != "signature" {
			rest[name] = values
		}
	}
	return formEncoding.Replace(rest.Encode())
}

func decodeHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// signed reports whether mac is that of message with our secret, or with the one
// before it while it is being changed.
func (h *host) signed(message, mac []byte) bool {
	return hostapi.Signed([]string{h.config.ClientSecret, h.config.OldSecret}, mac, message)
}

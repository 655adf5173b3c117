package bigcommerce

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// jwtLimit is far more than BigCommerce's own tokens have.
	jwtLimit = 8 << 10
	// jwtLeeway is for clocks that disagree.
	jwtLeeway = time.Minute
)

// signedPayload is what BigCommerce says in the query of its GET requests to an
// app's load, uninstall and remove_user addresses.
type signedPayload struct {
	Audience  audience `json:"aud"`
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"` // stores/{hash}
	IssuedAt  int64    `json:"iat"`
	NotBefore float64  `json:"nbf"`
	Expires   int64    `json:"exp"`
}

// audience is one name or a list.
type audience []string

// UnmarshalJSON takes both.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// verifySignedPayload verifies a signed_payload_jwt and gives the store's hash.
// The algorithm is fixed: a token that names another is no token of ours.
// https://developer.bigcommerce.com/docs/integrations/apps/guide/callbacks#verify-the-signed_payload_jwt
func verifySignedPayload(token, clientID, secret string, now time.Time) (store string, err error) {
	payload, err := openJWT(token, secret)
	if err != nil {
		return "", notOurs(err)
	}
	var p signedPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return "", notOurs(errors.New("claims cannot be read"))
	}
	if err := p.check(clientID, now); err != nil {
		return "", notOurs(err)
	}
	return storeOf(p.Subject), nil
}

func notOurs(cause error) error {
	return models.Errorf(models.Unauthorised, "This request is not BigCommerce's, or it is too old. Open the app in your store's control panel again.").Because(cause)
}

// openJWT checks the form and the signature, and gives the claims.
func openJWT(token, secret string) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(token) > jwtLimit || len(parts) != 3 || secret == "" {
		return nil, errors.New("no JWT")
	}
	var open [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return nil, errors.New("no base64url")
		}
		open[i] = b
	}
	if !hostapi.Signed([]string{secret}, open[2], []byte(parts[0]+"."+parts[1])) {
		return nil, errors.New("wrong signature")
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if json.Unmarshal(open[0], &header) != nil || header.Algorithm != "HS256" {
		return nil, errors.New("not HS256")
	}
	return open[1], nil
}

// check holds the claims against who we are and what time it is.
func (p signedPayload) check(clientID string, now time.Time) error {
	latest := now.Add(jwtLeeway).Unix()
	switch {
	case clientID == "" || !slices.Contains(p.Audience, clientID):
		return errors.New("for another app")
	case p.Issuer != "bc":
		return errors.New("of another issuer")
	case storeOf(p.Subject) == "":
		return errors.New("about no store")
	case p.Expires <= now.Add(-jwtLeeway).Unix():
		return errors.New("expired")
	case p.IssuedAt > latest || p.NotBefore > float64(latest):
		return errors.New("not valid yet")
	}
	return nil
}

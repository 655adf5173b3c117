package bigcommerce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"extractor/models"
)

var jwtNow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// token signs claims as BigCommerce does.
func token(t testing.TB, secret, header string, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(b)
	return signedText(text, secret)
}

// signedText is a text with its signature behind it.
func signedText(text, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// claims are good ones, but for changes; a nil value leaves one out.
func claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"aud": "app", "iss": "bc", "sub": "stores/abc123", "iat": jwtNow.Unix(), "nbf": float64(jwtNow.Unix()) - 4.5,
		"exp": jwtNow.Add(24 * time.Hour).Unix(), "jti": "e7d8", "user": map[string]any{"id": 7}, "url": "/",
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func TestSignedPayload(t *testing.T) {
	t.Parallel()
	good := token(t, "hush", hs256, claims(nil))
	ago, ahead := jwtNow.Add(-2*time.Minute).Unix(), jwtNow.Add(2*time.Minute).Unix()
	for name, c := range map[string]struct {
		token string
		ok    bool
	}{
		"good":               {good, true},
		"audience list":      {token(t, "hush", hs256, claims(map[string]any{"aud": []string{"other", "app"}})), true},
		"just expired":       {token(t, "hush", hs256, claims(map[string]any{"exp": jwtNow.Add(-30 * time.Second).Unix()})), true},
		"other secret":       {token(t, "guess", hs256, claims(nil)), false},
		"no secret":          {token(t, "", hs256, claims(nil)), false},
		"other app":          {token(t, "hush", hs256, claims(map[string]any{"aud": "other"})), false},
		"no audience":        {token(t, "hush", hs256, claims(map[string]any{"aud": nil})), false},
		"other issuer":       {token(t, "hush", hs256, claims(map[string]any{"iss": "me"})), false},
		"no store":           {token(t, "hush", hs256, claims(map[string]any{"sub": nil})), false},
		"path for a store":   {token(t, "hush", hs256, claims(map[string]any{"sub": "stores/../abc"})), false},
		"expired":            {token(t, "hush", hs256, claims(map[string]any{"exp": ago})), false},
		"no expiry":          {token(t, "hush", hs256, claims(map[string]any{"exp": nil})), false},
		"issued later":       {token(t, "hush", hs256, claims(map[string]any{"iat": ahead})), false},
		"not yet":            {token(t, "hush", hs256, claims(map[string]any{"nbf": ahead})), false},
		"alg none":           {token(t, "hush", `{"alg":"none"}`, claims(nil)), false},
		"alg RS256":          {token(t, "hush", `{"alg":"RS256"}`, claims(nil)), false},
		"unsigned":           {good[:strings.LastIndex(good, ".")+1], false},
		"two parts":          {good[:strings.LastIndex(good, ".")], false},
		"four parts":         {good + ".x", false},
		"padded":             {good + "=", false},
		"expiry in words":    {token(t, "hush", hs256, claims(map[string]any{"exp": "tomorrow"})), false},
		"nothing":            {"", false},
		"larger than any is": {good + strings.Repeat("A", jwtLimit), false},
	} {
		store, err := verifySignedPayload(c.token, "app", "hush", jwtNow)
		if c.ok != (err == nil) || c.ok && store != fakeStore {
			t.Errorf("%s: %q, %v", name, store, err)
		}
		if err != nil && (models.KindOf(err) != models.Unauthorised || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := verifySignedPayload(good, "", "hush", jwtNow); err == nil {
		t.Error("taken without knowing our own name")
	}
}

// A changed letter anywhere makes a token void.
func TestSignedPayloadChanged(t *testing.T) {
	t.Parallel()
	good := token(t, "hush", hs256, claims(nil))
	for i := range good {
		bad := []byte(good)
		if bad[i]++; bad[i] == '.' {
			bad[i]++
		}
		if _, err := verifySignedPayload(string(bad), "app", "hush", jwtNow); err == nil {
			t.Errorf("taken although byte %d was changed", i)
		}
	}
}

func TestOpenedTakesSignedPayloads(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1").(*host)
	h.now = func() time.Time { return jwtNow }
	if store, err := h.Opened(url.Values{"signed_payload_jwt": {token(t, "hush", hs256, claims(nil))}}); err != nil || store != fakeStore {
		t.Errorf("%v, %v", store, err)
	}
	for _, query := range []url.Values{nil, {"signed_payload_jwt": {token(t, "guess", hs256, claims(nil))}}} {
		if store, err := h.Opened(query); models.KindOf(err) != models.Unauthorised || store != "" {
			t.Errorf("%v, %v", store, err)
		}
	}
}

var lineEnds = strings.NewReplacer("\r", "", "\n", "")

// FuzzSignedPayload: nothing is taken but what the secret signed, and what it
// signed is taken or refused; claims are changed behind a right signature, too.
func FuzzSignedPayload(f *testing.F) {
	good, err := json.Marshal(claims(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token(f, "guess", hs256, claims(nil)), string(good))
	f.Add(token(f, "", hs256, claims(nil)), `{"aud":["app"],"iss":"bc"}`)
	f.Add(token(f, "hush", hs256, claims(nil)), "{")
	f.Add(token(f, "hush", hs256, claims(nil))+"\n", "null")
	f.Add("a.b.c", "")
	f.Fuzz(func(t *testing.T, text, payload string) {
		store, err := verifySignedPayload(text, "app", "hush", jwtNow)
		end := max(strings.LastIndex(text, "."), 0)
		written := text[:end] + lineEnds.Replace(text[end:]) // base64 is read with or without them
		if written != signedText(text[:end], "hush") && (models.KindOf(err) != models.Unauthorised || store != "") {
			t.Errorf("%q was taken for store %q, %v", text, store, err)
		}
		text = base64.RawURLEncoding.EncodeToString([]byte(hs256)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		store, err = verifySignedPayload(signedText(text, "hush"), "app", "hush", jwtNow)
		if err == nil && storeOf("stores/"+store) == "" || err != nil && models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q was taken for store %q, %v", payload, store, err)
		}
	})
}

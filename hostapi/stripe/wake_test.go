package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const deauthorized = `{"id":"evt_1","object":"event","account":"acct_1","type":"account.application.deauthorized","data":{"object":{"id":"ca_app"}}}`

func sign(secret string, at int64, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	return hex.EncodeToString(mac.Sum(nil))
}

func wake(h *host, header, body string) (hostapi.Notice, error) {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", nil)
	r.Header.Set("Stripe-Signature", header)
	return h.Wake(r, []byte(body))
}

func TestWakeTakesOnlyStripesWord(t *testing.T) {
	t.Parallel()
	h := open(t, "http://127.0.0.1", soon)
	now := soon.Unix()
	whole := func(secret string, at int64, body string) string {
		return fmt.Sprintf("t=%d,v1=%s", at, sign(secret, at, body))
	}
	good := sign("whsec_new", now, deauthorized)
	bit := []byte(good)
	bit[0] ^= 1
	for name, c := range map[string]struct {
		header, body string
		want         []string
		kind         models.Kind
	}{
		"new secret":          {whole("whsec_new", now, deauthorized), deauthorized, []string{"acct_1"}, ""},
		"old secret":          {whole("whsec_old", now, deauthorized), deauthorized, []string{"acct_1"}, ""},
		"two signatures":      {fmt.Sprintf("t=%d,v1=%s,v1=%s", now, sign("other", now, deauthorized), good), deauthorized, []string{"acct_1"}, ""},
		"other scheme too":    {fmt.Sprintf("t=%d,v0=%s,v1=%s", now, sign("x", now, ""), good), deauthorized, []string{"acct_1"}, ""},
		"other order":         {fmt.Sprintf("v1=%s, t=%d", good, now), deauthorized, []string{"acct_1"}, ""},
		"our own account":     {whole("whsec_new", now, `{}`), `{}`, nil, ""},
		"five minutes old":    {whole("whsec_new", now-300, deauthorized), deauthorized, []string{"acct_1"}, ""},
		"older":               {whole("whsec_new", now-301, deauthorized), deauthorized, nil, models.Unauthorised},
		"from the future":     {whole("whsec_new", now+301, deauthorized), deauthorized, nil, models.Unauthorised},
		"another time":        {fmt.Sprintf("t=%d,v1=%s", now-1, good), deauthorized, nil, models.Unauthorised},
		"two times":           {fmt.Sprintf("t=%d,t=%d,v1=%s", now, now, good), deauthorized, nil, models.Unauthorised},
		"only other scheme":   {fmt.Sprintf("t=%d,v0=%s", now, good), deauthorized, nil, models.Unauthorised},
		"other secret":        {whole("other", now, deauthorized), deauthorized, nil, models.Unauthorised},
		"no secret":           {whole("", now, deauthorized), deauthorized, nil, models.Unauthorised},
		"other body":          {whole("whsec_new", now, deauthorized), deauthorized + " ", nil, models.Unauthorised},
		"one bit":             {fmt.Sprintf("t=%d,v1=%s", now, bit), deauthorized, nil, models.Unauthorised},
		"no time":             {"v1=" + good, deauthorized, nil, models.Unauthorised},
		"time beyond seconds": {"t=99999999999999999999,v1=" + good, deauthorized, nil, models.Unauthorised},
		"time before 1970":    {whole("whsec_new", -1, deauthorized), deauthorized, nil, models.Unauthorised},
		"nothing":             {"", deauthorized, nil, models.Unauthorised},
		"no JSON":             {whole("whsec_new", now, "<"), "<", nil, models.Invalid},
	} {
		got, err := wake(h, c.header, c.body)
		if !slices.Equal(got.Wake, c.want) || (err == nil) != (c.kind == "") || err != nil && models.KindOf(err) != c.kind {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWakeWithoutASecretTakesNothing(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", ",", " , "} {
		h, err := (&Config{ClientID: "ca_app", SecretKey: "sk_live_x", WebhookSecret: secret}).Open()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		if _, err := wake(h.(*host), fmt.Sprintf("t=%d,v1=%s", now, sign("", now, deauthorized)), deauthorized); models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

// FuzzSignature: no header that was not signed is taken, and none makes us panic.
func FuzzSignature(f *testing.F) {
	now := soon.Unix()
	f.Add(fmt.Sprintf("t=%d,v1=%s", now, sign("other", now, deauthorized)))
	f.Add("t=1,v1=00,v0=,=,t")
	f.Add(strings.Repeat("v1=,", 100))
	f.Fuzz(func(t *testing.T, header string) {
		h := open(t, "http://127.0.0.1", soon)
		if notice, err := wake(h, header, deauthorized); models.KindOf(err) != models.Unauthorised {
			t.Errorf("%q: %v, %v", header, notice, err)
		}
	})
}

package bigcommerce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"extractor/models"
)

const notification = `{"scope":"store/order/created","store_id":"1025646","data":{"type":"order","id":250},"hash":"dd70","created_at":1561479335,"producer":"stores/abc123"}`

// sign is a Standard Webhooks signature.
func sign(secret, id, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + stamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func waker(t testing.TB) *host {
	h := open(t, "http://127.0.0.1").(*host)
	h.now = func() time.Time { return jwtNow }
	return h
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	h := waker(t)
	now, old, early := fmt.Sprint(jwtNow.Unix()), fmt.Sprint(jwtNow.Add(-6*time.Minute).Unix()), fmt.Sprint(jwtNow.Add(6*time.Minute).Unix())
	secret := h.hookSecret(fakeStore)
	for name, c := range map[string]struct {
		body, header, id, stamp, signature string
		want                               models.Kind
	}{
		"our header":                  {body: notification, header: secret},
		"uninstalled":                 {body: `{"scope":"store/app/uninstalled","producer":"stores/abc123"}`, header: secret},
		"signature":                   {body: notification, id: "m1", stamp: now, signature: sign("hush", "m1", now, notification)},
		"two signatures":              {body: notification, id: "m1", stamp: now, signature: sign("old", "m1", now, notification) + " " + sign("hush", "m1", now, notification)},
		"header and a bad signature":  {body: notification, header: secret, id: "m1", stamp: now, signature: "v1,AAAA"},
		"nothing":                     {body: notification, want: models.Unauthorised},
		"other header":                {body: notification, header: "guess", want: models.Unauthorised},
		"header of another store":     {body: notification, header: h.hookSecret("other1"), want: models.Unauthorised},
		"client secret as header":     {body: notification, header: "hush", want: models.Unauthorised},
		"other key":                   {body: notification, id: "m1", stamp: now, signature: sign("guess", "m1", now, notification), want: models.Unauthorised},
		"other body":                  {body: notification + " ", id: "m1", stamp: now, signature: sign("hush", "m1", now, notification), want: models.Unauthorised},
		"other id":                    {body: notification, id: "m2", stamp: now, signature: sign("hush", "m1", now, notification), want: models.Unauthorised},
		"no id":                       {body: notification, stamp: now, signature: sign("hush", "", now, notification), want: models.Unauthorised},
		"replayed":                    {body: notification, id: "m1", stamp: old, signature: sign("hush", "m1", old, notification), want: models.Unauthorised},
		"from the future":             {body: notification, id: "m1", stamp: early, signature: sign("hush", "m1", early, notification), want: models.Unauthorised},
		"no time":                     {body: notification, id: "m1", signature: sign("hush", "m1", "", notification), want: models.Unauthorised},
		"other version":               {body: notification, id: "m1", stamp: now, signature: "v1a" + sign("hush", "m1", now, notification)[2:], want: models.Unauthorised},
		"signed, but no JSON":         {body: "{", id: "m1", stamp: now, signature: sign("hush", "m1", now, "{"), want: models.Invalid},
		"signed, but a path":          {body: `{"producer":"stores/../x"}`, id: "m1", stamp: now, signature: sign("hush", "m1", now, `{"producer":"stores/../x"}`), want: models.Invalid},
		"header for a path":           {body: `{"producer":"stores/../x"}`, header: h.hookSecret("../x"), want: models.Unauthorised},
		"header for no store at all":  {body: `{"producer":""}`, header: h.hookSecret(""), want: models.Unauthorised},
		"header, and the body a list": {body: `[]`, header: secret, want: models.Unauthorised},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		for n, v := range map[string]string{hookHeader: c.header, "webhook-id": c.id, "webhook-timestamp": c.stamp, "webhook-signature": c.signature} {
			if v != "" {
				r.Header.Set(n, v)
			}
		}
		n, err := h.Wake(r, []byte(c.body))
		if c.want == "" && (err != nil || !slices.Equal(n.Wake, []string{fakeStore})) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
		if c.want != "" && (models.KindOf(err) != c.want || n.Wake != nil) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
}

// Each store's hooks have a secret of their own, which changes with the client secret.
func TestHookSecrets(t *testing.T) {
	t.Parallel()
	h, other := waker(t), waker(t)
	other.config.ClientSecret = "hush2"
	secret := h.hookSecret("abc123")
	if secret == h.hookSecret("abc124") || secret == other.hookSecret("abc123") || secret != waker(t).hookSecret("abc123") {
		t.Error("the secrets do not tell stores or apps apart, or do not last")
	}
}

// FuzzWake: nobody is woken but by a right signature that is fresh, or by the
// header of the store that is named; with one of them, a store is woken or the
// notice is refused as one that cannot be read.
func FuzzWake(f *testing.F) {
	h := waker(f)
	now := fmt.Sprint(jwtNow.Unix())
	f.Add(notification, "m1", now, sign("hush", "m1", now, notification), "")
	f.Add(notification, "m1", now, sign("guess", "m1", now, notification), "")
	f.Add(notification, "m1", now, "", h.hookSecret(fakeStore))
	f.Add(notification, "m1", "1", sign("hush", "m1", "1", notification), "")
	f.Add(`{"producer":"stores/other1"}`, "", "", "", h.hookSecret(fakeStore))
	f.Add(`{"producer":"stores/abc123"}`, "", "", "", "guess")
	f.Fuzz(func(t *testing.T, body, id, stamp, signature, header string) {
		r := &http.Request{Method: http.MethodPost, URL: httptest.NewRequest(http.MethodPost, "/", nil).URL, Header: http.Header{
			"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}, hookHeader: {header},
		}}
		n, err := h.Wake(r, []byte(body))
		if !rightlySigned(body, id, stamp, signature) && !(len(n.Wake) == 1 && header == h.hookSecret(n.Wake[0])) {
			if models.KindOf(err) != models.Unauthorised || len(n.Wake) > 0 {
				t.Fatalf("unsigned, and woke %q, %v", n.Wake, err)
			}
			return
		}
		if err != nil && models.KindOf(err) != models.Invalid || err == nil && len(n.Wake) != 1 {
			t.Errorf("%q, %v", n.Wake, err)
		}
		for _, store := range n.Wake {
			if storeOf("stores/"+store) != store {
				t.Errorf("woke %q", store)
			}
		}
	})
}

// rightlySigned reports whether one of the signatures is what BigCommerce would
// write, at a time that is near enough.
func rightlySigned(body, id, stamp, signatures string) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || seconds < jwtNow.Add(-replayWindow).Unix() || seconds > jwtNow.Add(replayWindow).Unix() {
		return false
	}
	return slices.ContainsFunc(strings.Fields(signatures), func(one string) bool {
		mac, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1,"))
		return err == nil && "v1,"+base64.StdEncoding.EncodeToString(mac) == sign("hush", id, stamp, body) && strings.HasPrefix(one, "v1,")
	})
}

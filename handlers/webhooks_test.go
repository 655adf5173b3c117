package handlers

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// bellShop is a host that signs its notices with a word. A line of a body is an account.
type bellShop struct{ shop }

func (bellShop) Wake(r *http.Request, body []byte) (hostapi.Notice, error) {
	switch {
	case r.Header.Get("X-Signature") != "right":
		return hostapi.Notice{}, models.Errorf(models.Unauthorised, "The signature is not the host's.")
	case len(body) == 0:
		return hostapi.Notice{}, models.Errorf(models.Invalid, "The notice is empty.")
	case string(body) == "broken":
		return hostapi.Notice{}, errors.New("a fault of ours")
	case string(body) == "forget":
		return hostapi.Notice{Privacy: []hostapi.Privacy{{Kind: hostapi.PrivacyForget, Account: "shop-1"}}}, nil
	}
	return hostapi.Notice{Wake: strings.Fields(strings.TrimRight(string(body), "."))}, nil
}

func newBell(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(c *Config) { c.Hosts["bell"] = bellShop{shop{hostapi.Info{Title: "Bell"}}} })
}

// notice is a notice as the host sends it: signed, without a bearer.
func (b *bench) notice(body string) *http.Request {
	b.t.Helper()
	req := b.request("POST", "/webhooks/bell", body)
	req.Header.Del("Authorization")
	req.Header.Set("X-Signature", "right")
	return req
}

func TestNoticesAreKeptBeforeTheyAreAnswered(t *testing.T) {
	t.Parallel()
	b := newBell(t)
	b.send(b.notice("shop-1 shop-2")).is(200, `{}`)
	b.send(b.notice("shop-2 shop-3")).is(200, `{}`)
	b.send(b.notice("forget")).is(200, `{}`)
	if got := one[string](b, `SELECT string_agg(host || ' ' || account, ', ' ORDER BY account) FROM wakes`); got != "bell shop-1, bell shop-2, bell shop-3" {
		t.Errorf("wakes %q", got)
	}
	if got := one[string](b, `SELECT string_agg(host || ' ' || account || ' ' || kind, ', ') FROM privacy_requests`); got != "bell shop-1 forget" {
		t.Errorf("requests %q", got)
	}
	if strings.Contains(b.log.String(), "shop-") {
		t.Error("the log holds a body")
	}
}

func TestNoticesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBell(t)
	forged := b.notice("shop-1")
	forged.Header.Set("X-Signature", "wrong")
	b.send(forged).is(401).says("signature")
	b.send(b.notice("")).is(400).says("empty")
	b.send(b.notice("broken")).is(500)
	b.send(b.notice("shop\x00")).is(400)
	packed := b.notice("shop-1")
	packed.Header.Set("Content-Encoding", "gzip")
	b.send(packed).is(400).says("Content-Encoding")
	for _, host := range []string{"nobody", "till"} { // the second sends no notices
		b.call("POST", "/webhooks/"+host, "shop-1").is(404).says("no host")
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		b.sendUnchecked(b.request(method, "/webhooks/bell", "")).is(405)
	}
	if n := one[int](b, `SELECT count(*) FROM wakes`); n != 0 {
		t.Errorf("%d wakes", n)
	}
}

func TestNoticesMayBeLargeAndNotEndless(t *testing.T) {
	t.Parallel()
	b := newBell(t)
	b.send(b.notice("shop-1" + strings.Repeat(".", webhookLimit-6))).is(200)
	b.send(b.notice("shop-1" + strings.Repeat(".", webhookLimit))).is(400).says("larger")
	b.call("POST", "/connections", `{"a":"`+strings.Repeat("a", bodyLimit)+`"}`).is(400).says("larger")
}

// TestFewLargeNoticesAtOnce: others wait for room, small ones pass by, and room
// that was taken is given back.
func TestFewLargeNoticesAtOnce(t *testing.T) {
	t.Parallel()
	full, b := newBell(t), newBell(t)
	full.api.patience = 500 * time.Millisecond
	large := "shop-1" + strings.Repeat(".", smallNotice)
	for range largeNotices {
		full.api.large <- struct{}{}
	}
	full.send(full.notice(large)).is(503)
	full.send(full.notice("shop-2")).is(200)
	for range 2 * largeNotices {
		b.send(b.notice(large)).is(200)
		b.send(b.notice(large + strings.Repeat(".", webhookLimit))).is(400)
	}
	if n := len(b.api.large); n != 0 {
		t.Errorf("%d places were not given back", n)
	}
}

func TestNoticeThatCannotBeKeptIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newBell(t)
	b.exec(`ALTER TABLE wakes RENAME TO elsewhere`)
	if a := b.send(b.notice("shop-1")).is(503); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.exec(`ALTER TABLE elsewhere RENAME TO wakes`)
	b.send(b.notice("shop-1")).is(200)
}

// TestThousandNotices reports how many notices a second are answered, each after
// its commit; most are of one busy account.
func TestThousandNotices(t *testing.T) {
	t.Parallel()
	b := newBell(t)
	const notices, senders = 1000, 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	var sent, kept atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range senders {
		wg.Go(func() {
			for n := sent.Add(1); n <= notices; n = sent.Add(1) {
				body := "shop-busy"
				if n%4 == 0 {
					body = "shop-" + string(rune('a'+n%26))
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/webhooks/bell", bytes.NewBufferString(body))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("X-Signature", "right")
				if res, err := client.Do(req); err == nil {
					if res.StatusCode == http.StatusOK {
						kept.Add(1)
					}
					_ = res.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d notices in %s: %.0f a second", kept.Load(), time.Since(begun).Round(time.Millisecond), notices/time.Since(begun).Seconds())
	if kept.Load() != notices {
		t.Errorf("%d of %d were kept", kept.Load(), notices)
	}
}

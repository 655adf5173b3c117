package shopify

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

// answering is a host in front of a shop that gives one answer to everything.
func answering(t testing.TB, status int, body string) (*host, hostapi.Account) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return open(t, server.URL).(*host), hostapi.Account{HostID: fakeShop, Client: server.Client(), Zone: time.UTC}
}

const emptyData = `"data":{"orders":{"pageInfo":{"hasNextPage":false},"nodes":[]}}`

func failing(code string) string {
	return `{` + emptyData + `,"errors":[{"message":"secret-canary","extensions":{"code":"` + code + `"}}]}`
}

// An error of Shopify's comes with status 200, and with a part of the data.
func TestErrorsInAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   models.Kind
	}{
		"throttled":     {200, failing("THROTTLED"), models.Throttled},
		"denied":        {200, failing("ACCESS_DENIED"), models.Internal}, // the grant is not lost
		"too dear":      {200, failing("MAX_COST_EXCEEDED"), models.Internal},
		"fault":         {200, failing("INTERNAL_SERVER_ERROR"), models.Unavailable},
		"shop inactive": {200, failing("SHOP_INACTIVE"), models.Unavailable},
		"our mistake":   {200, failing("undefinedField"), models.Internal},
		"no code":       {200, `{"errors":[{"message":"x"}]}`, models.Internal},
		"plain text":    {200, `{"errors":"Not Found"}`, models.Internal},
		"frozen":        {402, `{"errors":"Unavailable Shop"}`, models.Unavailable},
		"unknown shop":  {404, `{"errors":"Not Found"}`, models.Unavailable},
		"bad request":   {400, `{"errors":"x"}`, models.Internal},
		"no data":       {200, `{"extensions":{}}`, models.Unavailable},
		"null":          {200, `{"data":null}`, models.Unavailable},
		"no orders":     {200, `{"data":{"orders":null}}`, models.Unavailable},
		"no id":         {200, `{"data":{"orders":{"nodes":[{"updatedAt":"2026-10-01T00:00:00Z"}]}}}`, models.Unavailable},
		"no time":       {200, `{"data":{"orders":{"nodes":[{"id":"gid://shopify/Order/1"}]}}}`, models.Unavailable},
	} {
		h, a := answering(t, c.status, c.body)
		page, err := h.Pull(t.Context(), a, window, "")
		if page != nil && len(page.Records) > 0 || models.KindOf(err) != c.want || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %v, %v", name, page, err)
		}
	}
}

// throttledAnswer needs so many points more than there are, at a hundred a second.
func throttledAnswer(points int) string {
	return fmt.Sprintf(`{"errors":[{"extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":%d,`+
		`"throttleStatus":{"maximumAvailable":1000.0,"currentlyAvailable":10.0,"restoreRate":100.0}}}}`, points+10)
}

func TestAShortThrottleIsWaitedFor(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			fmt.Fprint(w, throttledAnswer(100))
			return
		}
		fmt.Fprint(w, `{`+emptyData+`}`)
	}))
	defer server.Close()
	h, started := open(t, server.URL).(*host), time.Now()
	a := hostapi.Account{HostID: fakeShop, Client: server.Client()}
	if _, err := h.Pull(t.Context(), a, window, ""); err != nil || n.Load() != 2 || time.Since(started) < time.Second {
		t.Errorf("%v after %d requests and %v", err, n.Load(), time.Since(started))
	}
}

func TestALongThrottleIsLeftToTheEngine(t *testing.T) {
	t.Parallel()
	h, a := answering(t, 200, throttledAnswer(900))
	_, err := h.Pull(t.Context(), a, window, "")
	var e *models.Error
	if !errors.As(err, &e) || e.Kind != models.Throttled || e.RetryAfter != 9*time.Second {
		t.Errorf("%v", err)
	}
}

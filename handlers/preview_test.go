package handlers

import (
	"context"
	"errors"
	"testing"
	"time"

	"extractor/models"
)

// previews is the engine's side of a preview.
type previews struct {
	asked  int64
	start  *time.Time
	answer *models.Preview
	err    error
}

func (p *previews) Preview(_ context.Context, c *models.Connection, start *time.Time) (*models.Preview, error) {
	p.asked, p.start = c.ID, start
	return p.answer, p.err
}

// previewBench is a bench with a connection a, and the engine's side.
func previewBench(t *testing.T) (b *bench, engine *previews, id int64) {
	engine = &previews{}
	b = newBench(t, func(c *Config) { c.Previewer = engine })
	return b, engine, b.create("a", "2018-04-01")
}

func TestPreview(t *testing.T) {
	t.Parallel()
	b, engine, id := previewBench(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	engine.answer = &models.Preview{StartDate: start}
	b.call("POST", "/connections/a/preview", "").is(200, `{"connectionId":"a","startDate":"2026-01-01","complete":true,"message":null,
		"totals":{"new":0,"changed":0,"unchanged":0,"bad":0,"skipped":0},"months":[],"bad":[],"skipped":[],"items":[]}`)
	if engine.asked != id || engine.start != nil {
		t.Errorf("asked for %d from %v", engine.asked, engine.start)
	}
	engine.answer = &models.Preview{
		StartDate: start, Stopped: "We stopped.", New: 2, Changed: 1, Unchanged: 3,
		Months:  []models.PreviewMonth{{Month: "2026-01", Sales: 2, Refunds: 1, Sum: models.Sum{Items: 3, SalesAmount: 123456789012345, SalesTax: -1, ShippingAmount: 10, ShippingTax: 0}}},
		Bad:     []models.PreviewReason{{Reason: "No address is known.", Count: 2}, {Reason: "Its date cannot be read.", Count: 1}},
		Skipped: []models.PreviewReason{{Reason: models.SkipBeforeStart, Count: 9}},
		Items: []models.Item{
			{Kind: models.KindSale, Key: "s1", Sale: &models.Sale{Date: "2026-01-05T12:00:00", ShipTo: models.Address{State: "NY", Zip: "12207", Country: "US"}, SalesAmount: 1000, SalesTax: 80}},
			{Kind: models.KindRefund, Key: "r1", Sale: &models.Sale{Date: "2026-01-06T12:00:00", SalesAmount: 5, ReviewMessage: "Look at it."}},
		},
	}
	a := b.call("POST", "/connections/a/preview", `{"startDate":"1/1/26","more":1}`)
	a.is(200, `{"connectionId":"a","startDate":"2026-01-01","complete":false,"message":"We stopped.",
		"totals":{"new":2,"changed":1,"unchanged":3,"bad":3,"skipped":9},
		"months":[{"month":"2026-01","sales":2,"refunds":1,"salesAmount":1234567890123.45,"salesTax":-0.01,"shippingAmount":0.10,"shippingTax":0.00}],
		"bad":[{"reason":"No address is known.","count":2},{"reason":"Its date cannot be read.","count":1}],
		"skipped":[{"reason":"before start date","count":9}],
		"items":[{"itemId":"s1","transactionDate":"2026-01-05T12:00:00","shipToAddress":{"state":"NY","zip":"12207"},
			"salesAmount":10.00,"salesTax":0.80,"shippingAmount":0.00,"shippingTax":0.00,"refund":false,"reviewRequired":false},
			{"itemId":"r1","transactionDate":"2026-01-06T12:00:00","shipToAddress":{},"salesAmount":0.05,"salesTax":0.00,"shippingAmount":0.00,"shippingTax":0.00,
			"refund":true,"reviewRequired":true,"reviewMessage":"Look at it."}]}`)
	if engine.start == nil || !engine.start.Equal(start) {
		t.Errorf("from %v", engine.start)
	}
	b.call("POST", "/connections/a/preview", `{"startDate":null}`).is(200)
	if engine.start != nil {
		t.Errorf("null is %v", engine.start)
	}
}

func TestPreviewIsReadStrictly(t *testing.T) {
	t.Parallel()
	b, engine, _ := previewBench(t)
	for _, body := range []string{
		`{"startDate":"yesterday"}`, `{"startDate":""}`, `{"startDate":5}`, `{"STARTDATE":"2026-01-01"}`, `{"startDate":"2026-01-01"`,
		`{"startDate":"2026-01-01","startDate":"2026-01-01"}`, `[]`, `null`, `{} {}`, `{"startDate":"1969-12-31"}`,
	} {
		b.call("POST", "/connections/a/preview", body).is(400)
	}
	b.call("POST", "/connections/nobody/preview", "").is(404)
	if engine.asked != 0 {
		t.Error("the engine was asked")
	}
	req := b.request("POST", "/connections/a/preview", "")
	req.Header.Del("Authorization")
	b.send(req).is(401)
}

func TestPreviewSaysWhoseFailureItIs(t *testing.T) {
	t.Parallel()
	b, engine, _ := previewBench(t)
	busy := models.Errorf(models.Throttled, "It says.").Because(models.ErrPreviewBusy)
	slow := models.Errorf(models.Throttled, "It says.")
	slow.RetryAfter = 90500 * time.Millisecond
	for name, want := range map[string]struct {
		err    error
		status int
		again  string
	}{
		"not ready":     {models.Errorf(models.Conflict, "It says."), 409, ""},
		"not let in":    {models.Errorf(models.Unauthorised, "It says."), 409, ""},
		"busy":          {busy, 429, "10"},
		"throttled":     {slow, 503, "91"},
		"down":          {models.Errorf(models.Unavailable, "It says."), 502, "10"},
		"silent":        {models.Errorf(models.Unsure, "It says.").Because(context.DeadlineExceeded), 502, "10"},
		"refused":       {models.Errorf(models.Refused, "It says."), 502, "10"},
		"not found":     {models.Errorf(models.NotFound, "It says."), 502, "10"},
		"too late":      {context.DeadlineExceeded, 503, "5"},
		"fault of ours": {errors.New("a secret of ours"), 500, ""},
	} {
		engine.err = want.err
		a := b.call("POST", "/connections/a/preview", "").is(want.status)
		if got := a.Header.Get("Retry-After"); got != want.again {
			t.Errorf("%s: again after %q", name, got)
		}
		if models.KindOf(want.err) != models.Internal {
			a.is(want.status, `{"message":"It says."}`)
		}
	}
}

package handlers

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

const (
	noPreview = "Unable to preview the connection. Please try again."
	// previewAgain is how long to wait before another try, where nobody says how
	// long: about as long as a preview takes.
	previewAgain = 10 * time.Second
)

// Previewer tells what a sync would send, and sends nothing. The kinds of its
// error are told at Engine.Preview.
type Previewer interface {
	Preview(ctx context.Context, c *models.Connection, start *time.Time) (*models.Preview, error)
}

// preview is what a sync from a start date on would send.
type preview struct {
	ConnectionID string         `json:"connectionId"`
	StartDate    string         `json:"startDate"`
	Complete     bool           `json:"complete"`
	Message      *string        `json:"message"` // why it is not complete
	Totals       previewTotals  `json:"totals"`
	Months       []previewMonth `json:"months"`
	Bad          []reason       `json:"bad"`
	Skipped      []reason       `json:"skipped"`
	Items        []item         `json:"items"`
}

type previewTotals struct {
	New       int64 `json:"new"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Bad       int64 `json:"bad"`
	Skipped   int64 `json:"skipped"`
}

type previewMonth struct {
	Month          string        `json:"month"`
	Sales          int64         `json:"sales"`
	Refunds        int64         `json:"refunds"`
	SalesAmount    models.Amount `json:"salesAmount"`
	SalesTax       models.Amount `json:"salesTax"`
	ShippingAmount models.Amount `json:"shippingAmount"`
	ShippingTax    models.Amount `json:"shippingTax"`
}

type reason struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// POST /connections/{id}/preview
func (a *api) previewConnection(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, noPreview)
		return
	}
	start, err := readStart(c.Request)
	if err != nil {
		fail(c, err, noPreview)
		return
	}
	seen, err := a.Previewer.Preview(c.Request.Context(), found, start)
	if err != nil {
		failPreview(c, err)
		return
	}
	c.JSON(http.StatusOK, previewOf(found, seen))
}

// readStart reads the body, which may be left out.
func readStart(r *http.Request) (*time.Time, error) {
	text, err := readBody(r)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return nil, err
	}
	var body struct {
		StartDate maybe `json:"startDate"`
	}
	if err := decodeBytes(text, &body); err != nil || body.StartDate.text == nil {
		return nil, err
	}
	start, err := parseStartDate(*body.StartDate.text)
	return &start, err
}

// failPreview answers an error that is not ours with a status that says whose it is.
func failPreview(c *gin.Context, err error) {
	var known *models.Error
	status := 0
	if errors.As(err, &known) {
		status = previewStatus(known)
	}
	if status == 0 {
		fail(c, err, noPreview)
		return
	}
	_ = c.Error(err)
	if status != http.StatusConflict {
		wait := max(known.RetryAfter, previewAgain)
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	c.AbortWithStatusJSON(status, message{known.Message})
}

// previewStatus is 0 for what fail answers.
func previewStatus(known *models.Error) int {
	switch known.Kind {
	case models.Conflict, models.Unauthorised:
		return http.StatusConflict
	case models.Throttled:
		if errors.Is(known, models.ErrPreviewBusy) {
			return http.StatusTooManyRequests
		}
		return http.StatusServiceUnavailable
	case models.Unavailable, models.Unsure, models.TooLarge, models.Refused, models.NotFound:
		return http.StatusBadGateway
	}
	return 0
}

func previewOf(c *models.Connection, p *models.Preview) preview {
	out := preview{
		ConnectionID: *c.ExternalID, StartDate: date(p.StartDate), Complete: p.Stopped == "",
		Totals: previewTotals{New: p.New, Changed: p.Changed, Unchanged: p.Unchanged},
		Months: make([]previewMonth, len(p.Months)), Items: make([]item, len(p.Items)),
	}
	if !out.Complete {
		out.Message = &p.Stopped
	}
	out.Bad, out.Totals.Bad = reasonsOf(p.Bad)
	out.Skipped, out.Totals.Skipped = reasonsOf(p.Skipped)
	for i, m := range p.Months {
		out.Months[i] = previewMonth{m.Month, m.Sales, m.Refunds, m.SalesAmount, m.SalesTax, m.ShippingAmount, m.ShippingTax}
	}
	for i, it := range p.Items {
		out.Items[i] = saleItem(it.Ref(), it.Sale)
	}
	return out
}

func reasonsOf(given []models.PreviewReason) (list []reason, sum int64) {
	list = make([]reason, len(given))
	for i, r := range given {
		list[i] = reason(r)
		sum += r.Count
	}
	return list, sum
}

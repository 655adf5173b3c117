package handlers

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

// badItem is one line of GET /baditems.
type badItem struct {
	Timestamp       string `json:"timestamp"`
	Message         string `json:"message"`
	ConnectionID    string `json:"connectionId"`
	BadItems        []any  `json:"badItems"`
	FriendlyMessage string `json:"friendlyMessage"`
}

// item is the contract's Item.
type item struct {
	ItemID          string           `json:"itemId"`
	TransactionDate models.LocalTime `json:"transactionDate"`
	ShipToAddress   address          `json:"shipToAddress"`
	ShipFromAddress address          `json:"shipFromAddress,omitzero"`
	SalesAmount     models.Amount    `json:"salesAmount"`
	SalesTax        models.Amount    `json:"salesTax"`
	ShippingAmount  models.Amount    `json:"shippingAmount"`
	ShippingTax     models.Amount    `json:"shippingTax"`
	Refund          bool             `json:"refund"`
	Description     string           `json:"description,omitempty"`
	ReviewRequired  bool             `json:"reviewRequired"`
	ReviewMessage   string           `json:"reviewMessage,omitempty"`
}

type address struct {
	Line1 string `json:"line1,omitempty"`
	City  string `json:"city,omitempty"`
	State string `json:"state,omitempty"`
	Zip   string `json:"zip,omitempty"`
}

// rawItem is what is known of a record that no item could be made of.
type rawItem struct {
	ItemID string `json:"itemId"`
}

// GET /baditems?date=
func (a *api) listBadItems(c *gin.Context) {
	from, err := since(c)
	if err != nil {
		fail(c, err, noErrors)
		return
	}
	rows, err := a.Store.BadItems(c.Request.Context(), from)
	if err != nil {
		fail(c, err, noErrors)
		return
	}
	list := make([]badItem, len(rows))
	for i, r := range rows {
		list[i] = badItem{timestamp(r.At), r.Message, r.ExternalID, []any{itemOf(r)}, r.FriendlyMessage}
	}
	c.JSON(http.StatusOK, gin.H{"errors": list})
}

// itemOf is the refused item in the contract's shape, or only its id when
// there is no item.
func itemOf(b models.BadItem) any {
	var s models.Sale
	if b.Payload == nil || json.Unmarshal([]byte(*b.Payload), &s) != nil {
		return rawItem{hostID(b)}
	}
	return saleItem(models.Ref{Kind: b.Kind, Key: b.Key}, &s)
}

// saleItem is a sale or refund in the contract's shape.
func saleItem(ref models.Ref, s *models.Sale) item {
	return item{
		ItemID: ref.Key, TransactionDate: s.Date, ShipToAddress: addressOf(s.ShipTo), ShipFromAddress: addressOf(s.ShipFrom),
		SalesAmount: s.SalesAmount, SalesTax: s.SalesTax, ShippingAmount: s.ShippingAmount, ShippingTax: s.ShippingTax,
		Refund: ref.Kind == models.KindRefund, Description: s.Description,
		ReviewRequired: s.ReviewMessage != "", ReviewMessage: s.ReviewMessage,
	}
}

// hostID is the id as the host shows it: a record's key in our books begins
// with the kind of record and a slash.
func hostID(b models.BadItem) string {
	if b.Kind != models.KindRecord {
		return b.Key
	}
	_, id, found := strings.Cut(b.Key, "/")
	if !found || id == "" {
		return b.Key
	}
	return id
}

func addressOf(a models.Address) address { return address{a.Line1, a.City, a.State, a.Zip} }

// POST /connections/{id}/baditems/retry
func (a *api) retryBadItems(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, "")
		return
	}
	n, err := a.Retrier.RetryBadItems(c.Request.Context(), found.ID)
	if err != nil {
		fail(c, err, "Unable to retry the bad items. Please try again.")
		return
	}
	c.JSON(http.StatusOK, gin.H{"retried": n})
}

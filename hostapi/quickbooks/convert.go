package quickbooks

import (
	"strings"
	"time"

	json "github.com/goccy/go-json"

	"extractor/hostapi"
	"extractor/models"
)

// Why a document is known and not sent. Skipped ones are counted under these words.
const (
	skipNothing = "nothing was charged"
	skipUnpaid  = "not paid yet"
)

// Sentences for the person who reviews.
const (
	reviewShipping = "QuickBooks gives one tax for goods and shipping; it was divided in proportion to them."
	reviewPaidOn   = "QuickBooks does not say when this was paid, so its own date was used."
	reviewOrigin   = "QuickBooks has no address of the buyer, so the address it was sold from was used."
)

// Transform makes a sale or a refund of a document. A deleted or voided one means nothing.
func (h *host) Transform(r hostapi.Record) ([]models.Item, error) {
	e, known := entityOf(r.Kind)
	var d document
	if err := json.Unmarshal(r.Body, &d); err != nil || !known {
		return nil, models.Errorf(models.Refused, "QuickBooks sent this document in a form that we cannot read. It is tried again after our next update.").Because(err)
	}
	if d.Status == deleted || d.voided() {
		return nil, nil
	}
	if d.ID == "" || d.TotalAmt == nil {
		return nil, models.Errorf(models.Refused, "QuickBooks sent this document without its id or its total. It is tried again after our next update.")
	}
	item := models.Item{Kind: e.item, Key: r.Key, Sale: h.sale(&d, e)}
	switch {
	case h.waits(&d, e):
		item.Skip = skipUnpaid
	case *d.TotalAmt == 0 && item.Sale.Total() == 0:
		item.Skip = skipNothing
	}
	return []models.Item{item}, nil
}

// voided reports whether a document was voided: its amounts are then zero, and
// its memo begins with the word.
func (d *document) voided() bool {
	return d.TotalAmt != nil && *d.TotalAmt == 0 && strings.HasPrefix(d.PrivateNote, "Voided")
}

// waits reports whether a document counts only once it is paid, and is not.
func (h *host) waits(d *document, e entity) bool {
	return h.cash && e.credit && d.Balance != nil && *d.Balance != 0
}

// sale is what the document says of a sale or a refund.
func (h *host) sale(d *document, e entity) *models.Sale {
	charged := d.TotalAmt.cents()
	s := &models.Sale{Currency: d.currency(), Charged: &charged, Description: trim(e.words + " " + d.DocNumber)}
	date := d.TxnDate
	if h.cash && e.credit && !h.waits(d, e) {
		if date = d.PaidOn; date == "" {
			date = d.TxnDate
			s.Review(reviewPaidOn)
		}
	}
	setDate(s, date)
	d.setAmounts(s)
	d.setPlaces(s)
	return s
}

// setDate sets the beginning of a calendar day, and leaves the date empty where
// there is none, for the policy to refuse.
func setDate(s *models.Sale, day string) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return
	}
	s.At, s.Date = at, models.LocalTime(day+"T00:00:00")
}

// currency is the document's. Companies with one currency may leave it out; the
// tax mode is then the sign of one outside the US, whose currency is not known.
func (d *document) currency() string {
	if d.CurrencyRef.Value == "" && d.TaxMode == "" {
		return "USD"
	}
	return d.CurrencyRef.Value
}

// setPlaces sets the addresses. Where the buyer has none at all, it was sold
// over the counter, mostly.
func (d *document) setPlaces(s *models.Sale) {
	if d.ShipFromAddr != nil {
		s.ShipFrom = d.ShipFromAddr.plain()
	}
	s.Places = make([]models.Place, 0, 2)
	add := func(kind models.PlaceKind, a models.Address) {
		if a != (models.Address{}) {
			s.Places = append(s.Places, models.Place{Kind: kind, Address: a})
		}
	}
	sent := false
	if d.ShipAddr != nil {
		to := d.ShipAddr.plain()
		add(models.PlaceShipping, to)
		sent = models.StateCode(to.State) != "" && len(to.Zip) >= len("12345")
	}
	if d.BillAddr != nil && !sent { // where it was sent to a good address, the other one is not wanted
		add(models.PlaceBilling, d.BillAddr.plain())
	}
	if len(s.Places) == 0 && s.ShipFrom != (models.Address{}) {
		add(models.PlacePickup, s.ShipFrom)
		s.Review(reviewOrigin)
	}
}

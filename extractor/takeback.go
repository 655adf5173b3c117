package extractor

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"extractor/models"
)

// reversalSuffix ends the key of an item we made to take back another one.
const reversalSuffix = "~reversal"

// book is what decisions about one connection go by: its start date, its clock.
type book struct {
	start    string // merchant-local day
	now      time.Time
	zone     *time.Location
	closeDay int
	// history: what is read was asked for by a start date in the past, so being
	// late is no surprise.
	history bool
	// stored gives the payload that the ledger holds for an entry.
	stored func(models.Ref) []byte
}

// open reports whether the merchant-local month of a day is still open.
func (b *book) open(day string) bool {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return true
	}
	closes := time.Date(d.Year(), d.Month()+1, b.closeDay, 0, 0, 0, 0, b.zone)
	return b.now.Before(closes)
}

// markLate marks an item for review that is first seen, or changed, after its
// month was closed.
func (b *book) markLate(c *content, changed bool) {
	if c.item.Sale == nil || b.open(c.day) || (b.history && !changed) {
		return
	}
	sale := *c.item.Sale
	if changed {
		sale.Review("It changed after its month was closed; check whether the return that was filed needs an amendment.")
	} else {
		sale.Review("It reached us after its month was closed; check whether the return that was filed needs an amendment.")
	}
	c.item.Sale = &sale
	c.payload = sale.AppendJSON(nil) // the hash stays that of the host's content
}

// takeBack undoes what the target has of an entry: while the month is open by
// the same item with zero amounts, afterwards by an opposite item of its own,
// dated now.
func (b *book) takeBack(old *entry, why string, all map[models.Ref]*entry, d *decision) {
	old.Compensated = true
	old.change()
	if b.open(old.Day) {
		b.zero(old, why)
		return
	}
	again := all[models.Ref{Kind: opposite(old.Kind), Key: old.Key + reversalSuffix}]
	if again != nil { // taken back, wanted again, and gone once more
		again.Compensated = false
		again.fill(b.reversed(old, why))
		return
	}
	d.entries = append(d.entries, b.reversal(old, why))
}

// zero makes the entry's content zero amounts.
func (b *book) zero(e *entry, why string) {
	sale := b.sale(e)
	sale.SalesAmount, sale.SalesTax, sale.ShippingAmount, sale.ShippingTax = 0, 0, 0, 0
	sale.ReviewMessage = ""
	sale.Review("All amounts were set to zero. " + why)
	e.fill(sale)
}

// reversal is the opposite of an entry as an item of its own.
func (b *book) reversal(old *entry, why string) *entry {
	e := &entry{Kind: opposite(old.Kind), Key: old.Key + reversalSuffix, Record: old.Record, Version: old.Version, Reverses: old.Key, op: opInsert}
	e.fill(b.reversed(old, why))
	return e
}

// reversed is the content of a reversal.
func (b *book) reversed(old *entry, why string) *models.Sale {
	sale := b.sale(old)
	sale.At, sale.Date = b.now.UTC(), models.LocalTimeIn(b.now, b.zone)
	sale.ReviewMessage = ""
	sale.Review("It takes back " + old.Kind + " " + old.Key + " of " + old.Day + ", whose month is closed. " + why)
	return sale
}

// decideReversal undoes a reversal whose original is wanted again.
func (b *book) decideReversal(e *entry, absent map[models.Ref]*entry) {
	original := models.Ref{Kind: opposite(e.Kind), Key: e.Reverses}
	if _, gone := absent[original]; gone || e.Compensated {
		return
	}
	e.Compensated = true
	b.zero(e, "What it took back is there again.")
}

// sale is the entry's present content, from the ledger.
func (b *book) sale(e *entry) *models.Sale {
	var sale models.Sale
	payload := e.Payload
	if payload == nil {
		payload = b.stored(e.ref())
	}
	if err := json.Unmarshal(payload, &sale); err != nil {
		sale.Date = models.LocalTime(e.Day + "T00:00:00") // only what the columns hold
	}
	sale.SalesAmount, sale.SalesTax, sale.ShippingAmount, sale.ShippingTax = e.Sales, e.SalesTax, e.Shipping, e.ShippingTax
	return &sale
}

// fill makes sale the entry's content, to be sent.
func (e *entry) fill(sale *models.Sale) {
	e.Payload = sale.AppendJSON(nil)
	sum := sha256.Sum256(append([]byte("made by us: "), e.Payload...))
	e.Hash, e.Day = sum[:], sale.Date.Day()
	e.Sales, e.SalesTax, e.Shipping, e.ShippingTax = sale.SalesAmount, sale.SalesTax, sale.ShippingAmount, sale.ShippingTax
	e.State, e.Reason, e.bump = models.EntryPending, "", true
	e.change()
}

func opposite(kind string) string {
	if kind == models.KindRefund {
		return models.KindSale
	}
	return models.KindRefund
}

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
	// stored gives the payload that the ledger holds for an entry, and what the
	// target has instead of it; nil = none, or the payload itself.
	stored func(models.Ref) (payload, held []byte)
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

// markLate is the content marked for review when it is first seen, or changed,
// after its month was closed. The hash stays that of the host's content.
func (b *book) markLate(c *content, changed bool) *content {
	if c.payload == nil || b.open(c.day) || (b.history && !changed) {
		return c
	}
	var sale models.Sale
	if err := sale.ReadJSON(string(c.payload)); err != nil {
		return c // unmarked: no payload of ours is unreadable, and if one were, so would be its delivery
	}
	if changed {
		sale.Review("It changed after its month was closed; check whether the return that was filed needs an amendment.")
	} else {
		sale.Review("It reached us after its month was closed; check whether the return that was filed needs an amendment.")
	}
	marked := *c
	marked.payload = sale.AppendJSON(nil)
	return &marked
}

// takeBack undoes what the target has of an entry: while the month is open by
// the same item with zero amounts, afterwards by an opposite item of its own,
// dated now. Zero is right as well where it is not certain that the target has
// anything: a refund of nothing would be money.
func (b *book) takeBack(old *entry, why string, all map[models.Ref]*entry, d *decision) {
	sale := b.held(old)
	certain := old.certain()
	old.settle(d)
	old.Compensated = true
	old.change()
	if !certain || b.open(sale.Date.Day()) {
		old.fill(zeroed(sale, "All amounts were set to zero. "+why))
		return
	}
	if old.Held { // what is newer must not arrive any more, or come back by a retry
		old.fill(sale)
	}
	b.reverse(old, sale, why, all, d)
}

// reverse makes, or makes again, the opposite item of what the target has.
func (b *book) reverse(old *entry, sale *models.Sale, why string, all map[models.Ref]*entry, d *decision) {
	e := all[old.reversalRef()]
	if e == nil {
		ref := old.reversalRef()
		e = &entry{Kind: ref.Kind, Key: ref.Key, Record: old.Record, Version: old.Version, Reverses: old.Key, op: opInsert}
		d.entries = append(d.entries, e)
	}
	e.settle(d)
	e.Compensated = false // it may have been: taken back, wanted again, and gone once more
	opposed := *sale
	opposed.At, opposed.Date = b.now.UTC(), models.LocalTimeIn(b.now, b.zone)
	opposed.ReviewMessage = ""
	opposed.Review("It takes back " + old.Kind + " " + old.Key + " of " + sale.Date.Day() + ", whose month is closed. " + why)
	e.fill(&opposed)
}

// zeroed is the sale with zero amounts, and why.
func zeroed(sale *models.Sale, why string) *models.Sale {
	zero := *sale
	zero.SalesAmount, zero.SalesTax, zero.ShippingAmount, zero.ShippingTax = 0, 0, 0, 0
	zero.ReviewMessage = ""
	zero.Review(why)
	return &zero
}

// reversalRef names the item that takes the entry back after its month closed.
func (e *entry) reversalRef() models.Ref {
	return models.Ref{Kind: opposite(e.Kind), Key: e.Key + reversalSuffix}
}

// certain reports whether the target certainly has some content of the entry,
// though perhaps not the present one.
func (e *entry) certain() bool {
	return e.Held || (e.SentSeq > maybeSent && e.State == models.EntrySent && !e.doubted)
}

// decideReversal undoes a reversal whose original is wanted again.
func (b *book) decideReversal(e *entry, all, absent map[models.Ref]*entry, d *decision) {
	ref := models.Ref{Kind: opposite(e.Kind), Key: e.Reverses}
	original := all[ref]
	if _, gone := absent[ref]; gone || original == nil || original.Compensated || e.Compensated {
		return
	}
	e.Compensated = true
	if !e.wasSent() {
		e.forget(d)
		return
	}
	e.settle(d)
	e.fill(zeroed(b.held(e), "All amounts were set to zero. What it took back is there again."))
}

// sale is the entry's present content, from the ledger.
func (b *book) sale(e *entry) *models.Sale {
	payload := e.Payload
	if payload == nil {
		payload, _ = b.stored(e.ref())
	}
	var sale models.Sale
	if err := json.Unmarshal(payload, &sale); err != nil {
		sale.Date = models.LocalTime(e.Day + "T00:00:00") // only what the columns hold
	}
	sale.SalesAmount, sale.SalesTax, sale.ShippingAmount, sale.ShippingTax = e.Sales, e.SalesTax, e.Shipping, e.ShippingTax
	return &sale
}

// held is the content that the target has of the entry, which is not always the
// present one.
func (b *book) held(e *entry) *models.Sale {
	if !e.Held {
		return b.sale(e)
	}
	var sale models.Sale
	if _, held := b.stored(e.ref()); json.Unmarshal(held, &sale) != nil {
		return b.sale(e)
	}
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

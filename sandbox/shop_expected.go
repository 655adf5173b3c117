package sandbox

import (
	"strings"
	"time"

	"extractor/models"
)

// What TrustFile should hold is computed here from the shop's own numbers, not
// by the extractor's code, so that the two check each other.

// Expected is an item TrustFile should hold for an order.
type Expected struct {
	ItemID          string        `json:"itemId"`
	Refund          bool          `json:"refund"`
	TransactionDate string        `json:"transactionDate"`
	State           string        `json:"state"`
	Zip             string        `json:"zip"`
	SalesAmount     models.Amount `json:"salesAmount"`
	SalesTax        models.Amount `json:"salesTax"`
	ShippingAmount  models.Amount `json:"shippingAmount"`
	ShippingTax     models.Amount `json:"shippingTax"`
	ReviewRequired  bool          `json:"reviewRequired"`
}

// Truth is an order and what TrustFile should hold for it.
type Truth struct {
	ID        string     `json:"id"`
	Version   int64      `json:"version"`
	Status    string     `json:"status"`
	Test      bool       `json:"test,omitempty"`
	CreatedAt string     `json:"createdAt"`
	UpdatedAt string     `json:"updatedAt"`
	Dropped   bool       `json:"dropped,omitempty"`
	Expected  []Expected `json:"expected"`
}

// truth tells what TrustFile should hold for each order, in order of creation.
func (os *orders) truth() []Truth {
	os.mu.RLock()
	defer os.mu.RUnlock()
	zone, err := time.LoadLocation(os.shop.Zone)
	if err != nil {
		zone = time.UTC
	}
	all := make([]Truth, len(os.byCreated))
	for i, o := range os.byCreated {
		d := o.own
		if d == nil {
			d = &o.made.document
		}
		all[i] = os.truthOf(o, d, zone)
	}
	return all
}

func (os *orders) truthOf(o *order, d *document, zone *time.Location) Truth {
	f := os.filling(o)
	t := Truth{
		ID: f.id, Version: o.version, Status: d.Status, Test: d.Test,
		CreatedAt: f.created, UpdatedAt: f.updated, Dropped: o.dropped, Expected: []Expected{},
	}
	if d.Status != statusPaid || d.Test || d.sale() == 0 {
		return t
	}
	t.Expected = append([]Expected{d.expectedSale(f, zone)}, d.expectedRefunds(f, zone)...)
	return t
}

func (d *document) expectedSale(f *filling, zone *time.Location) Expected {
	place, sure := d.place()
	return Expected{
		ItemID: f.id, TransactionDate: local(f.instant(*d.PaidAt), zone), State: place.State, Zip: strings.ReplaceAll(place.Zip, "-", ""),
		SalesAmount: models.Amount(d.Totals.Goods), SalesTax: models.Amount(d.Totals.Tax),
		ShippingAmount: models.Amount(d.Totals.Shipping), ShippingTax: models.Amount(d.Totals.ShippingTax),
		ReviewRequired: !sure,
	}
}

// place is where the sale is taxed, and whether that is sure.
func (d *document) place() (address, bool) {
	switch {
	case d.ShippingAddress != nil:
		return *d.ShippingAddress, true
	case d.PickupLocation != nil:
		return *d.PickupLocation, true
	}
	return *d.BillingAddress, false
}

func (d *document) expectedRefunds(f *filling, zone *time.Location) []Expected {
	var all []Expected
	var before money
	rest := d.unitemised()
	for _, r := range d.Refunds {
		x := d.expectedSale(f, zone)
		x.ItemID, x.Refund = f.id+"-r"+r.ID, true
		x.TransactionDate = local(f.instant(r.CreatedAt), zone)
		if !r.byAmount() {
			x.set(r.parts())
			all = append(all, x)
			continue
		}
		x.ReviewRequired = true
		x.set(rest.share(before + r.Amount).less(rest.share(before)))
		before += r.Amount
		all = append(all, x)
	}
	return all
}

// instant is the text that stands for itself or for a gap.
func (f *filling) instant(text string) string {
	switch text {
	case gapCreated:
		return f.created
	case gapUpdated:
		return f.updated
	}
	return text
}

// parts are the four amounts of an item: goods, tax, shipping, its tax.
type parts [4]money

func (p parts) sum() money { return p[0] + p[1] + p[2] + p[3] }

func (p parts) less(q parts) parts {
	return parts{p[0] - q[0], p[1] - q[1], p[2] - q[2], p[3] - q[3]}
}

// share splits the first part of p's money as p is split, a cent at a time:
// each goes to where the proportion lacks most (the method of Webster and
// Sainte-Laguë), the first one in a tie. Slow and plain, as a reference should be.
func (p parts) share(part money) (given parts) {
	for range min(part, p.sum()) {
		best := 0
		for i := range p {
			if p[i]*(2*given[best]+1) > p[best]*(2*given[i]+1) {
				best = i
			}
		}
		given[best]++
	}
	return given
}

func (x *Expected) set(p parts) {
	x.SalesAmount, x.SalesTax = models.Amount(p[0]), models.Amount(p[1])
	x.ShippingAmount, x.ShippingTax = models.Amount(p[2]), models.Amount(p[3])
}

// parts are the amounts of a refund by lines.
func (r refund) parts() (p parts) {
	for _, l := range r.Lines {
		p[0] += l.Amount
		p[1] += l.Tax
	}
	if r.Shipping != nil {
		p[2], p[3] = r.Shipping.Amount, r.Shipping.Tax
	}
	return p
}

// unitemised is what of the sale no refund by lines gave back: what refunds of
// an amount only are split by.
func (d *document) unitemised() parts {
	p := parts{d.Totals.Goods, d.Totals.Tax, d.Totals.Shipping, d.Totals.ShippingTax}
	for _, r := range d.Refunds {
		if !r.byAmount() {
			p = p.less(r.parts())
		}
	}
	return p
}

// local is the merchant's wall clock of an instant.
func local(text string, zone *time.Location) string {
	at, err := time.Parse(stampLayout, text)
	if err != nil {
		return ""
	}
	return string(models.LocalTimeIn(at, zone))
}

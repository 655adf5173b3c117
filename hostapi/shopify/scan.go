package shopify

import (
	"errors"

	"extractor/internal/jsonscan"
	"extractor/models"
)

// A record is read by walking over it once, without reflection: there are
// millions of them, and most of a record is lines of the ledger. These are summed
// up as they come; what is only compared stays part of the record's own bytes.
// What is null is as good as absent.

var errShape = errors.New("not the form of an order")

// read reads the body of a record.
func (p *parcel) read(body []byte) error {
	r := &jsonscan.Reader{Text: body}
	for more := r.Object(); more; more = r.Member() {
		switch name := string(r.Name()); {
		case r.Null():
		case name == "zone":
			p.Zone = r.Word()
		case name == "order":
			p.Order.read(r)
		default:
			r.Skip()
		}
	}
	r.End()
	return r.Err
}

func (o *order) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "id":
			o.ID = r.Word()
		case "name":
			o.Name = r.Word()
		case "test":
			o.Test = r.Bool()
		case "currencyCode":
			o.Currency = currency(r.Word())
		case "displayFinancialStatus":
			o.Status = r.Word()
		case "merchantOfRecordApp":
			o.MerchantOfRecord = true
			r.Skip()
		case "agreements":
			o.readAgreements(r)
		default:
			o.readPlace(r)
		}
	}
}

// currency is a code; that of nearly all orders is not written anew.
func currency(code []byte) string {
	const usual = "USD"
	if string(code) == usual {
		return usual
	}
	return string(code)
}

// readPlace reads the member if it is, or has, an address.
func (o *order) readPlace(r *jsonscan.Reader) {
	switch string(r.Name()) {
	case "shippingAddress":
		o.Shipping.read(r)
	case "billingAddress":
		o.Billing.read(r)
	case "retailLocation":
		for more := r.Object(); more; more = r.Member() {
			if r.Is("address") {
				o.Retail.read(r)
			}
		}
	case "fulfillments":
		for more := r.Array(); more; more = r.Element() {
			o.readOrigin(r)
		}
	default:
		r.Skip()
	}
}

// readOrigin reads the first origin; further ones do not matter.
func (o *order) readOrigin(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		switch {
		case !r.Is("originAddress"):
		case o.Origin.known:
			r.Skip()
		default:
			o.Origin.read(r)
		}
	}
}

// read reads an address.
func (a *orderAddress) read(r *jsonscan.Reader) {
	var line1, city, state, zip, country []byte
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "address1":
			line1 = r.Word()
		case "city":
			city = r.Word()
		case "provinceCode":
			state = r.Word()
		case "zip":
			zip = r.Word()
		case "countryCode", "countryCodeV2":
			country = r.Word()
		default:
			r.Skip()
		}
	}
	a.known, a.Address = true, models.AddressOf(line1, city, state, zip, country)
}

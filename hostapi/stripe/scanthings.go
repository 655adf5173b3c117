package stripe

import (
	"extractor/internal/jsonscan"
	"extractor/models"
)

// readCode reads a word of a few that are sent again and again; the usual ones
// are not written anew.
func readCode(r *jsonscan.Reader) string {
	word := r.Word()
	switch string(word) {
	case "usd":
		return "usd"
	case "succeeded":
		return "succeeded"
	case "complete":
		return "complete"
	}
	return string(word)
}

// readInt reads one number of an object.
func readInt(r *jsonscan.Reader, name string) (n int64) {
	for more := r.Object(); more; more = r.Member() {
		if r.Is(name) {
			n = r.Int()
		}
	}
	return n
}

func readShippingCost(r *jsonscan.Reader) *shippingCost {
	c := &shippingCost{}
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "amount_tax":
			c.AmountTax = r.Int()
		case "amount_total":
			c.AmountTotal = r.Int()
		default:
			r.Skip()
		}
	}
	return c
}

func (a *automaticTax) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "enabled":
			a.Enabled = r.Bool()
		case "status":
			a.Status = readCode(r)
		default:
			r.Skip()
		}
	}
}

func (a *amountDetails) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "tax":
			r.Decode(&a.Tax)
		case "shipping":
			r.Decode(&a.Shipping)
		case "tip":
			a.Tip = &tip{Amount: readInt(r, "amount")}
		case "line_items":
			r.Decode(&a.LineItems)
		default:
			r.Skip()
		}
	}
}

// readAddress reads the address of a delivery or a customer; nil where there is none.
func readAddress(r *jsonscan.Reader) (p *postal) {
	for more := r.Object(); more; more = r.Member() {
		if r.Is("address") {
			p = readPostal(r)
		}
	}
	return p
}

func readPostal(r *jsonscan.Reader) *postal {
	var line1, city, state, zip, country []byte
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "line1":
			line1 = r.Word()
		case "city":
			city = r.Word()
		case "state":
			state = r.Word()
		case "postal_code":
			zip = r.Word()
		case "country":
			country = r.Word()
		default:
			r.Skip()
		}
	}
	a := models.AddressOf(line1, city, state, zip, country)
	return &postal{City: a.City, Country: a.Country, Line1: a.Line1, PostalCode: a.Zip, State: a.State}
}

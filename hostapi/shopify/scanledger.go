package shopify

import (
	"time"

	"extractor/internal/jsonscan"
)

// usualAgreements are the order and a refund.
const usualAgreements = 2

func (o *order) readAgreements(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "pageInfo":
			o.CutOff = readMore(r, o.CutOff)
		case "edges":
			o.readEdges(r)
		default:
			r.Skip()
		}
	}
}

func (o *order) readEdges(r *jsonscan.Reader) {
	o.Agreements = make([]agreement, 0, usualAgreements)
	for more := r.Array(); more; more = r.Element() {
		o.Agreements = append(o.Agreements, agreement{})
		a := &o.Agreements[len(o.Agreements)-1]
		for more := r.Object(); more; more = r.Member() {
			if r.Is("node") {
				a.read(r)
			}
		}
	}
}

// readMore reads of a pageInfo whether there is more; where it does not say,
// that stays as it was.
func readMore(r *jsonscan.Reader, known bool) bool {
	for more := r.Object(); more; more = r.Member() {
		if r.Is("hasNextPage") {
			known = r.Bool()
		}
	}
	return known
}

func (a *agreement) read(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "id":
			a.ID = r.Word()
		case "happenedAt":
			a.happened(r.Word())
		case "reason":
			a.Reason = r.Word()
		case "sales":
			a.readSales(r)
		default:
			r.Skip()
		}
	}
}

func (a *agreement) happened(at []byte) {
	read, err := time.Parse(time.RFC3339, string(at))
	a.at, a.dated = read, err == nil
}

func (a *agreement) readSales(r *jsonscan.Reader) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "pageInfo":
			a.CutOff = readMore(r, a.CutOff)
		case "nodes":
			a.readLines(r)
		default:
			r.Skip()
		}
	}
}

func (a *agreement) readLines(r *jsonscan.Reader) {
	for more := r.Array(); more; more = r.Element() {
		line := readSale(r)
		a.Lines++
		if r.Err != nil {
			return
		}
		if err := a.entry.add(&line); err != nil {
			r.Fail(err)
		}
	}
}

// readSale reads a line. It and what it calls give back values, which a page's
// worth of them shows to be faster than writing through pointers.
func readSale(r *jsonscan.Reader) (l sale) {
	for more := r.Object(); more; more = r.Member() {
		if r.Null() {
			continue
		}
		switch string(r.Name()) {
		case "actionType":
			l.Action = r.Word()
		case "lineType":
			l.LineType = r.Word()
		case "totalAmount":
			l.Total = readBag(r, l.Total)
		case "totalTaxAmount":
			l.Tax = readBag(r, l.Tax)
		case "taxes":
			for more := r.Array(); more; more = r.Element() {
				l.ChannelLiable = readTax(r) || l.ChannelLiable
			}
		default:
			r.Skip()
		}
	}
	return l
}

// readTax reads of a tax whether the channel remits it.
func readTax(r *jsonscan.Reader) (liable bool) {
	if r.Literal(`{"taxLine":{"channelLiable":false}}`) {
		return false
	}
	for more := r.Object(); more; more = r.Member() {
		if !r.Is("taxLine") {
			continue
		}
		for more := r.Object(); more; more = r.Member() {
			if r.Is("channelLiable") {
				liable = r.Bool() || liable
			}
		}
	}
	return liable
}

// readUsualBag reads a MoneyBag that is written as our query asks for it, without
// white space; any other is left as it is.
func readUsualBag(r *jsonscan.Reader) (amount []byte, ok bool) {
	start := r.At
	if !r.Literal(`{"shopMoney":{"amount":"`) {
		return nil, false
	}
	r.At-- // the quote
	amount = r.Word()
	if r.Err == nil && !r.Literal("}}") {
		r.At = start
		return nil, false
	}
	return amount, r.Err == nil
}

// readBag reads the amount of a MoneyBag in the shop's currency; without one,
// that stays as it was.
func readBag(r *jsonscan.Reader, amount []byte) []byte {
	if usual, ok := readUsualBag(r); ok {
		return usual
	}
	for more := r.Object(); more; more = r.Member() {
		if !r.Is("shopMoney") {
			continue
		}
		for more := r.Object(); more; more = r.Member() {
			if r.Is("amount") {
				amount = r.Word()
			}
		}
	}
	return amount
}

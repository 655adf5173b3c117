package shopify

import (
	"errors"
	"strings"

	"github.com/shopspring/decimal"

	"extractor/models"
)

// entry is what an agreement comes to, apart by sign.
type entry struct {
	up, down side
	notes    notes
}

// side is the positive or the negative part of an agreement, both above zero.
type side struct {
	shares      models.Shares
	charged     models.Amount // Shopify's totals of the lines that count, with tax
	lines       int           // with an amount
	adjustments int           // of these, adjustments without tax
}

// empty reports whether nothing is on the side.
func (s *side) empty() bool { return s.lines == 0 && s.shares == (models.Shares{}) }

// amountOnly reports whether the side names nothing but an amount.
func (s *side) amountOnly() bool { return s.lines > 0 && s.lines == s.adjustments }

// add adds a line of the ledger. Its net amount and its tax are put on the side
// of their own sign: where these differ, as when a tax was waived later on, both
// stay exact.
func (e *entry) add(s *sale) error {
	total, err := amountOf(s.Total)
	if err != nil {
		return unreadableAmount(err)
	}
	tax, err := amountOf(s.Tax)
	if err != nil {
		return unreadableAmount(err)
	}
	if s.ChannelLiable {
		e.notes |= noteChannel
	}
	if total == 0 && tax == 0 {
		return nil
	}
	of, size := e.of(total)
	of.lines++
	kind := string(s.LineType)
	if kind == "TIP" || kind == "GIFT_CARD" {
		of.shares.Excluded += size
		return nil
	}
	of.charged += size
	if kind == "ADJUSTMENT" && tax == 0 {
		of.adjustments++
	}
	e.notes |= s.notes()
	e.split(kind == "SHIPPING", total-tax, tax)
	return nil
}

// of is the side that an amount belongs to, and its size.
func (e *entry) of(a models.Amount) (*side, models.Amount) {
	if a < 0 {
		return &e.down, -a
	}
	return &e.up, a
}

// split adds a net amount and a tax to the shares of their sides.
func (e *entry) split(shipping bool, net, tax models.Amount) {
	netSide, netSize := e.of(net)
	taxSide, taxSize := e.of(tax)
	if shipping {
		netSide.shares.ShippingAmount += netSize
		taxSide.shares.ShippingTax += taxSize
		return
	}
	netSide.shares.SalesAmount += netSize
	taxSide.shares.SalesTax += taxSize
}

func plus(a, b models.Shares) models.Shares {
	a.SalesAmount += b.SalesAmount
	a.SalesTax += b.SalesTax
	a.ShippingAmount += b.ShippingAmount
	a.ShippingTax += b.ShippingTax
	a.Excluded += b.Excluded
	return a
}

// notes are what a person should look at.
type notes uint16

const (
	noteFee notes = 1 << iota
	noteDuty
	noteAdjustment
	noteProrated
	noteLine
	noteAction
	noteChannel
	noteMerchant
	notePartly
	noteStatus
)

var sentences = []struct {
	note notes
	text string
}{
	{noteFee, "A fee is counted as a sale."},
	{noteDuty, "A customs duty is counted as a sale."},
	{noteAdjustment, "Shopify adjusted this order by an amount that belongs to no line; it is counted as goods."},
	{noteProrated, "Shopify gives no split of this refund into goods, tax and shipping; it was divided in proportion to what the order still held."},
	{noteLine, "A line is of a kind that Shopify does not tell or that we do not know; it is counted as goods."},
	{noteAction, "Shopify does not say, or says in words that we do not know, why this order was changed."},
	{noteChannel, "The sales channel says that it remits tax of this order."},
	{noteMerchant, "This order has a merchant of record, who is responsible for its taxes."},
	{notePartly, "This order is paid in part only."},
	{noteStatus, "Shopify shows a payment status for this order that we do not know."},
}

// review adds the sentences of notes.
func review(s *models.Sale, n notes) {
	if n == 0 {
		return
	}
	for i := range sentences {
		if n&sentences[i].note != 0 {
			s.Review(sentences[i].text)
		}
	}
}

// notes of a line: of its kind and of what was done.
func (l *sale) notes() (n notes) {
	switch string(l.LineType) {
	case "PRODUCT", "SHIPPING":
	case "FEE", "ADDITIONAL_FEE":
		n = noteFee
	case "DUTY":
		n = noteDuty
	case "ADJUSTMENT":
		n = noteAdjustment
	default:
		n = noteLine
	}
	switch string(l.Action) {
	case "ORDER", "RETURN", "UPDATE":
	default:
		n |= noteAction
	}
	return n
}

// notes of an order as a whole.
func (o *order) notes() (n notes) {
	if o.MerchantOfRecord {
		n |= noteMerchant
	}
	switch string(o.Status) {
	case "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "": // an order that costs nothing may have none
	case "PENDING", "AUTHORIZED", "VOIDED", "EXPIRED": // left out, see skip
	case "PARTIALLY_PAID":
		n |= notePartly
	default:
		n |= noteStatus
	}
	return n
}

func unreadableAmount(cause error) error {
	return models.Errorf(models.Refused, "An amount of this order cannot be read. It is tried again after our next update.").Because(cause)
}

var errAmount = errors.New("not an amount")

// amountOf reads a decimal as Shopify writes it: "12.34", "-12.3", "1500". What
// is finer than a hundredth, as in a currency of thousandths, is rounded.
func amountOf(text []byte) (models.Amount, error) {
	if a, ok := plainAmount(text); ok {
		return a, nil
	}
	s := string(text)
	const longest = 40 // far more than money has; an exponent could mean any number of digits
	if len(s) > longest || strings.ContainsAny(s, "eE") {
		return 0, errAmount
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Abs().GreaterThan(largest) {
		return 0, errAmount
	}
	return models.RoundDecimal(d), nil
}

// largest keeps sums within an integer.
var largest = decimal.New(1, 15)

// plainAmount reads what nearly all amounts look like.
func plainAmount(s []byte) (n models.Amount, ok bool) {
	const most = 15 // digits that are sure to fit
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > most {
		return 0, false
	}
	decimals := -1 // digits behind the point
	for i := range s {
		switch c := s[i]; {
		case c == '.' && decimals < 0 && i > 0:
			decimals = 0
		case c >= '0' && c <= '9' && decimals < 2:
			n = n*10 + models.Amount(c-'0')
			if decimals >= 0 {
				decimals++
			}
		default:
			return 0, false
		}
	}
	switch decimals {
	case -1:
		n *= 100
	case 1:
		n *= 10
	case 0:
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

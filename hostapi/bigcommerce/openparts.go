package bigcommerce

// open reads consignments: one object, a list that holds it, or, where they
// were not asked for, a link to them.
func (c *consignments) open(r opener) {
	if r.Peek() == '[' {
		c.included = true
		for more := r.Array(); more; more = r.Element() {
			c.add(r)
		}
		return
	}
	c.included = r.Peek() == '{'
	c.add(r)
}

// add reads one object of consignments.
func (c *consignments) add(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "shipping":
			openAddresses(r, &c.shipping)
		case "pickups":
			for more := r.array(); more; more = r.Element() {
				c.pickups = append(c.pickups, pickup{})
				c.pickups[len(c.pickups)-1].open(r)
			}
		case "downloads":
			c.addLines(r, "")
		case "email":
			for more := r.object(); more; more = r.Member() {
				if string(r.Name()) == "gift_certificates" {
					c.addLines(r, giftCertificate)
				} else {
					r.Skip()
				}
			}
		case "resource":
			c.included = false
			r.Skip()
		default:
			r.Skip()
		}
	}
}

// addLines reads the lines of things that are sent nowhere. kind, unless empty,
// is their type.
func (c *consignments) addLines(r opener, kind string) {
	from := len(c.others)
	for more := r.array(); more; more = r.Element() {
		for more := r.object(); more; more = r.Member() {
			if string(r.Name()) == "line_items" {
				openLines(r, &c.others)
			} else {
				r.Skip()
			}
		}
	}
	for i := range c.others[from:] {
		if kind != "" {
			c.others[from+i].Type = kind
		}
	}
}

func openAddresses(r opener, to *[]address) {
	for more := r.array(); more; more = r.Element() {
		*to = append(*to, address{})
		(*to)[len(*to)-1].open(r)
	}
}

// open reads a shipping or billing address.
func (a *address) open(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			r.number(&a.ID)
		case "street_1":
			r.text(&a.Street)
		case "city":
			r.text(&a.City)
		case "state":
			r.text(&a.State)
		case "zip":
			r.text(&a.Zip)
		case "country":
			r.text(&a.Country)
		case "country_iso2":
			r.text(&a.CountryISO2)
		case "cost_ex_tax":
			r.money(&a.CostExTax)
		case "cost_tax":
			r.money(&a.CostTax)
		case "handling_cost_ex_tax":
			r.money(&a.HandlingExTax)
		case "handling_cost_tax":
			r.money(&a.HandlingTax)
		case "line_items":
			openLines(r, &a.LineItems)
		default:
			r.Skip()
		}
	}
}

// open reads a pickup.
func (p *pickup) open(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			r.number(&p.ID)
		case "location":
			p.Location.open(r)
		case "line_items":
			openLines(r, &p.LineItems)
		default:
			r.Skip()
		}
	}
}

// open reads the place of a pickup.
func (l *location) open(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "address_line_1":
			r.text(&l.Line1)
		case "city":
			r.text(&l.City)
		case "state":
			r.text(&l.State)
		case "postal_code":
			r.text(&l.Postal)
		case "country_alpha2":
			r.text(&l.Country)
		default:
			r.Skip()
		}
	}
}

func openLines(r opener, to *[]line) {
	for more := r.array(); more; more = r.Element() {
		*to = append(*to, line{})
		(*to)[len(*to)-1].open(r)
	}
}

// open reads a line.
func (l *line) open(r opener) {
	for more := r.object(); more; more = r.Member() {
		switch string(r.Name()) {
		case "id":
			r.number(&l.ID)
		case "type":
			r.text(&l.Type)
		case "order_address_id":
			r.number(&l.AddressID)
		case "quantity":
			r.number(&l.Quantity)
		case "total_ex_tax":
			r.money(&l.TotalExTax)
		case "total_inc_tax":
			r.money(&l.TotalIncTax)
		case "total_tax":
			r.money(&l.TotalTax)
		case "wrapping_cost_ex_tax":
			r.money(&l.WrappingExTax)
		case "wrapping_cost_tax":
			r.money(&l.WrappingTax)
		case "discounted_total_inc_tax":
			r.perhaps(&l.DiscountedIncTax)
		default:
			r.Skip()
		}
	}
}

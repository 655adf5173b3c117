package bigcommerce

// open reads consignments: one object, a list that holds it, or, where they
// were not asked for, a link to them.
func (c *consignments) open(r opener) error {
	if r.Peek() == '[' {
		c.included = true
		return r.Array(func() error { return c.add(r) })
	}
	c.included = r.Peek() == '{'
	return c.add(r)
}

// add reads one object of consignments.
func (c *consignments) add(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "shipping":
			return openAddresses(r, &c.shipping)
		case "pickups":
			return r.array(func() error {
				c.pickups = append(c.pickups, pickup{})
				return c.pickups[len(c.pickups)-1].open(r)
			})
		case "downloads":
			return c.addLines(r, "")
		case "email":
			return r.object(func(name []byte) error {
				if string(name) == "gift_certificates" {
					return c.addLines(r, giftCertificate)
				}
				return r.Skip()
			})
		case "resource":
			c.included = false
		}
		return r.Skip()
	})
}

// addLines reads the lines of things that are sent nowhere. kind, unless empty,
// is their type.
func (c *consignments) addLines(r opener, kind string) error {
	from := len(c.others)
	err := r.array(func() error {
		return r.object(func(name []byte) error {
			if string(name) == "line_items" {
				return openLines(r, &c.others)
			}
			return r.Skip()
		})
	})
	for i := range c.others[from:] {
		if kind != "" {
			c.others[from+i].Type = kind
		}
	}
	return err
}

func openAddresses(r opener, to *[]address) error {
	return r.array(func() error {
		*to = append(*to, address{})
		return (*to)[len(*to)-1].open(r)
	})
}

// open reads a shipping or billing address.
func (a *address) open(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.number(&a.ID)
		case "street_1":
			return r.text(&a.Street)
		case "city":
			return r.text(&a.City)
		case "state":
			return r.text(&a.State)
		case "zip":
			return r.text(&a.Zip)
		case "country":
			return r.text(&a.Country)
		case "country_iso2":
			return r.text(&a.CountryISO2)
		case "cost_ex_tax":
			return r.money(&a.CostExTax)
		case "cost_tax":
			return r.money(&a.CostTax)
		case "handling_cost_ex_tax":
			return r.money(&a.HandlingExTax)
		case "handling_cost_tax":
			return r.money(&a.HandlingTax)
		case "line_items":
			return openLines(r, &a.LineItems)
		}
		return r.Skip()
	})
}

// open reads a pickup.
func (p *pickup) open(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.number(&p.ID)
		case "location":
			return p.Location.open(r)
		case "line_items":
			return openLines(r, &p.LineItems)
		}
		return r.Skip()
	})
}

// open reads the place of a pickup.
func (l *location) open(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "address_line_1":
			return r.text(&l.Line1)
		case "city":
			return r.text(&l.City)
		case "state":
			return r.text(&l.State)
		case "postal_code":
			return r.text(&l.Postal)
		case "country_alpha2":
			return r.text(&l.Country)
		}
		return r.Skip()
	})
}

func openLines(r opener, to *[]line) error {
	return r.array(func() error {
		*to = append(*to, line{})
		return (*to)[len(*to)-1].open(r)
	})
}

// open reads a line.
func (l *line) open(r opener) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.number(&l.ID)
		case "type":
			return r.text(&l.Type)
		case "order_address_id":
			return r.number(&l.AddressID)
		case "quantity":
			return r.number(&l.Quantity)
		case "total_ex_tax":
			return r.money(&l.TotalExTax)
		case "total_inc_tax":
			return r.money(&l.TotalIncTax)
		case "total_tax":
			return r.money(&l.TotalTax)
		case "wrapping_cost_ex_tax":
			return r.money(&l.WrappingExTax)
		case "wrapping_cost_tax":
			return r.money(&l.WrappingTax)
		case "discounted_total_inc_tax":
			return r.perhaps(&l.DiscountedIncTax)
		}
		return r.Skip()
	})
}

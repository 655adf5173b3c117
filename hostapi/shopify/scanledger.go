package shopify

import "extractor/internal/jsonscan"

func (o *order) readAgreements(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		switch name {
		case "pageInfo":
			return true, readEnd(s, &o.CutOff)
		case "edges":
			o.Agreements = make([]agreement, 0, 2) // the order and a refund, mostly
			return true, s.Array(func() error {
				o.Agreements = append(o.Agreements, agreement{})
				a := &o.Agreements[len(o.Agreements)-1]
				return members(s, func(name string) (bool, error) {
					if name != "node" {
						return false, nil
					}
					return true, a.read(s)
				})
			})
		}
		return false, nil
	})
}

// readEnd reads of a pageInfo whether there is more.
func readEnd(s *jsonscan.Scanner, more *bool) error {
	return members(s, func(name string) (bool, error) {
		if name != "hasNextPage" {
			return false, nil
		}
		return true, readFlag(s, more)
	})
}

func (a *agreement) read(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		switch name {
		case "id":
			return true, readText(s, &a.ID)
		case "happenedAt":
			return true, readText(s, &a.HappenedAt)
		case "reason":
			return true, readWord(s, &a.Reason)
		case "sales":
			return true, a.readSales(s)
		}
		return false, nil
	})
}

func (a *agreement) readSales(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		switch name {
		case "pageInfo":
			return true, readEnd(s, &a.CutOff)
		case "nodes":
			return true, s.Array(func() error {
				var line sale
				if err := line.read(s); err != nil {
					return err
				}
				a.Lines++
				return a.entry.add(&line)
			})
		}
		return false, nil
	})
}

func (l *sale) read(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		switch name {
		case "actionType":
			return true, readWord(s, &l.Action)
		case "lineType":
			return true, readWord(s, &l.LineType)
		case "totalAmount":
			return true, readBag(s, &l.Total)
		case "totalTaxAmount":
			return true, readBag(s, &l.Tax)
		case "taxes":
			return true, s.Array(func() error { return l.readTax(s) })
		}
		return false, nil
	})
}

// readTax reads of a tax whether the channel remits it.
func (l *sale) readTax(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		if name != "taxLine" {
			return false, nil
		}
		return true, members(s, func(name string) (bool, error) {
			if name != "channelLiable" {
				return false, nil
			}
			liable := false
			err := readFlag(s, &liable)
			l.ChannelLiable = l.ChannelLiable || liable
			return true, err
		})
	})
}

// readBag reads the amount of a MoneyBag in the shop's currency.
func readBag(s *jsonscan.Scanner, to *[]byte) error {
	return members(s, func(name string) (bool, error) {
		if name != "shopMoney" {
			return false, nil
		}
		return true, members(s, func(name string) (bool, error) {
			if name != "amount" {
				return false, nil
			}
			return true, readWord(s, to)
		})
	})
}

package shopify

import (
	"bytes"
	"errors"

	"extractor/internal/jsonscan"
)

// A record is read by walking over it once, without reflection: there are
// millions of them, and most of a record is lines of the ledger. These are summed
// up as they come; what is only compared stays part of the record's own bytes.

var errShape = errors.New("not the form of an order")

// field is how a member is read, by its name; false leaves it alone.
type field func(name string) (bool, error)

// members walks over an object. What is null is as good as absent.
func members(s *jsonscan.Scanner, read field) error {
	return s.Object(func(name []byte) error {
		if s.Peek() == 'n' {
			return s.Skip()
		}
		known, err := read(string(name))
		if known || err != nil {
			return err
		}
		return s.Skip()
	})
}

// readParcel reads the body of a record.
func readParcel(body []byte) (p parcel, err error) {
	s := &jsonscan.Scanner{Text: body}
	err = members(s, func(name string) (bool, error) {
		switch name {
		case "zone":
			return true, readText(s, &p.Zone)
		case "order":
			return true, p.Order.read(s)
		}
		return false, nil
	})
	if err == nil && !s.End() {
		err = errShape
	}
	return p, err
}

func (o *order) read(s *jsonscan.Scanner) error {
	return members(s, func(name string) (bool, error) {
		switch name {
		case "id":
			return true, readText(s, &o.ID)
		case "name":
			return true, readText(s, &o.Name)
		case "test":
			return true, readFlag(s, &o.Test)
		case "currencyCode":
			return true, readText(s, &o.Currency)
		case "displayFinancialStatus":
			return true, readText(s, &o.Status)
		case "merchantOfRecordApp":
			o.MerchantOfRecord = true
			return false, nil
		case "agreements":
			return true, o.readAgreements(s)
		}
		return o.readPlace(s, name)
	})
}

func (o *order) readPlace(s *jsonscan.Scanner, name string) (bool, error) {
	switch name {
	case "shippingAddress":
		return true, readAddress(s, &o.Shipping)
	case "billingAddress":
		return true, readAddress(s, &o.Billing)
	case "retailLocation":
		return true, members(s, func(name string) (bool, error) {
			return name == "address", readIf(name == "address", s, &o.Retail)
		})
	case "fulfillments":
		return true, s.Array(func() error {
			return members(s, func(name string) (bool, error) {
				wanted := name == "originAddress" && o.Origin == nil
				return wanted, readIf(wanted, s, &o.Origin)
			})
		})
	}
	return false, nil
}

func readIf(wanted bool, s *jsonscan.Scanner, to **address) error {
	if !wanted {
		return nil
	}
	return readAddress(s, to)
}

func readAddress(s *jsonscan.Scanner, to **address) error {
	a := &address{}
	*to = a
	return members(s, func(name string) (bool, error) {
		switch name {
		case "address1":
			return true, readText(s, &a.Line1)
		case "city":
			return true, readText(s, &a.City)
		case "provinceCode":
			return true, readText(s, &a.Province)
		case "zip":
			return true, readText(s, &a.Zip)
		case "countryCode", "countryCodeV2":
			return true, readText(s, &a.Country)
		}
		return false, nil
	})
}

func readFlag(s *jsonscan.Scanner, to *bool) error {
	raw, err := s.Raw()
	if err != nil {
		return err
	}
	*to = string(raw) == "true"
	if !*to && string(raw) != "false" {
		return errShape
	}
	return nil
}

// readText reads a string.
func readText(s *jsonscan.Scanner, to *string) error {
	var word []byte
	err := readWord(s, &word)
	*to = string(word)
	return err
}

// readWord reads a string; one without escapes is taken as it stands in the text.
func readWord(s *jsonscan.Scanner, to *[]byte) error {
	raw, err := s.Raw()
	if err != nil {
		return err
	}
	if len(raw) < 2 || raw[0] != '"' {
		return errShape
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		*to = raw[1 : len(raw)-1]
		return nil
	}
	var text string
	inner := jsonscan.Scanner{Text: raw}
	err = inner.Decode(&text)
	*to = []byte(text)
	return err
}

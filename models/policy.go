package models

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The reasons for which Policy.Apply leaves an item out.
const (
	SkipNonUS  = "ships outside the US"
	SkipNonUSD = "not in US dollars"
)

const (
	// maxKey is the longest item key, in characters.
	maxKey = 200
	// maxAmount is a billion: no single sale of a merchant we serve is larger,
	// a mistaken unit is.
	maxAmount = Amount(1_000_000_000_00)
)

// PolicyMode says what is done with what the target was not made for.
type PolicyMode string

// The modes. The empty mode is PolicySkip.
const (
	PolicySkip   PolicyMode = "skip"   // left out, and counted under its reason
	PolicyReview PolicyMode = "review" // sent, marked for review
)

// Decode reads a mode from the environment.
func (m *PolicyMode) Decode(s string) error {
	switch mode := PolicyMode(strings.TrimSpace(s)); mode {
	case "", PolicySkip, PolicyReview:
		*m = mode
		return nil
	}
	return fmt.Errorf("should be %q or %q", PolicySkip, PolicyReview)
}

// Policy holds the rules for addresses, currencies and amounts that are the
// same for all hosts. The zero value leaves out what is not US or not USD.
type Policy struct {
	NonUS  PolicyMode // ships to an address outside the US
	NonUSD PolicyMode // is in another currency
}

// Apply makes an item ready to be sent: it decides the addresses, and sets Skip
// or a review message where the rules ask for it. The error is of kind Refused
// and says what a person can do. Items that carry no sale, or are left out
// already, are not touched. It is to be called once per item.
func (p Policy) Apply(it *Item) error {
	if it.Sale == nil || it.Skip != "" {
		return nil
	}
	if err := checkKey(it.Key); err != nil {
		return err
	}
	if err := it.Sale.Date.valid(); err != nil {
		return Errorf(Refused, "The date of this transaction is missing or cannot be read.").Because(err)
	}
	for _, step := range []func(*Item) error{p.currency, p.shipTo, shipFrom, checkAmounts, compareCharged} {
		if err := step(it); err != nil || it.Skip != "" {
			return err
		}
	}
	return nil
}

func checkKey(key string) error {
	if isPlainKey(key) {
		return nil
	}
	if key == "" || utf8.RuneCountInString(key) > maxKey || !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		return Errorf(Refused, "The id of this transaction is missing, longer than %d characters, or not plain text.", maxKey)
	}
	return nil
}

// isPlainKey reports whether key is short and of printed ASCII, as nearly all are.
func isPlainKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// currency looks at the currency, which is US dollars or a matter of the policy.
func (p Policy) currency(it *Item) error {
	s := it.Sale
	s.Currency = plain(s.Currency)
	switch {
	case s.Currency == "USD":
	case len(s.Currency) != 3:
		return Errorf(Refused, "The currency of this transaction is not known.")
	case p.NonUSD != PolicyReview:
		it.Skip = SkipNonUSD
	default:
		s.Review("The amounts are in " + s.Currency + ", not in US dollars.")
	}
	return nil
}

// shipTo chooses the address the tax goes by: the first of the best kind of
// place that can be used. A place outside the US is a matter of the policy, and
// is never passed over for another.
func (p Policy) shipTo(it *Item) error {
	s, passed := it.Sale, false
	for _, place := range byPreference(s.Places) {
		address, standing := place.Address.resolve()
		switch standing {
		case usable:
			s.ShipTo = address
			s.reviewPlace(place.Kind, passed)
			return nil
		case abroad:
			return p.shipAbroad(it, address)
		case incomplete:
			passed = true
		}
	}
	if passed {
		return Errorf(Refused, "The address of this transaction has no US state and ZIP code that we can read. Complete it in the system the sale came from.")
	}
	return Errorf(Refused, "No address is known for this transaction. Add a shipping or pickup address in the system the sale came from.")
}

// byPreference orders places by kind and keeps the host's order within a kind.
func byPreference(places []Place) []Place {
	if ordered(places) {
		return places
	}
	sorted := make([]Place, 0, len(places))
	for kind := PlaceShipping; kind <= PlaceBilling; kind++ {
		for _, place := range places {
			if place.Kind == kind {
				sorted = append(sorted, place)
			}
		}
	}
	return sorted
}

// ordered reports whether places are in the order of preference, as most hosts give them.
func ordered(places []Place) bool {
	least := PlaceShipping
	for i := range places {
		if places[i].Kind < least || places[i].Kind > PlaceBilling {
			return false
		}
		least = places[i].Kind
	}
	return true
}

// reviewPlace says when the address is second best.
func (s *Sale) reviewPlace(kind PlaceKind, passed bool) {
	if passed {
		s.Review("A better address of this transaction is incomplete, so the next one was used as ship-to.")
	}
	if kind == PlaceBilling {
		s.Review("Only a billing address is known; it was used as ship-to.")
	}
}

// shipAbroad leaves the item out, or sends it for review where the address has
// what the target cannot do without: a country that was mistyped, mostly.
func (p Policy) shipAbroad(it *Item, a Address) error {
	if p.NonUS != PolicyReview {
		it.Skip = SkipNonUS
		return nil
	}
	a.State, a.Zip = StateCode(a.State), zipCode(a.Zip)
	if a.State == "" || a.Zip == "" {
		return Errorf(Refused, "This transaction ships outside the US, and its address has no US state and ZIP code to file it under.")
	}
	it.Sale.ShipTo = a
	it.Sale.Review("The country of the ship-to address is not the US.")
	return nil
}

// shipFrom keeps a US address and drops any other: the target then takes the company's own.
func shipFrom(it *Item) error {
	address, standing := it.Sale.ShipFrom.resolve()
	if standing != usable {
		address = Address{}
	}
	it.Sale.ShipFrom = address
	return nil
}

func checkAmounts(it *Item) error {
	s := it.Sale
	for _, a := range []Amount{s.SalesAmount, s.SalesTax, s.ShippingAmount, s.ShippingTax} {
		if a < 0 {
			return Errorf(Refused, "An amount of this transaction is below zero. Check its discounts and taxes in the system it came from.")
		}
		if a > maxAmount {
			return Errorf(Refused, "An amount of this transaction is above %s. Check it in the system it came from.", maxAmount)
		}
	}
	return nil
}

// compareCharged holds the four amounts against what the host says was charged.
func compareCharged(it *Item) error {
	s := it.Sale
	if s.Charged == nil || *s.Charged == s.Total() {
		return nil
	}
	s.Review(fmt.Sprintf("The amounts add up to %s, but the total there is %s: a difference of %s.",
		s.Total(), *s.Charged, s.Total()-*s.Charged))
	return nil
}

// standing is what can be done with an address.
type standing int

const (
	absent     standing = iota // nothing in it that locates
	incomplete                 // perhaps in the US, but without a state or ZIP code we can read
	abroad
	usable
)

// resolve is the address in the target's words: state code, ZIP digits, country US.
func (a Address) resolve() (Address, standing) {
	a = Address{strings.TrimSpace(a.Line1), strings.TrimSpace(a.City), strings.TrimSpace(a.State), strings.TrimSpace(a.Zip), countryCode(a.Country)}
	if a.State == "" && a.Zip == "" && a.City == "" && a.Line1 == "" && (a.Country == "" || a.Country == "US") {
		return a, absent
	}
	if territories[a.Country] {
		a.State, a.Country = a.Country, "US"
	}
	if a.Country != "" && a.Country != "US" {
		return a, abroad
	}
	state, zip := StateCode(a.State), zipCode(a.Zip)
	if state == "" || zip == "" {
		return a, incomplete
	}
	a.State, a.Zip, a.Country = state, zip, "US"
	return a, usable
}

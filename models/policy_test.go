package models

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var austin = Address{Line1: "1 Main St", City: "Austin", State: "tx", Zip: "78701-1234", Country: "USA"}

// saleItem is an item that passes, shipped to each place in turn.
func saleItem(places ...Place) *Item {
	charged := Amount(11385)
	return &Item{Kind: KindSale, Key: "order-1", Sale: &Sale{
		Date: "2026-03-08T02:30:00", SalesAmount: 9900, SalesTax: 1485, Currency: "USD",
		Places: places, Charged: &charged,
	}}
}

func shippedTo(a Address) *Item { return saleItem(Place{PlaceShipping, a}) }

func TestApplyResolvesTheShipToAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in          Address
		state, code string
	}{
		"code in small letters": {austin, "TX", "787011234"},
		"name":                  {Address{State: " texas ", Zip: "78701"}, "TX", "78701"},
		"name of two words":     {Address{State: "New  York", Zip: "10001 1234", Country: "us"}, "NY", "100011234"},
		"ISO code":              {Address{State: "us-ca", Zip: "94114", Country: "United States"}, "CA", "94114"},
		"district":              {Address{State: "District of Columbia", Zip: "20001"}, "DC", "20001"},
		"territory as country":  {Address{City: "San Juan", Zip: "00901", Country: "PR"}, "PR", "00901"},
		"territory by name":     {Address{State: "San Juan", Zip: "00901", Country: "Puerto Rico"}, "PR", "00901"},
		"territory as state":    {Address{State: "GU", Zip: "96910", Country: "US"}, "GU", "96910"},
		"military":              {Address{State: "AE", Zip: "09012", Country: "US"}, "AE", "09012"},
		"nine digits":           {Address{State: "ME", Zip: "041010001"}, "ME", "041010001"},
	} {
		it := shippedTo(c.in)
		if err := (Policy{}).Apply(it); err != nil || it.Skip != "" {
			t.Errorf("%s: %v, skip %q", name, err, it.Skip)
			continue
		}
		if got := it.Sale.ShipTo; got.State != c.state || got.Zip != c.code || got.Country != "US" {
			t.Errorf("%s: %+v", name, got)
		}
		if it.Sale.ReviewMessage != "" {
			t.Errorf("%s: review %q", name, it.Sale.ReviewMessage)
		}
	}
}

func TestApplyRefusesWhatCannotBeFiled(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Item){
		"no address":          func(it *Item) { it.Sale.Places = nil },
		"only a country":      func(it *Item) { it.Sale.Places[0].Address = Address{Country: "US"} },
		"no state":            func(it *Item) { it.Sale.Places[0].Address.State = "" },
		"dotted abbreviation": func(it *Item) { it.Sale.Places[0].Address.State = "Tex." },
		"province":            func(it *Item) { it.Sale.Places[0].Address.State = "ON" },
		"no ZIP":              func(it *Item) { it.Sale.Places[0].Address.Zip = "" },
		"four digits":         func(it *Item) { it.Sale.Places[0].Address.Zip = "7870" },
		"zeros":               func(it *Item) { it.Sale.Places[0].Address.Zip = "00000" },
		"letters":             func(it *Item) { it.Sale.Places[0].Address.Zip = "7870l" },
		"other digits":        func(it *Item) { it.Sale.Places[0].Address.Zip = "１２３４５" },
		"no key":              func(it *Item) { it.Key = "" },
		"long key":            func(it *Item) { it.Key = strings.Repeat("é", maxKey+1) },
		"control in key":      func(it *Item) { it.Key = "a\nb" },
		"no date":             func(it *Item) { it.Sale.Date = "" },
		"date of no calendar": func(it *Item) { it.Sale.Date = "2026-02-30T00:00:00" },
		"date with zone":      func(it *Item) { it.Sale.Date = "2026-02-03T00:00:00Z" },
		"no currency":         func(it *Item) { it.Sale.Currency = " " },
		"odd currency":        func(it *Item) { it.Sale.Currency = "dollars" },
		"negative":            func(it *Item) { it.Sale.ShippingTax = -1 },
		"absurd":              func(it *Item) { it.Sale.SalesAmount = maxAmount + 1 },
	} {
		it := shippedTo(austin)
		spoil(it)
		err := (Policy{}).Apply(it)
		if KindOf(err) != Refused || !strings.HasSuffix(Sentence(err, ""), ".") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestApplyPrefersTheMoreTellingPlace(t *testing.T) {
	t.Parallel()
	boise := Address{State: "ID", Zip: "83702"}
	for name, c := range map[string]struct {
		places []Place
		state  string
		review string
	}{
		"shipping before the till":      {[]Place{{PlaceBilling, boise}, {PlacePickup, boise}, {PlaceShipping, austin}}, "TX", ""},
		"till before billing":           {[]Place{{PlaceBilling, boise}, {PlacePickup, austin}}, "TX", ""},
		"billing alone":                 {[]Place{{PlaceShipping, Address{}}, {PlaceBilling, boise}}, "ID", "Only a billing address"},
		"the till where shipping fails": {[]Place{{PlaceShipping, Address{City: "Austin"}}, {PlacePickup, boise}}, "ID", "incomplete"},
		"the first of two":              {[]Place{{PlacePickup, austin}, {PlacePickup, boise}}, "TX", ""},
	} {
		it := saleItem(c.places...)
		if err := (Policy{}).Apply(it); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if it.Sale.ShipTo.State != c.state || (c.review == "") != (it.Sale.ReviewMessage == "") || !strings.Contains(it.Sale.ReviewMessage, c.review) {
			t.Errorf("%s: %s, review %q", name, it.Sale.ShipTo.State, it.Sale.ReviewMessage)
		}
	}
}

func TestApplyLeavesOutWhatIsNotUS(t *testing.T) {
	t.Parallel()
	toronto := Address{City: "Toronto", State: "ON", Zip: "M5H 2N2", Country: "ca"}
	it := saleItem(Place{PlaceShipping, toronto}, Place{PlaceBilling, austin})
	if err := (Policy{}).Apply(it); err != nil || it.Skip != SkipNonUS {
		t.Errorf("default: %v, skip %q", err, it.Skip)
	}
	it = shippedTo(toronto)
	if err := (Policy{NonUS: PolicyReview}).Apply(it); KindOf(err) != Refused {
		t.Errorf("review without state and ZIP: %v", err)
	}
	it = shippedTo(Address{State: "Texas", Zip: "78701", Country: "MX"})
	if err := (Policy{NonUS: PolicyReview}).Apply(it); err != nil || it.Skip != "" || it.Sale.ReviewMessage == "" || it.Sale.ShipTo.State != "TX" {
		t.Errorf("review: %v, %+v", err, it.Sale)
	}
}

func TestApplyLeavesOutOtherCurrencies(t *testing.T) {
	t.Parallel()
	it := shippedTo(austin)
	it.Sale.Currency = "cad"
	if err := (Policy{}).Apply(it); err != nil || it.Skip != SkipNonUSD {
		t.Errorf("default: %v, skip %q", err, it.Skip)
	}
	it = shippedTo(austin)
	it.Sale.Currency = "CAD"
	if err := (Policy{NonUSD: PolicyReview}).Apply(it); err != nil || it.Skip != "" || !strings.Contains(it.Sale.ReviewMessage, "CAD") {
		t.Errorf("review: %v, %+v", err, it.Sale)
	}
}

func TestApplyDropsAShipFromThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	it := shippedTo(austin)
	it.Sale.ShipFrom = Address{City: "Oslo", Country: "NO"}
	if err := (Policy{}).Apply(it); err != nil || it.Sale.ShipFrom != (Address{}) {
		t.Errorf("%v, %+v", err, it.Sale.ShipFrom)
	}
	it = shippedTo(austin)
	it.Sale.ShipFrom = Address{State: "Nevada", Zip: "89501"}
	if err := (Policy{}).Apply(it); err != nil || it.Sale.ShipFrom.State != "NV" {
		t.Errorf("%v, %+v", err, it.Sale.ShipFrom)
	}
}

func TestApplyNamesTheDifference(t *testing.T) {
	t.Parallel()
	it := shippedTo(austin)
	*it.Sale.Charged = 11380
	if err := (Policy{}).Apply(it); err != nil || !strings.Contains(it.Sale.ReviewMessage, "difference of 0.05") {
		t.Errorf("%v, %q", err, it.Sale.ReviewMessage)
	}
}

func TestApplyLeavesAloneWhatIsNotASale(t *testing.T) {
	t.Parallel()
	for _, it := range []*Item{{Kind: "action", Action: []byte(`{}`)}, {Kind: KindSale, Skip: "test order", Sale: &Sale{}}} {
		if err := (Policy{}).Apply(it); err != nil {
			t.Errorf("%+v: %v", it, err)
		}
	}
}

func TestPolicyModeDecodes(t *testing.T) {
	t.Parallel()
	var m PolicyMode
	if err := m.Decode("review"); err != nil || m != PolicyReview {
		t.Error(m, err)
	}
	if err := m.Decode("maybe"); err == nil {
		t.Error("a mode that does not exist was taken")
	}
}

// Whatever a host holds, what passes has the target's form.
func TestApplyPassesOnlyGoodAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		it := shippedTo(Address{
			State:   rapid.OneOf(rapid.SampledFrom([]string{"TX", "texas", "", "PR"}), rapid.String()).Draw(t, "state"),
			Zip:     rapid.OneOf(rapid.StringMatching(`[0-9]{4,9}`), rapid.String()).Draw(t, "zip"),
			Country: rapid.OneOf(rapid.SampledFrom([]string{"", "US", "PR", "CA"}), rapid.String()).Draw(t, "country"),
		})
		p := Policy{NonUS: rapid.SampledFrom([]PolicyMode{PolicySkip, PolicyReview}).Draw(t, "mode")}
		err := p.Apply(it)
		if err != nil || it.Skip != "" {
			return
		}
		if a := it.Sale.ShipTo; !codes[a.State] || zipCode(a.Zip) != a.Zip {
			t.Fatalf("passed %+v", a)
		}
	})
}

func TestLocalTimeIn(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -6*60*60)
	for want, at := range map[LocalTime]time.Time{
		"2026-03-07T20:30:00":  time.Date(2026, 3, 8, 2, 30, 0, 999, time.UTC),
		"0999-12-31T18:00:00":  time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC),
		"10000-01-01T06:00:00": time.Date(10000, 1, 1, 12, 0, 0, 0, time.UTC),
		"-0001-01-01T06:00:00": time.Date(-1, 1, 1, 12, 0, 0, 0, time.UTC),
	} {
		if got := LocalTimeIn(at, zone); got != want || string(got) != at.In(zone).Format(LocalTimeLayout) {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}

// What a date is, is what its layout takes.
func TestADateIsWhatItsLayoutTakes(t *testing.T) {
	t.Parallel()
	for _, text := range []LocalTime{
		"2026-03-08T02:30:00", "2026-3-08T02:30:00", "2026-03-08T2:30:00", "2026-03-08T02:30", "2026-03-08T02:30:00.5", "2026-03-08T02:30:00,5",
		"2026-03-08T24:00:00", "2026-02-29T00:00:00", "2024-02-29T00:00:00", "2026-03-08t02:30:00", "2026-03-08 02:30:00", "2026-03-08T02:30:60",
		"", "Z", "2026-03-08T02:30:00Z", "2026-03-08T02:30:00+01:00", "2026-03-08T02:30:00z", "10000-01-01T00:00:00", "0001-01-01T00:00:00",
	} {
		_, want := time.Parse(LocalTimeLayout, string(text))
		if got := text.valid(); (got == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if LocalTime("0000-12-31T19:03:58").valid() == nil {
		t.Error("the year zero is a year")
	}
}

// What has nothing to be made of it comes out as any other text does.
func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "USD": "USD", "usd": "USD", " USD ": "USD", "NEW  york": "NEW YORK", "ÄÖ": "ÄÖ", "äö": "ÄÖ", "A1": "A1"} {
		if got := plain(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for _, want := range []Address{
		{}, {"100 Main St", "Austin", "TX", "78701", "US"}, {City: "Austin"}, {Line1: strings.Repeat("long ", 50), Country: "US"},
	} {
		words := [][]byte{[]byte(want.Line1), []byte(want.City), []byte(want.State), []byte(want.Zip), []byte(want.Country)}
		got := AddressOf(words[0], words[1], words[2], words[3], words[4])
		for _, w := range words {
			clear(w)
		}
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

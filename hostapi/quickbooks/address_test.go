package quickbooks

import (
	"strings"
	"testing"

	"extractor/models"
)

// Addresses as people type them, line by line.
func TestFreeTextAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]models.Address{
		// as the sandbox has them
		"A customer|100 Main St.|Middlefield, CA  94303":            {Line1: "100 Main St.", City: "Middlefield", State: "CA", Zip: "94303"},
		"A customer|A company|100 Main St.|South Orange, NJ  07079": {Line1: "100 Main St.", City: "South Orange", State: "NJ", Zip: "07079"},
		// state and ZIP code in other clothes
		"100 Main St|Middlefield CA 94303":                  {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield,CA,94303":                  {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield, ca 94303-1234":            {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303-1234"},
		"100 Main St|Middlefield, CA 943031234":             {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "943031234"},
		"100 Main St|Middlefield, CA 94303 1234":            {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303 1234"},
		"100 Main St|Middlefield, CA. 94303.":               {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield, California, 94303":        {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Albany, N.Y. 12207":                    {Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207"},
		"100 Main St|New York, New York 10001":              {Line1: "100 Main St", City: "New York", State: "NY", Zip: "10001"},
		"100 Main St|New York New York 10001":               {Line1: "100 Main St", City: "New York", State: "NY", Zip: "10001"},
		"100 Main St|New York NY 10001":                     {Line1: "100 Main St", City: "New York", State: "NY", Zip: "10001"},
		"100 Main St|Salt Lake City Utah 84101":             {Line1: "100 Main St", City: "Salt Lake City", State: "UT", Zip: "84101"},
		"100 Main St|Winston-Salem North Carolina 27101":    {Line1: "100 Main St", City: "Winston-Salem", State: "NC", Zip: "27101"},
		"100 Main St|Charleston, West Virginia 25301":       {Line1: "100 Main St", City: "Charleston", State: "WV", Zip: "25301"},
		"100 Main St|Kansas City, Kansas 66101":             {Line1: "100 Main St", City: "Kansas City", State: "KS", Zip: "66101"},
		"100 Main St|Washington, DC 20001":                  {Line1: "100 Main St", City: "Washington", State: "DC", Zip: "20001"},
		"100 Main St|Washington, D.C. 20001":                {Line1: "100 Main St", City: "Washington", State: "DC", Zip: "20001"},
		"100 Main St|Washington District of Columbia 20001": {Line1: "100 Main St", City: "Washington", State: "DC", Zip: "20001"},
		"100 Main St|Seattle, Washington 98101":             {Line1: "100 Main St", City: "Seattle", State: "WA", Zip: "98101"},
		"100 Main St|St. Louis, MO 63101":                   {Line1: "100 Main St", City: "St. Louis", State: "MO", Zip: "63101"},
		"100 Main St|Coeur d'Alene, ID 83814":               {Line1: "100 Main St", City: "Coeur d'Alene", State: "ID", Zip: "83814"},
		"PSC 1, Box 100|APO, AE 09009":                      {Line1: "PSC 1, Box 100", City: "APO", State: "AE", Zip: "09009"},
		"100 Calle Sol|San Juan, Puerto Rico 00901":         {Line1: "100 Calle Sol", City: "San Juan", State: "PR", Zip: "00901"},
		// the country, or how to reach somebody, behind it
		"100 Main St|Middlefield, CA 94303|USA":                             {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303", Country: "US"},
		"100 Main St|Middlefield, CA 94303|United States of America":        {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303", Country: "US"},
		"100 Main St|Middlefield, CA 94303 US":                              {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303", Country: "US"},
		"100 Main St|Middlefield, CA 94303, U.S.A.":                         {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303", Country: "US"},
		"100 Main St|Middlefield, CA 94303|(650) 555-0100":                  {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield, CA 94303|Tel. 650 555 0100|a@example.com": {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		// all in one, or the ZIP code alone
		"100 Main St, Middlefield, CA 94303":           {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St, Suite 5, Middlefield, CA 94303":  {Line1: "100 Main St, Suite 5", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield, CA|94303":            {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303"},
		"100 Main St|Middlefield, California|94303|US": {Line1: "100 Main St", City: "Middlefield", State: "CA", Zip: "94303", Country: "US"},
		"Middlefield, CA 94303":                        {City: "Middlefield", State: "CA", Zip: "94303"},
		"A customer|Middlefield, CA 94303":             {City: "Middlefield", State: "CA", Zip: "94303"},
		"CA 94303":                                     {State: "CA", Zip: "94303"},
	} {
		if got, ok := parseLines(strings.Split(text, "|")); !ok || got != want {
			t.Errorf("%s\n got %+v, %v\nwant %+v", text, got, ok, want)
		}
	}
}

// What is not surely a US address is left to a person.
func TestNoAddressIsMadeUp(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "|", "A customer", "100 Main St", "Middlefield, CA", "94303", "100 Main St 94303", "Middlefield 94303", "Middlefield, CA 9430", "Middlefield, CA 943031",
		"Middlefield, XX 94303", "Suite 12345", "PO Box 12345", "CA94303", "Middlefield, CA94303",
		"100 Main St|Toronto, ON M5V 2T6", "100 Main St|Toronto ON 12345", "100 Main St|Berlin, DE 10115|Germany", "100 Main St|Middlefield, CA 94303|Mexico",
		"Middlefield, CA 94303|Acct 77", "100 Main St|London SW1A 2AA|United Kingdom", "+1 650 555 0100", "a@example.com",
	} {
		if got, ok := parseLines(strings.Split(text, "|")); ok {
			t.Errorf("%q became %+v", text, got)
		}
	}
}

// Fields come before lines, and lines fill what the fields leave out.
func TestAddressFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   address
		want models.Address
	}{
		"all fields":         {address{Line1: "100 Main St", City: "Albany", State: "NY", Postal: "12207"}, models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207"}},
		"fields over lines":  {address{Line1: "Austin, TX 78701", City: "Albany", State: "NY", Postal: "12207"}, models.Address{Line1: "Austin, TX 78701", City: "Albany", State: "NY", Zip: "12207"}},
		"city has it all":    {address{Line1: "100 Main St", City: "Albany, NY 12207"}, models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207"}},
		"state in the city":  {address{Line1: "100 Main St", City: "Albany, NY", Postal: "12207"}, models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207"}},
		"one line of breaks": {address{Line1: "A customer\n100 Main St\nAlbany, NY 12207"}, models.Address{Line1: "100 Main St", City: "Albany", State: "NY", Zip: "12207"}},
		"country field":      {address{Line1: "100 Main St", Line2: "Berlin, DE 10115", Country: "Germany"}, models.Address{Line1: "100 Main St", City: "Berlin", State: "DE", Zip: "10115", Country: "Germany"}},
		"nothing to find":    {address{Line1: "A customer"}, models.Address{Line1: "A customer"}},
		"postal code alone":  {address{Line1: "100 Main St", City: "Albany", Postal: "12207"}, models.Address{Line1: "100 Main St", City: "Albany", Zip: "12207"}},
		"nothing":            {address{}, models.Address{}},
	} {
		if got := c.in.plain(); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

package quickbooks

import (
	"regexp"
	"strings"

	"extractor/models"
)

// plain is the address in our words. What its fields leave out of state and ZIP
// code is looked for in its lines, which hold the whole address where somebody
// typed it as a block.
func (a *address) plain() models.Address {
	whole := models.Address{Line1: a.Line1, City: a.City, State: a.State, Zip: a.Postal, Country: a.Country}
	if a.State != "" && a.Postal != "" {
		return whole
	}
	found, ok := parseLines(a.lines())
	if !ok {
		return whole
	}
	if found.Country == "" {
		found.Country = a.Country
	}
	return found
}

// lines are the address as it would be printed.
func (a *address) lines() (lines []string) {
	last := strings.Join(strings.Fields(a.City+" "+a.State+" "+a.Postal), " ")
	lines = make([]string, 0, 6)
	for _, text := range []string{a.Line1, a.Line2, a.Line3, a.Line4, a.Line5, last} {
		if text == "" {
			continue
		}
		for part := range strings.SplitSeq(text, "\n") {
			if part = strings.Join(strings.Fields(part), " "); part != "" {
				lines = append(lines, part)
			}
		}
	}
	return lines
}

var (
	// usAtEnd is the country at the end of a line.
	usAtEnd = regexp.MustCompile(`(?i)(?:^|[\s,])(?:USA?|U\.S\.(?:A\.?)?|United States(?: of America)?)$`)
	// contact is a line about telephone or mail, which may follow an address.
	contact = regexp.MustCompile(`(?i)@|^(?:tel|phone|ph|fax|mobile|cell|email)\b|^\+?[\d\s().-]{10,}$`)
)

// usNames are how the country is written where it stands alone.
var usNames = map[string]bool{
	"US": true, "USA": true, "U.S.": true, "U.S.A.": true, "UNITED STATES": true, "UNITED STATES OF AMERICA": true,
}

// parseLines finds city, state and ZIP code as US mail has them, at the end:
// "Middlefield, CA 94303". It gives up where another line follows, because that
// may be a country.
func parseLines(lines []string) (models.Address, bool) {
	country := ""
	for n := len(lines); n > 0; n-- {
		text := trim(lines[n-1])
		a, ok := parseLast(text)
		if !ok && usAtEnd.MatchString(text) {
			text, country = trim(usAtEnd.ReplaceAllString(text, "")), "US"
			a, ok = parseLast(text)
		}
		if !ok && (text == "" || contact.MatchString(text)) {
			continue
		}
		if !ok && n > 1 { // the ZIP code on a line of its own
			n--
			a, ok = parseLast(trim(lines[n-1]) + " " + text)
		}
		if a.Line1 == "" && n > 1 && strings.ContainsAny(lines[n-2], "0123456789") {
			a.Line1 = lines[n-2] // a street has a number, a name has none
		}
		a.Country = country
		return a, ok
	}
	return models.Address{}, false
}

func trim(s string) string { return strings.Trim(s, " ,.;") }

// parseLast reads "street, city, state ZIP", of which only the last two must be there.
func parseLast(text string) (a models.Address, ok bool) {
	before, zip := cutZip(text)
	if zip == "" {
		return a, false
	}
	a.Zip = zip
	rest, code := cutState(trim(before))
	if code == "" {
		return models.Address{}, false
	}
	a.State, a.City = code, rest
	if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
		a.Line1, a.City = trim(rest[:comma]), trim(rest[comma+1:])
	}
	if a.City == "" && code == "DC" {
		a.City = "Washington" // the name of the district holds the city's
	}
	return a, true
}

// cutZip takes a ZIP code off the end of a text: five digits, or nine with a
// hyphen or space between them, and no other digit in front.
func cutZip(text string) (before, zip string) {
	at := len(text)
	digits := func() (n int) {
		for ; at > 0 && text[at-1] >= '0' && text[at-1] <= '9'; at-- {
			n++
		}
		return n
	}
	n := digits()
	if n == 4 && at > 1 && (text[at-1] == '-' || text[at-1] == ' ') {
		at--
		n += digits()
	}
	if n != 5 && n != 9 || at > 0 && strings.IndexByte(" ,.", text[at-1]) < 0 {
		return text, ""
	}
	return text[:at], text[at:]
}

// stateWords is how many words the longest name of a state has: "Washington, D.C."
// has two, "Armed Forces Americas" three, "Northern Mariana Islands" three.
const stateWords = 4

// cutState takes the longest name or code of a state off the end of a text.
func cutState(text string) (rest, code string) {
	start := len(text)
	starts := make([]int, 0, stateWords)
	for range stateWords {
		if start = strings.LastIndexAny(text[:max(start-1, 0)], " ,") + 1; start == 0 {
			starts = append(starts, 0)
			break
		}
		starts = append(starts, start)
	}
	for i := len(starts) - 1; i >= 0; i-- {
		name := trim(text[starts[i]:])
		for _, name := range []string{name, strings.ReplaceAll(name, ".", "")} {
			if code := models.StateCode(name); code != "" {
				return trim(text[:starts[i]]), code
			}
		}
	}
	return text, ""
}

package models

import "strings"

// stateCodes are the USPS codes of the states, the district, the territories
// and the military mail areas: everything a US address may carry as its state.
// https://pe.usps.com/text/pub28/28apb.htm
var stateCodes = map[string]string{
	"ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA",
	"COLORADO": "CO", "CONNECTICUT": "CT", "DELAWARE": "DE", "FLORIDA": "FL", "GEORGIA": "GA",
	"HAWAII": "HI", "IDAHO": "ID", "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA",
	"KANSAS": "KS", "KENTUCKY": "KY", "LOUISIANA": "LA", "MAINE": "ME", "MARYLAND": "MD",
	"MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN", "MISSISSIPPI": "MS", "MISSOURI": "MO",
	"MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV", "NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ",
	"NEW MEXICO": "NM", "NEW YORK": "NY", "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND", "OHIO": "OH",
	"OKLAHOMA": "OK", "OREGON": "OR", "PENNSYLVANIA": "PA", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC",
	"SOUTH DAKOTA": "SD", "TENNESSEE": "TN", "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT",
	"VIRGINIA": "VA", "WASHINGTON": "WA", "WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY",
	"DISTRICT OF COLUMBIA": "DC", "WASHINGTON DC": "DC", "WASHINGTON, DC": "DC", "WASHINGTON D.C.": "DC", "WASHINGTON, D.C.": "DC",
	"PUERTO RICO": "PR", "GUAM": "GU", "AMERICAN SAMOA": "AS", "NORTHERN MARIANA ISLANDS": "MP",
	"VIRGIN ISLANDS": "VI", "US VIRGIN ISLANDS": "VI", "U.S. VIRGIN ISLANDS": "VI", "VIRGIN ISLANDS, U.S.": "VI",
	"ARMED FORCES AMERICAS": "AA", "ARMED FORCES EUROPE": "AE", "ARMED FORCES PACIFIC": "AP",
}

// codes are the values of stateCodes, for what is a code already.
var codes = func() map[string]bool {
	m := make(map[string]bool, len(stateCodes))
	for _, code := range stateCodes {
		m[code] = true
	}
	return m
}()

// territories are the US territories that ISO 3166-1 lists as countries of their own.
var territories = map[string]bool{"PR": true, "GU": true, "VI": true, "AS": true, "MP": true}

// StateCode is the two-letter code of a US state, district, territory or
// military mail area, given as its code ("tx"), its name ("Texas") or its ISO
// 3166-2 code ("US-TX"); "" when it is none of these. Abbreviations of other
// kinds ("Tex.") are not guessed at.
func StateCode(s string) string {
	s = strings.TrimPrefix(plain(s), "US-")
	if codes[s] {
		return s
	}
	return stateCodes[s]
}

// zipCode is a ZIP code of 5 or 9 digits, without hyphen; "" when s is none.
// Only the form is looked at, not whether the post office gives it out or
// whether it lies in the state: hosts hold too many that almost fit.
func zipCode(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == len("12345-6789") && (s[5] == '-' || s[5] == ' ') {
		s = s[:5] + s[6:]
	}
	if len(s) != 5 && len(s) != 9 || strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return ""
	}
	return s
}

// countryCode is the code of a country as hosts write the US and its
// territories; any other is given back in capitals.
func countryCode(s string) string {
	switch s = plain(s); s {
	case "US", "USA", "U.S.", "U.S.A.", "UNITED STATES", "UNITED STATES OF AMERICA":
		return "US"
	}
	if code := stateCodes[s]; territories[code] {
		return code
	}
	return s
}

// plain is s in capitals, with single spaces.
func plain(s string) string {
	if isCode(s) {
		return s
	}
	return strings.ToUpper(strings.Join(strings.Fields(s), " "))
}

// isCode reports whether s is in capital letters only, as most codes of states,
// countries and currencies are: nothing has to be made of it.
func isCode(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

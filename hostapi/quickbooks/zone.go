package quickbooks

import (
	"strings"

	"extractor/models"
)

// zones are the states by the time zone of most of their people.
var zones = map[string]string{
	"America/New_York":    "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
	"America/Chicago":     "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
	"America/Denver":      "CO ID MT NM UT WY",
	"America/Phoenix":     "AZ",
	"America/Los_Angeles": "CA NV OR WA",
	"America/Anchorage":   "AK",
	"Pacific/Honolulu":    "HI",
	"America/Puerto_Rico": "PR VI",
	"Pacific/Guam":        "GU MP",
	"Pacific/Pago_Pago":   "AS",
}

// zoneOf is the time zone of a company's state, and empty where that is not
// known. An hour's mistake in a state of two zones does little: the days of
// documents are calendar days already, so the zone only says when our nights
// and the ends of our months begin.
func zoneOf(where models.Address) string {
	code := models.StateCode(where.State)
	if where.Country != "" && !usNames[strings.ToUpper(where.Country)] { // WA is a state of Australia, too
		return ""
	}
	for zone, states := range zones {
		if code != "" && strings.Contains(states, code) {
			return zone
		}
	}
	return ""
}

package handlers

import (
	"regexp"
	"time"

	"extractor/models"
)

// timestamp is an instant as the contract writes it: UTC as +00:00, no fractions.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

// optionalTimestamp is null for what is not known.
func optionalTimestamp(t *time.Time) *string { return written(t, timestamp) }

// date is a day as the contract writes it.
func date(t time.Time) string { return t.Format(time.DateOnly) }

func optionalDate(t *time.Time) *string { return written(t, date) }

func written(t *time.Time, write func(time.Time) string) *string {
	if t == nil {
		return nil
	}
	s := write(*t)
	return &s
}

// form is one way to write a date. The expression guards what time.Parse is lenient about.
type form struct {
	looks  *regexp.Regexp
	layout string
}

var (
	isoDay = form{regexp.MustCompile(`^\d{4}-\d\d-\d\d$`), time.DateOnly}
	rfc    = form{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`), time.RFC3339}
	spaced = form{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d$`), "2006-01-02 15:04:05-07"}
	// spacedMinutes is spaced with minutes in the offset.
	spacedMinutes = form{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$`), "2006-01-02 15:04:05-07:00"}
	us            = form{regexp.MustCompile(`^\d{1,2}/\d{1,2}/\d{4}$`), "1/2/2006"}
	usShort       = form{regexp.MustCompile(`^\d{1,2}/\d{1,2}/\d\d$`), "1/2/06"}
)

func parse(s string, forms ...form) (time.Time, bool) {
	for _, f := range forms {
		if !f.looks.MatchString(s) {
			continue
		}
		t, err := time.Parse(f.layout, s)
		return t.UTC(), err == nil
	}
	return time.Time{}, false
}

// A start date lies in these years: no host has older sales on line, and every
// fortnight since then would have to be asked for; later ones have no four digits.
const earliestYear, latestYear = 1970, 9999

// parseStartDate reads a start date: yyyy-mm-dd, a timestamp with an offset
// (its UTC date counts), or month/day/year as in the USA. The result is
// midnight UTC of the day.
func parseStartDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, models.Errorf(models.Invalid, `The startDate is missing. Write it as yyyy-mm-dd, for example "2018-04-01".`)
	}
	t, ok := parse(s, isoDay, rfc, spaced, spacedMinutes, us, usShort)
	if !ok {
		return t, models.Errorf(models.Invalid, `The startDate cannot be read. Write a day that exists as yyyy-mm-dd, for example "2018-04-01".`)
	}
	if t.Year() < earliestYear || t.Year() > latestYear {
		return t, models.Errorf(models.Invalid, "The startDate must be in the years %d to %d.", earliestYear, latestYear)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC), nil
}

// lostPlus is a timestamp whose + arrived as a space, since it was not escaped.
var lostPlus = regexp.MustCompile(`^(.*:\d\d(?:\.\d+)?) (\d\d(?::\d\d)?)$`)

// parseSince reads a date query parameter: a day, from 00:00 UTC on, or a timestamp.
func parseSince(s string) (time.Time, error) {
	t, ok := parse(lostPlus.ReplaceAllString(s, "$1+$2"), isoDay, rfc, spaced, spacedMinutes)
	if !ok {
		return t, models.Errorf(models.Invalid, "The date cannot be read. Write a day that exists as yyyy-mm-dd, or a timestamp as 2015-07-06T22:26:28+00:00.")
	}
	return t, nil
}

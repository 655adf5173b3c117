package handlers

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"extractor/models"
)

const noCompleteness = "Unable to count the connection's sales. Please try again."

// completeness is where everything is that was read of a connection.
type completeness struct {
	ConnectionID string     `json:"connectionId"`
	StartDate    *string    `json:"startDate"`
	Totals       tally      `json:"totals"`
	Undated      tally      `json:"undated"`
	Days         []dayTally `json:"days"`
	Gaps         []recount  `json:"gaps"`
}

type tally struct {
	Fetched   int64          `json:"fetched"`
	New       int64          `json:"new"`
	Changed   int64          `json:"changed"`
	Unchanged int64          `json:"unchanged"`
	Pending   sum            `json:"pending"`
	Delivered sum            `json:"delivered"`
	Bad       sum            `json:"bad"`
	Skipped   map[string]sum `json:"skipped"`
}

type dayTally struct {
	Day string `json:"day"`
	tally
	Recount *recount `json:"recount"`
}

type sum struct {
	Items          int64         `json:"items"`
	SalesAmount    models.Amount `json:"salesAmount"`
	SalesTax       models.Amount `json:"salesTax"`
	ShippingAmount models.Amount `json:"shippingAmount"`
	ShippingTax    models.Amount `json:"shippingTax"`
}

type recount struct {
	Day         string `json:"day"`
	Timestamp   string `json:"timestamp"`
	HostRecords int64  `json:"hostRecords"`
	Missing     int64  `json:"missing"`
	Vanished    int64  `json:"vanished"`
}

// GET /connections/{id}/completeness?from=&to=
func (a *api) showCompleteness(c *gin.Context) {
	found, err := a.find(c)
	if err != nil {
		fail(c, err, noCompleteness)
		return
	}
	from, to, err := bounds(c)
	if err != nil {
		fail(c, err, noCompleteness)
		return
	}
	counted, err := a.Store.Completeness(c.Request.Context(), found.ID, from, to)
	if err != nil {
		fail(c, err, noCompleteness)
		return
	}
	c.JSON(http.StatusOK, completenessOf(found, counted))
}

// bounds are the first and the last day that are asked for; nil: not given.
func bounds(c *gin.Context) (from, to *time.Time, err error) {
	if from, err = dayOf(c, "from", parseDay); err != nil {
		return nil, nil, err
	}
	if to, err = dayOf(c, "to", parseDay); err != nil {
		return nil, nil, err
	}
	if from != nil && to != nil && from.After(*to) {
		return nil, nil, models.Errorf(models.Invalid, "The day from is later than the day to. Exchange them.")
	}
	return from, to, nil
}

func parseDay(s string) (time.Time, error) {
	t, ok := parse(s, isoDay)
	if !ok {
		return t, models.Errorf(models.Invalid, "A day cannot be read. Write from and to as days that exist, yyyy-mm-dd.")
	}
	return t, nil
}

func completenessOf(c *models.Connection, counted *models.Completeness) completeness {
	out := completeness{
		ConnectionID: *c.ExternalID, StartDate: optionalDate(c.StartDate),
		Totals: tallyOf(counted.Totals), Undated: tallyOf(counted.Undated),
		Days: make([]dayTally, len(counted.Days)), Gaps: make([]recount, len(counted.Gaps)),
	}
	for i, d := range counted.Days {
		out.Days[i] = dayTally{Day: date(d.Day), tally: tallyOf(d.Tally)}
		if d.Recount != nil {
			r := recountOf(*d.Recount)
			out.Days[i].Recount = &r
		}
	}
	for i, g := range counted.Gaps {
		out.Gaps[i] = recountOf(g)
	}
	return out
}

func tallyOf(t models.Tally) tally {
	skipped := map[string]sum{}
	for reason, s := range t.Skipped {
		skipped[reason] = sum(s)
	}
	return tally{
		Fetched: t.Fetched, New: t.New, Changed: t.Changed, Unchanged: t.Unchanged,
		Pending: sum(t.Pending), Delivered: sum(t.Delivered), Bad: sum(t.Bad), Skipped: skipped,
	}
}

func recountOf(r models.Recount) recount {
	return recount{date(r.Day), timestamp(r.At), r.HostRecords, r.Missing, r.Vanished}
}

package quickbooks

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/models"
)

const (
	// pageSize is of at most 1000: with documents of five kilobytes, pages of a
	// little over a megabyte, of which a small machine holds some at once.
	pageSize = 250
	// fetchSize is how many ids go into one query, whose address must not grow
	// beyond what servers take.
	fetchSize = 100
)

// condition is what a query asks of documents, in QuickBooks' words.
type condition string

// changedIn is for documents whose last change lies in w. QuickBooks keeps that
// to the second, and both ends are cut alike, so that windows side by side leave
// nothing out.
func changedIn(w models.Window) condition {
	return condition(fmt.Sprintf("MetaData.LastUpdatedTime >= '%s' AND MetaData.LastUpdatedTime < '%s'", stamp(w.From), stamp(w.To)))
}

// datedIn is for documents of the days that w touches on the clocks of zone.
func datedIn(w models.Window, zone *time.Location) condition {
	last := w.To.Add(-time.Nanosecond) // the end itself is outside
	return condition(fmt.Sprintf("TxnDate >= '%s' AND TxnDate <= '%s'", w.From.In(zone).Format(time.DateOnly), last.In(zone).Format(time.DateOnly)))
}

// since narrows a condition to changes from at on.
func (c condition) since(at time.Time) condition {
	if at.IsZero() {
		return c
	}
	return condition(fmt.Sprintf("%s AND MetaData.LastUpdatedTime >= '%s'", c, stamp(at)))
}

// among is for documents with these ids.
func among(ids []string) condition {
	return condition("Id IN ('" + strings.Join(ids, "','") + "')")
}

// stamp is a time as QuickBooks reads it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-07:00") }

// query lists documents, oldest change first, from a position on; the first has position 1.
// https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
func (s session) query(ctx context.Context, e entity, where condition, start, most int) (list, error) {
	statement := fmt.Sprintf("SELECT * FROM %s WHERE %s ORDERBY MetaData.LastUpdatedTime STARTPOSITION %d MAXRESULTS %d", e.name, where, start, most)
	body, err := s.get(ctx, "query", url.Values{"query": {statement}})
	if err != nil {
		return list{}, err
	}
	l, err := splitQuery(body, e)
	switch {
	case err != nil:
		return list{}, hostapi.Unreadable(title, err)
	case l.start != 0 && len(l.things) > 0 && l.start != start:
		return list{}, models.Errorf(models.Unavailable, "QuickBooks sent another page than the one we asked for. We try again by ourselves.")
	}
	return l, nil
}

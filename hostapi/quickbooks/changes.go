package quickbooks

import (
	"context"
	"net/url"
	"strings"
	"time"

	"extractor/hostapi"
	"extractor/internal/jsonscan"
	"extractor/models"
)

const (
	// cdcDays is how far back change data capture goes, less an hour for clocks
	// that disagree: a time beyond is refused.
	cdcDays = 30*24*time.Hour - time.Hour
	// cdcLimit is how many objects one answer holds at most; the rest is left out
	// without a word.
	cdcLimit = 1000
	// cdcShortest is the shortest span that is worth a question of its own.
	cdcShortest = time.Minute
)

// changesSince is from when on deletions in w are asked for.
func changesSince(w models.Window, now time.Time) time.Time {
	if oldest := now.Add(-cdcDays); w.From.Before(oldest) {
		return oldest
	}
	return w.From
}

// deletionPage reads the documents that were deleted in w: one question a page,
// since the answer to each may hold megabytes. Where more changed than an answer
// holds, each entity is asked for alone, and then from later and later on: a pull
// overlaps the one before it, so the beginning of w was seen then, and what both
// left out is found by the recount.
func (s session) deletionPage(ctx context.Context, w models.Window, p position, now time.Time) (*hostapi.Page, error) {
	of, since := entities, changesSince(w, now)
	if alone, ok := entityOf(p.ID); ok {
		of = []entity{alone}
	}
	if p.Start.After(since) {
		since = p.Start
	}
	things, err := s.changed(ctx, of, since)
	if err != nil {
		return nil, err
	}
	page := &hostapi.Page{Records: deletedIn(w, things)}
	if next, more := p.afterChanges(len(things) >= cdcLimit, models.Window{From: since, To: w.To}); more {
		page.Next, page.More = hostapi.CursorOf(next), true
	}
	return page, nil
}

// deletedIn are the records of what was deleted in w.
func deletedIn(w models.Window, things []listed) (records []hostapi.Record) {
	for _, one := range things {
		if one.gone && !one.at.Before(w.From.Truncate(time.Second)) && one.at.Before(w.To) {
			records = append(records, one.record)
		}
	}
	return records
}

// afterChanges is the position behind an answer about the changes in span. full
// says that it may have left some out.
func (p position) afterChanges(full bool, span models.Window) (next position, more bool) {
	next = position{Entity: changes, ID: p.ID}
	half := span.To.Sub(span.From) / 2
	switch {
	case p.ID == "" && full:
		next.ID = entities[0].name
		return next, true
	case p.ID == "":
		return next, false
	case full && half >= cdcShortest:
		next.Start = span.From.Add(half)
		return next, true
	}
	next.ID = following(p.ID)
	return next, next.ID != ""
}

// changed is what changed of some entities since a time, deleted ones included.
// https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
func (s session) changed(ctx context.Context, of []entity, since time.Time) ([]listed, error) {
	names := make([]string, len(of))
	for i, e := range of {
		names[i] = e.name
	}
	body, err := s.get(ctx, "cdc", url.Values{"entities": {strings.Join(names, ",")}, "changedSince": {stamp(since)}})
	if err != nil {
		return nil, err
	}
	things, err := splitChanges(body)
	if err != nil {
		return nil, hostapi.Unreadable(title, err)
	}
	return things, nil
}

// splitChanges cuts an answer of change data capture,
// {"CDCResponse":[{"QueryResponse":[{"Invoice":[…]},{"CreditMemo":[…]}]}]}.
// Entities that are not ours are passed over.
func splitChanges(page []byte) (things []listed, err error) {
	s := &jsonscan.Scanner{Text: page}
	seen := false
	err = s.Object(func(name []byte) error {
		if string(name) != "CDCResponse" {
			return s.Skip()
		}
		seen = true
		return s.Array(func() error {
			return s.Object(func(name []byte) error {
				if string(name) != "QueryResponse" {
					return s.Skip()
				}
				return s.Array(func() error { return scanChanges(s, &things) })
			})
		})
	})
	return things, whole(s, err, seen)
}

// scanChanges reads the part of one entity.
func scanChanges(s *jsonscan.Scanner, things *[]listed) error {
	return s.Object(func(name []byte) error {
		e, ok := entityOf(string(name))
		if !ok {
			return s.Skip()
		}
		return s.Array(func() error {
			one, err := thing(s, e)
			*things = append(*things, one)
			return err
		})
	})
}

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

// deletions are the documents that were deleted in w. Where more changed than an
// answer holds, each entity is asked for alone, and then from later and later
// on: a pull overlaps the one before it, so the beginning of w was seen then,
// and what both left out is found by the recount.
func (s session) deletions(ctx context.Context, w models.Window, now time.Time) ([]hostapi.Record, error) {
	since := changesSince(w, now)
	found := map[string]listed{}
	var order []string // of first sight, so that two readings are alike
	collect := func(things []listed) {
		for _, one := range things {
			if one.gone && !one.at.Before(w.From.Truncate(time.Second)) && one.at.Before(w.To) {
				if _, known := found[one.record.Key]; !known {
					order = append(order, one.record.Key)
				}
				found[one.record.Key] = one
			}
		}
	}
	things, err := s.changed(ctx, entities, since)
	if err != nil {
		return nil, err
	}
	collect(things)
	if len(things) >= cdcLimit {
		for _, e := range entities {
			if err := s.changedOf(ctx, e, models.Window{From: since, To: w.To}, collect); err != nil {
				return nil, err
			}
		}
	}
	records := make([]hostapi.Record, 0, len(order))
	for _, key := range order {
		records = append(records, found[key].record)
	}
	return records, nil
}

// changedOf collects what changed of one entity, from later and later on until an
// answer is complete.
func (s session) changedOf(ctx context.Context, e entity, span models.Window, collect func([]listed)) error {
	for {
		things, err := s.changed(ctx, []entity{e}, span.From)
		if err != nil {
			return err
		}
		collect(things)
		half := span.To.Sub(span.From) / 2
		if len(things) < cdcLimit || half < cdcShortest {
			return nil
		}
		span.From = span.From.Add(half)
	}
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

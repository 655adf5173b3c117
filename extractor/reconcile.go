package extractor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
	"extractor/internal/failpoint"
	"extractor/internal/rest"
	"extractor/models"
)

const (
	// recountDays is how many past days are listed again each night: the longest
	// lateness a host documents is 72 hours, and a week has every weekday.
	recountDays = 8
	// recountHour is when, on the merchant's clock: shops sleep, hosts have room.
	recountHour = 2
	// recountSpread keeps merchants from recounting all at once.
	recountSpread = 3 * time.Hour
	// fetchChunk is how many records are asked for by key at a time.
	fetchChunk = 100
)

// progress is how far a recount has come; it is kept as the lane's cursor, so
// that a slice goes on where the last one stopped, in the middle of a day too.
type progress struct {
	Day    string          `json:"day"`              // the day under way
	Cursor hostapi.Cursor  `json:"cursor,omitempty"` // the host's, of its next page
	Gaps   int             `json:"gaps,omitempty"`   // found in the pages before
	Listed map[string]bool `json:"listed,omitempty"` // records on the pages before
	wait   time.Duration   // before the next page; 0 = none
}

// reconcile lists the host's days again by another road than extract and
// compares them with the ledger. What paging silently dropped is a gap: it is
// written down and fetched at once. What the host no longer knows is taken back.
func (s *slice) reconcile(ctx context.Context) error {
	recounter, ok := s.host.(hostapi.Recounter)
	if !ok || models.Bad("reconcile") {
		return s.recountAgain(ctx, nil)
	}
	p, last := s.recountSpan()
	for p.Day <= last {
		if err := failpoint.Hit("before a day is listed"); err != nil {
			return err
		}
		listed, err := s.listDay(ctx, recounter, p)
		if err != nil {
			return err
		}
		if !listed {
			return s.recountAgain(ctx, p)
		}
		if err := s.compareDay(ctx, p); err != nil {
			return err
		}
		if p = (&progress{Day: nextDay(p.Day)}); s.over(ctx, s.until) {
			return s.recountAgain(ctx, p)
		}
	}
	return s.recountAgain(ctx, nil)
}

// recountSpan is where the last slice stopped, else the first of the past days,
// back to the start of last month while that is open; and the last day to list.
// Days are those of the merchant's calendar: sums over them know no clock change.
func (s *slice) recountSpan() (first *progress, last string) {
	from, today := s.recountFrom()
	p := &progress{Day: from.Format(time.DateOnly)}
	var kept progress
	if json.Unmarshal([]byte(s.lane.Cursor), &kept) == nil && kept.Day != "" {
		p = &kept
	}
	return p, today.AddDate(0, 0, -1).Format(time.DateOnly)
}

// recountFrom is the first day of a recount that begins now, and its own day.
func (s *slice) recountFrom() (from, today time.Time) {
	now := s.lane.Now.In(s.account.Zone)
	today = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	if tomorrow := today.AddDate(0, 0, 1); tomorrow.Day() == s.PeriodCloseDay {
		// the last night before the month is closed: all of it once more
		return time.Date(tomorrow.Year(), tomorrow.Month()-1, 1, 0, 0, 0, 0, time.UTC), today
	}
	return today.AddDate(0, 0, -recountDays), today
}

func nextDay(day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "9999-12-31" // beyond any last day: the span ends
	}
	return d.AddDate(0, 0, 1).Format(time.DateOnly)
}

// dayWindow is the span of a calendar day on the merchant's clocks. A day may
// begin at one o'clock, where the clocks change at midnight.
func dayWindow(day string, zone *time.Location) models.Window {
	return models.Window{From: beginning(day, zone), To: beginning(nextDay(day), zone)}
}

func beginning(day string, zone *time.Location) time.Time {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
	if t.Day() != d.Day() { // there is no such midnight
		t = t.Add(time.Hour)
	}
	return t.UTC()
}

// listDay accepts all that the host lists for a day, and counts what was not
// known. It reports false when the slice's time was up before the last page.
func (s *slice) listDay(ctx context.Context, r hostapi.Recounter, p *progress) (complete bool, err error) {
	w := dayWindow(p.Day, s.account.Zone)
	if p.Listed == nil {
		p.Listed = map[string]bool{}
	}
	for pages := 0; ; pages++ {
		page, err := r.Recount(rest.Together(ctx), s.account, w, p.Cursor)
		if err != nil {
			return false, err
		}
		wait := waitFor(page)
		if page.More && wait == 0 && page.Next == p.Cursor || pages > mostPages {
			return false, models.Errorf(models.Unavailable, "%s keeps sending the same page. We start this day again by ourselves.", s.host.Info().Title).Because(errCircle)
		}
		result, err := s.acceptRecount(ctx, page.Records)
		if err != nil {
			return false, err
		}
		p.Gaps += result.gaps
		for i := range page.Records {
			p.Listed[page.Records[i].Kind+"/"+page.Records[i].Key] = true
		}
		if p.Cursor = page.Next; !page.More {
			return true, nil
		}
		if p.wait = wait; wait > 0 || s.over(ctx, s.until) {
			return false, nil
		}
	}
}

// compareDay takes back what the host no longer has of a day that was listed,
// and writes the comparison down.
func (s *slice) compareDay(ctx context.Context, p *progress) error {
	vanished, err := s.takeBackVanished(ctx, p.Day, p.Listed)
	if err = errors.Join(err, failpoint.Hit("before a day is compared")); err != nil {
		return err
	}
	return s.Store.InPgxTx(ctx, func(tx pgx.Tx) error {
		if _, err := s.lane.fence(ctx, tx); err != nil {
			return err
		}
		return s.noteRecount(ctx, tx, p, vanished)
	})
}

// acceptRecount brings records into the ledger without moving a lane's position.
func (s *slice) acceptRecount(ctx context.Context, records []hostapi.Record) (committed, error) {
	result, err := s.commit(ctx, s.transform(s.host, records), advance{hold: true})
	if err == nil && result.woke {
		s.Nudge()
	}
	return result, err
}

// takeBackVanished asks the host for each record of the day that it did not
// list; one it no longer knows yields nothing from now on. A record may have
// been listed under another day, so being absent from the list proves nothing.
func (s *slice) takeBackVanished(ctx context.Context, day string, listed map[string]bool) (int, error) {
	fetcher, ok := s.host.(hostapi.Fetcher)
	if !ok {
		return 0, nil
	}
	absent, err := s.unlisted(ctx, day, listed)
	if err != nil {
		return 0, err
	}
	vanished := 0
	for chunk := range slices.Chunk(absent, fetchChunk) {
		n, err := s.fetchAbsent(ctx, fetcher, chunk)
		if err != nil {
			return vanished, err
		}
		vanished += n
	}
	return vanished, nil
}

// unlisted are the records with entries of the day that the host did not list. A
// consent that lets us read the latest orders only hides the others, by their
// keys too: then records that reach behind a recount of today are left out.
func (s *slice) unlisted(ctx context.Context, day string, listed map[string]bool) (absent []string, err error) {
	from, _ := s.recountFrom()
	rows, err := s.Store.Pool.Query(ctx, `SELECT DISTINCT e.record FROM entries e JOIN connections c ON c.id = e.connection_id
		WHERE e.connection_id = $1 AND e.day = $2 AND e.reverses IS NULL AND NOT e.compensated AND e.state <> 'skipped'
			AND (c.history_from IS NULL OR NOT EXISTS (SELECT 1 FROM entries o WHERE o.connection_id = $1 AND o.record = e.record AND o.day < $3))`,
		s.lane.Connection, day, from)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		if !listed[name] {
			absent = append(absent, name)
		}
	}
	return absent, err
}

// fetchAbsent asks for records by name, accepts what is there, and returns how
// many are gone.
func (s *slice) fetchAbsent(ctx context.Context, f hostapi.Fetcher, names []string) (gone int, err error) {
	byKind := map[string][]string{}
	for _, name := range names {
		kind, key, _ := strings.Cut(name, "/")
		byKind[kind] = append(byKind[kind], key)
	}
	var keys []string
	for _, of := range byKind {
		keys = append(keys, of...)
	}
	records, err := f.Fetch(rest.Together(ctx), s.account, keys)
	if err != nil {
		return 0, err
	}
	missing := missingFrom(names, records)
	readings := append(s.transform(s.host, records), s.emptied(missing)...)
	result, err := s.commit(ctx, readings, advance{hold: true})
	if err == nil && result.woke {
		s.Nudge()
	}
	return len(missing), err
}

func missingFrom(names []string, records []hostapi.Record) (missing []string) {
	there := map[string]bool{}
	for i := range records {
		there[records[i].Kind+"/"+records[i].Key] = true
	}
	for _, name := range names {
		if !there[name] {
			missing = append(missing, name)
		}
	}
	return missing
}

// emptied are readings of records that the host no longer has.
func (s *slice) emptied(names []string) []reading {
	readings := make([]reading, len(names))
	for i, name := range names {
		kind, key, _ := strings.Cut(name, "/")
		readings[i] = reading{record: hostapi.Record{Kind: kind, Key: key}, vanished: true}
	}
	return readings
}

// noteRecount writes down what a day's comparison found.
func (s *slice) noteRecount(ctx context.Context, tx pgx.Tx, p *progress, vanished int) error {
	_, err := tx.Exec(ctx, `INSERT INTO recounts (connection_id, day, host_records, missing, vanished) VALUES ($1, $2, $3, $4, $5)`,
		s.lane.Connection, p.Day, len(p.Listed), p.Gaps, vanished)
	if err != nil || p.Gaps+vanished == 0 {
		return err
	}
	title := s.host.Info().Title
	var said []string
	if p.Gaps > 0 {
		said = append(said, fmt.Sprintf("found %s of %s that %s had not listed before", plural(p.Gaps, "record"), p.Day, title))
	}
	if vanished > 0 {
		said = append(said, fmt.Sprintf("took back %s of %s that %s no longer has", plural(vanished, "record"), p.Day, title))
	}
	return tellMerchant(ctx, tx, s.lane.Connection, strings.Join(said, "; "))
}

// recountAgain keeps where to go on, or makes the lane due next night.
func (s *slice) recountAgain(ctx context.Context, p *progress) error {
	cursor, wait := "", nextNight(s.lane.Now.In(s.account.Zone), s.lane.Connection)
	if p != nil {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		cursor, wait = string(b), p.wait
	}
	tag, err := s.Store.Pool.Exec(ctx, `UPDATE lanes SET cursor = $3, failures = 0, due_at = CASE WHEN due_at IS NOT NULL THEN now() + $4::interval END
		WHERE id = $1 AND epoch = $2`, s.lane.ID, s.lane.Epoch, cursor, wait)
	if err == nil && tag.RowsAffected() != 1 {
		return errFenced
	}
	return err
}

// nextNight is how long until the connection's own minute of the coming night.
func nextNight(now time.Time, connection int64) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write(strconv.AppendInt(nil, connection, 10)) // never fails
	night := time.Date(now.Year(), now.Month(), now.Day(), recountHour, 0, 0, 0, now.Location()).
		Add(time.Duration(h.Sum32()) * time.Microsecond % recountSpread)
	for !night.After(now.Add(time.Hour)) {
		night = night.AddDate(0, 0, 1)
	}
	return night.Sub(now)
}

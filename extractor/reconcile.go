package extractor

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"extractor/hostapi"
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

// reconcile lists the host's days again by another road than extract and
// compares them with the ledger. What paging silently dropped is a gap: it is
// written down and fetched at once. What the host no longer knows is taken back.
func (s *slice) reconcile(ctx context.Context) error {
	recounter, ok := s.host.(hostapi.Recounter)
	if !ok {
		return s.recountAgain(ctx, "")
	}
	day, last := s.recountSpan()
	for ; !day.After(last); day = day.AddDate(0, 0, 1) {
		if err := s.recountDay(ctx, recounter, day); err != nil {
			return err
		}
		if time.Now().After(s.until) {
			return s.recountAgain(ctx, day.AddDate(0, 0, 1).Format(time.DateOnly))
		}
	}
	return s.recountAgain(ctx, "")
}

// recountSpan is the first and the last day to list: where the last slice
// stopped, else the past days, back to the start of last month while that is open.
func (s *slice) recountSpan() (first, last time.Time) {
	now := s.lane.Now.In(s.account.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.account.Zone)
	first, last = today.AddDate(0, 0, -recountDays), today.AddDate(0, 0, -1)
	if month := today.AddDate(0, -1, 1-today.Day()); now.Day() == s.PeriodCloseDay-1 {
		first = month // the last night before the month is closed: all of it once more
	}
	if from, err := time.ParseInLocation(time.DateOnly, string(s.lane.Cursor), s.account.Zone); err == nil {
		first = from
	}
	return first, last
}

// recountDay compares one merchant-local day.
func (s *slice) recountDay(ctx context.Context, r hostapi.Recounter, day time.Time) error {
	w := models.Window{From: day.UTC(), To: day.AddDate(0, 0, 1).UTC()}
	listed, gaps, err := s.listDay(ctx, r, w)
	if err != nil {
		return err
	}
	vanished, err := s.takeBackVanished(ctx, day, listed)
	if err != nil {
		return err
	}
	return s.Store.InPgxTx(ctx, func(tx pgx.Tx) error { return s.noteRecount(ctx, tx, day, len(listed), gaps, vanished) })
}

// listDay accepts all that the host lists for a window, and counts what was not known.
func (s *slice) listDay(ctx context.Context, r hostapi.Recounter, w models.Window) (listed map[string]bool, gaps int, err error) {
	listed = map[string]bool{}
	cursor := hostapi.Cursor("")
	for {
		page, err := r.Recount(ctx, s.account, w, cursor)
		if err != nil {
			return nil, 0, err
		}
		if page.More && page.Next == cursor {
			return nil, 0, models.Errorf(models.Unavailable, "%s keeps sending the same page. We start this day again by ourselves.", s.host.Info().Title)
		}
		result, err := s.acceptRecount(ctx, page.Records)
		if err != nil {
			return nil, 0, err
		}
		gaps += result.gaps
		for i := range page.Records {
			listed[page.Records[i].Kind+"/"+page.Records[i].Key] = true
		}
		if cursor = page.Next; !page.More {
			return listed, gaps, nil
		}
	}
}

// acceptRecount brings records into the ledger without moving a lane's position.
func (s *slice) acceptRecount(ctx context.Context, records []hostapi.Record) (committed, error) {
	result, err := s.commit(ctx, s.transform(s.host, records), advance{hold: true})
	if err == nil && result.pending {
		s.Nudge()
	}
	return result, err
}

// takeBackVanished asks the host for each record of the day that it did not
// list; one it no longer knows yields nothing from now on. A record may have
// been listed under another day, so being absent from the list proves nothing.
func (s *slice) takeBackVanished(ctx context.Context, day time.Time, listed map[string]bool) (int, error) {
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

// unlisted are the records with entries of the day that the host did not list.
func (s *slice) unlisted(ctx context.Context, day time.Time, listed map[string]bool) (absent []string, err error) {
	rows, err := s.Store.Pool.Query(ctx, `SELECT DISTINCT record FROM entries
		WHERE connection_id = $1 AND day = $2 AND reverses IS NULL AND NOT compensated AND state <> 'skipped'`,
		s.lane.Connection, day.Format(time.DateOnly))
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
	records, err := f.Fetch(ctx, s.account, keys)
	if err != nil {
		return 0, err
	}
	missing := missingFrom(names, records)
	readings := append(s.transform(s.host, records), s.emptied(missing)...)
	result, err := s.commit(ctx, readings, advance{hold: true})
	if err == nil && result.pending {
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
func (s *slice) noteRecount(ctx context.Context, tx pgx.Tx, day time.Time, listed, gaps, vanished int) error {
	_, err := tx.Exec(ctx, `INSERT INTO recounts (connection_id, day, host_records, missing, vanished) VALUES ($1, $2, $3, $4, $5)`,
		s.lane.Connection, day.Format(time.DateOnly), listed, gaps, vanished)
	if err != nil || gaps+vanished == 0 {
		return err
	}
	title, date := s.host.Info().Title, day.Format(time.DateOnly)
	var said []string
	if gaps > 0 {
		said = append(said, fmt.Sprintf("found %s of %s that %s had not listed before", plural(gaps, "record"), date, title))
	}
	if vanished > 0 {
		said = append(said, fmt.Sprintf("took back %s of %s that %s no longer has", plural(vanished, "record"), date, title))
	}
	return tellMerchant(ctx, tx, s.lane.Connection, strings.Join(said, "; "))
}

// recountAgain keeps the day to go on with, or makes the lane due next night.
func (s *slice) recountAgain(ctx context.Context, next string) error {
	wait := time.Duration(0)
	if next == "" {
		wait = nextNight(s.lane.Now.In(s.account.Zone), s.lane.Connection)
	}
	tag, err := s.Store.Pool.Exec(ctx, `UPDATE lanes SET cursor = $3, failures = 0, due_at = now() + $4::interval WHERE id = $1 AND epoch = $2`,
		s.lane.ID, s.lane.Epoch, next, wait)
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
		Add(time.Duration(h.Sum32()) % recountSpread)
	for !night.After(now.Add(time.Hour)) {
		night = night.AddDate(0, 0, 1)
	}
	return night.Sub(now)
}

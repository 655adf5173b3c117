package extractor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"extractor/models"
)

// unchangedSQL reads as little of the entries of records as tells whether the
// records changed: of what is read again, nearly nothing did.
const unchangedSQL = `SELECT x.n, e.kind, e.key, e.version, e.hash, e.compensated
	FROM unnest($1::bigint[], $2::text[], $3::int[]) x(c, r, n) JOIN entries e ON e.connection_id = x.c AND e.record = x.r`

// nextSQL is the first record from a name on. The index is read in its order,
// whatever the planner believes of the connection.
const nextSQL = `SELECT e.record FROM unnest($1::bigint[]) x(c), LATERAL (
	SELECT record FROM entries WHERE connection_id = x.c AND record >= $2 ORDER BY record LIMIT 1) e`

// holding is what the ledger has of one reading's record: so many entries, of
// which so many are items as they were read.
type holding struct{ entries, same int }

// unchanged reports whether the ledger has the record just as it was read: all
// its items, no others, and under its version. Then there is nothing to decide,
// whatever the target has of them.
func (h holding) unchanged(r *reading) bool {
	return h.entries > 0 && h.same == h.entries && h.same == len(r.items)
}

// markUnchanged marks the readings that the ledger has already, and names the
// other records of which it has something. It holds under the ledger's lock.
func markUnchanged(ctx context.Context, tx pgx.Tx, connection int64, readings []reading) (known []string, err error) {
	have, err := holdings(ctx, tx, connection, readings)
	if err != nil {
		return nil, err
	}
	for i := range readings {
		r := &readings[i]
		r.unchanged = have[i].unchanged(r)
		if have[i].entries > 0 && !r.unchanged {
			known = append(known, r.name())
		}
	}
	return known, nil
}

// holdings compares the readings that count with the entries of their records.
func holdings(ctx context.Context, tx pgx.Tx, connection int64, readings []reading) ([]holding, error) {
	have := make([]holding, len(readings))
	places := inOrder(readings)
	if len(places) == 0 {
		return have, nil
	}
	names := make([]string, len(places))
	for i, place := range places {
		names[i] = readings[place].name()
	}
	if none, err := noneBetween(ctx, tx, connection, names[0], names[len(names)-1]); err != nil || none {
		return have, err
	}
	rows, err := tx.Query(ctx, unchangedSQL, repeat(connection, len(names)), names, places)
	if err != nil {
		return nil, err
	}
	var place int32
	var kind, key, version, hash pgtype.DriverBytes // until the next row
	var compensated bool
	_, err = pgx.ForEachRow(rows, []any{&place, &kind, &key, &version, &hash, &compensated}, func() error {
		h := &have[place]
		h.entries++
		if !compensated && readings[place].holds(kind, key, version, hash) {
			h.same++
		}
		return nil
	})
	return have, err
}

// noneBetween reports whether the ledger has no record from the first name to the
// last. Most hosts count their orders, so that a page of new ones has none of those
// we know between its own: one look tells then, instead of one for each.
func noneBetween(ctx context.Context, tx pgx.Tx, connection int64, first, last string) (bool, error) {
	var next string
	err := tx.QueryRow(ctx, nextSQL, []int64{connection}, first).Scan(&next)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return next > last, err
}

// inOrder gives the places of the readings that count, by the names of their
// records: so the index is read in its order.
func inOrder(readings []reading) []int32 {
	places := make([]int32, 0, len(readings))
	for i := range readings {
		if !readings[i].repeated {
			places = append(places, int32(i)) // #nosec G115 -- a haul's readings are few
		}
	}
	slices.SortFunc(places, func(a, b int32) int { return cmp.Compare(readings[a].name(), readings[b].name()) })
	return places
}

// holds reports whether the reading has this item, with this content.
func (r *reading) holds(kind, key, version, hash []byte) bool {
	if string(version) != r.record.Version {
		return false
	}
	return slices.ContainsFunc(r.items, func(c content) bool {
		return c.ref.Kind == string(kind) && c.ref.Key == string(key) && c.is(hash)
	})
}

// is reports whether the content has this hash.
func (c *content) is(hash []byte) bool { return bytes.Equal(c.hash, hash) && !models.Bad("hash") }

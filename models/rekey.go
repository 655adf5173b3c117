package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	// rekeyBatch is how many values are read at once: a few hundred kilobytes.
	rekeyBatch = 500
	// rekeyPasses bounds the search for values that others seal with an older
	// key meanwhile; more of them means that such a process still runs.
	rekeyPasses = 5
)

// sealedColumn is where sealed values lie, and the place they are bound to.
type sealedColumn struct{ table, row, column, place string }

// sealedColumns are all of them. A new one belongs here.
var sealedColumns = []sealedColumn{
	{"tokens", "connection_id", "access", "tokens"},
	{"tokens", "connection_id", "refresh", "tokens"},
	{"tokens", "connection_id", "previous_refresh", "tokens"},
	{"revocations", "connection_id", "access", "tokens"}, // copies of the tokens' own
	{"revocations", "connection_id", "refresh", "tokens"},
	{"attempts", "id", "secrets", "attempts"},
	{"tickets", "id", "redirect", "tickets"},
	{"signups", "connection_id", "details", "signups"},
}

// Rekey seals anew whatever is not sealed with the first key of the ring, while
// the service runs, and says how many values that were. Afterwards the other
// keys can go. It may be called any number of times.
func Rekey(ctx context.Context, store *Store) (n int, err error) {
	for range rekeyPasses {
		found := 0
		for _, column := range sealedColumns {
			f, changed, err := store.rekeyColumn(ctx, column)
			found, n = found+f, n+changed
			if err != nil {
				return n, err
			}
		}
		if found == 0 {
			return n, nil
		}
	}
	return n, Errorf(Internal, "Another process still seals with an older key. Start all of them with the new ENCRYPTION_KEYS, then run: extractor rekey")
}

// rekeyColumn goes through a column once.
func (s *Store) rekeyColumn(ctx context.Context, column sealedColumn) (found, changed int, err error) {
	after := int64(-1)
	for {
		batch, err := s.otherwiseSealed(ctx, column, after)
		if err != nil || len(batch) == 0 {
			return found, changed, err
		}
		for _, v := range batch {
			done, err := s.reseal(ctx, column, v)
			if err != nil {
				return found, changed, err
			}
			found++
			if done {
				changed++
			}
		}
		after = batch[len(batch)-1].row
	}
}

// sealedValue is one value and the row it is in.
type sealedValue struct {
	row    int64
	sealed []byte
}

// otherwiseSealed are the next values that the first key did not seal.
func (s *Store) otherwiseSealed(ctx context.Context, c sealedColumn, after int64) (batch []sealedValue, err error) {
	if s.Sealer == nil {
		return nil, errNoKeys
	}
	head := s.Sealer.head(s.Sealer.first)
	rows, err := s.Pool.Query(ctx, fmt.Sprintf(`SELECT %[2]s, %[3]s FROM %[1]s
		WHERE %[3]s IS NOT NULL AND substring(%[3]s FROM 1 FOR $1) <> $2 AND %[2]s > $3 ORDER BY %[2]s LIMIT $4`,
		c.table, c.row, c.column), len(head), head, after, rekeyBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v sealedValue
		if err := rows.Scan(&v.row, &v.sealed); err != nil {
			return nil, err
		}
		batch = append(batch, v)
	}
	return batch, rows.Err()
}

// reseal replaces one value, unless someone else did so meanwhile.
func (s *Store) reseal(ctx context.Context, c sealedColumn, v sealedValue) (done bool, err error) {
	plain, err := s.Sealer.Open(c.place, c.column, v.row, v.sealed)
	if err != nil {
		return false, err
	}
	sealed, err := s.Sealer.Seal(c.place, c.column, v.row, plain)
	if err != nil {
		return false, err
	}
	tag, err := s.Pool.Exec(ctx, fmt.Sprintf(`UPDATE %[1]s SET %[3]s = $1 WHERE %[2]s = $2 AND %[3]s = $3`,
		c.table, c.row, c.column), sealed, v.row, v.sealed)
	return err == nil && tag.RowsAffected() == 1, err
}

// CheckKeys reports whether the ring can open everything that is stored; the
// error names the keys that are missing. It is meant for the start of a process.
func CheckKeys(ctx context.Context, store *Store) error {
	if store.Sealer == nil {
		return errNoKeys
	}
	var parts []string
	for _, c := range sealedColumns {
		parts = append(parts, fmt.Sprintf(`SELECT convert_from(substring(%[2]s FROM 3 FOR get_byte(%[2]s, 1)), 'SQL_ASCII') FROM %[1]s WHERE %[2]s IS NOT NULL`, c.table, c.column))
	}
	var used []string
	err := store.Pool.QueryRow(ctx, `SELECT coalesce(array_agg(k), '{}') FROM (`+strings.Join(parts, " UNION ")+`) u (k)`).Scan(&used)
	if err != nil {
		return fmt.Errorf("check keys: %w", err)
	}
	missing := slices.DeleteFunc(used, func(id string) bool { return store.Sealer.keys[id] != nil })
	if len(missing) > 0 {
		slices.Sort(missing)
		return Errorf(Internal, "ENCRYPTION_KEYS lacks keys that stored secrets were sealed with: %s. Add them again behind the others and run: extractor rekey", strings.Join(missing, ", "))
	}
	return nil
}

package models

import (
	"context"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// Lock is a lock on one connection, held until its transaction ends. Locks are
// taken in the order in which they stand here, and before any row, so that no
// two transactions wait for each other in a circle.
type Lock int64

// The locks. They are advisory: shared holders leave no trace in tables, and a
// control that waits is served before later work.
const (
	LockControl Lock = iota // shared by all work on the connection; exclusive to what disables, renames or deletes it
	LockLedger              // exclusive to a page's commit: two readings of one record decide one after the other
	LockOutbox              // exclusive to whatever picks, settles or changes entries that exist
	lockKinds
)

// lockBase keeps the keys of connections apart from the few others in use.
const lockBase = int64(1) << 40

// key is the lock's number for Postgres.
func (l Lock) key(connection int64) int64 {
	return lockBase + connection*int64(lockKinds) + int64(l)
}

// Hold takes an exclusive lock.
func (l Lock) Hold(ctx context.Context, tx pgx.Tx, connection int64) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, l.key(connection))
	return err
}

// Share takes a lock that others may share.
func (l Lock) Share(ctx context.Context, tx pgx.Tx, connection int64) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, l.key(connection))
	return err
}

// TryShare takes a lock that others may share on many connections, where nobody
// holds it or waits for it alone, and returns those. It waits for none.
func (l Lock) TryShare(ctx context.Context, tx pgx.Tx, connections []int64) (taken map[int64]bool, err error) {
	keys := make([]int64, len(connections))
	for i, c := range connections {
		keys[i] = l.key(c)
	}
	rows, err := tx.Query(ctx, `SELECT c FROM unnest($1::bigint[], $2::bigint[]) x(c, k) WHERE pg_try_advisory_xact_lock_shared(k)`, connections, keys)
	if err != nil {
		return nil, err
	}
	taken = make(map[int64]bool, len(connections))
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { taken[id] = true; return nil })
	return taken, err
}

// HoldOutboxLazily shares LockControl and takes LockOutbox in one round trip, in
// that order, for a transaction whose commit need not be on disk when it is answered.
func HoldOutboxLazily(ctx context.Context, tx pgx.Tx, connection int64) error {
	_, err := tx.Exec(ctx, `SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock($2)`,
		LockControl.key(connection), LockOutbox.key(connection))
	return err
}

// holdEngine keeps all work on a connection out until the transaction ends.
func holdEngine(tx *gorm.DB, connection int64) error {
	return tx.Exec(`SELECT pg_advisory_xact_lock(?)`, LockControl.key(connection)).Error
}

package models

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// The SQLSTATEs that we answer to.
const (
	lockNotAvailable = "55P03"
	uniqueViolation  = "23505"
)

// isCode reports whether err is Postgres's error of that SQLSTATE.
func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

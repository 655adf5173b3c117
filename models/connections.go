package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// NewConnection is what the consumer says of a connection it creates.
type NewConnection struct {
	ExternalID string // connectionId
	Host       string // folder name of the adapter
	StartDate  time.Time
	Settings   map[string]string
}

var (
	errNoConnection = Errorf(NotFound, "There is no connection with this connectionId. It may have been renamed or deleted.")
	errKnown        = Errorf(Conflict, "User already exists") // the contract's words
	errIDInUse      = Errorf(Invalid, "This connectionId is already in use by another connection. Choose another one; nothing was changed.")
)

// CreateConnection makes a connection that waits for its popup. A known id is a
// Conflict; a deleted one may be used again and begins from nothing.
func (s *Store) CreateConnection(ctx context.Context, n NewConnection) (*Connection, error) {
	var c Connection
	err := s.InTx(ctx, func(tx *gorm.DB) error {
		id, err := insertConnection(tx, n)
		if err != nil {
			return err
		}
		if err := recordActivity(tx, id, "created the connection with start date "+n.StartDate.Format(time.DateOnly)); err != nil {
			return err
		}
		return s.settle(tx, id, &c)
	})
	if violates(err, "connections_external_id") {
		return nil, errKnown.Because(err)
	}
	return &c, err
}

func insertConnection(tx *gorm.DB, n NewConnection) (id int64, err error) {
	settings := n.Settings
	if settings == nil {
		settings = map[string]string{}
	}
	b, err := json.Marshal(settings)
	if err != nil {
		return 0, err
	}
	err = tx.Raw(`INSERT INTO connections (external_id, host, start_date, settings) VALUES (?, ?, ?, ?::jsonb) RETURNING id`,
		n.ExternalID, n.Host, n.StartDate.Format(time.DateOnly), string(b)).Scan(&id).Error
	return id, err
}

// settle brings lanes and status in line with the row and reads it again.
func (s *Store) settle(tx *gorm.DB, id int64, c *Connection) error {
	if err := arrange(tx, id); err != nil {
		return err
	}
	if err := s.restate(tx, id); err != nil {
		return err
	}
	*c = Connection{}
	return tx.Take(c, id).Error
}

// ListConnections are the connectionIds of the live connections that are
// enabled, or of those that are not.
func (s *Store) ListConnections(ctx context.Context, enabled bool) ([]string, error) {
	ids := []string{}
	err := s.DB(ctx).Model(&Connection{}).
		Where("deleted_at IS NULL AND external_id IS NOT NULL AND enabled = ?", enabled).
		Order("id").Pluck("external_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return ids, nil
}

// FindConnection is the live connection of a connectionId, or NotFound.
func (s *Store) FindConnection(ctx context.Context, externalID string) (*Connection, error) {
	return find(s.DB(ctx), externalID)
}

func find(db *gorm.DB, externalID string) (*Connection, error) {
	if !storable(externalID) {
		return nil, errNoConnection
	}
	var c Connection
	err := db.Where("external_id = ? AND deleted_at IS NULL", externalID).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errNoConnection
	}
	if err != nil {
		return nil, fmt.Errorf("find connection: %w", err)
	}
	return &c, nil
}

// ConnectionOfAccount is the live connection of an account at a host.
func (s *Store) ConnectionOfAccount(ctx context.Context, host, account string) (*Connection, error) {
	if !storable(account) {
		return nil, errNoAccount
	}
	var c Connection
	err := s.DB(ctx).Where("host = ? AND host_account = ? AND deleted_at IS NULL", host, account).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errNoAccount
	}
	if err != nil {
		return nil, fmt.Errorf("connection of account: %w", err)
	}
	return &c, nil
}

var errNoAccount = Errorf(NotFound, "This account is not connected. Connect it in TrustFile.")

// storable reports whether Postgres takes s as text at all: it refuses what is
// not UTF-8, or holds a zero, with an error of its own. Nothing is kept by such
// a name.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// lockConnection finds a connection and keeps others from changing it, and from
// working on it, until tx ends.
func lockConnection(tx *gorm.DB, externalID string) (*Connection, error) {
	c, err := find(tx, externalID)
	if err != nil {
		return nil, err
	}
	if err := holdEngine(tx, c.ID); err != nil {
		return nil, err
	}
	// Again, since it may have been renamed or deleted while we waited.
	return find(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), externalID)
}

// violates reports whether err is a violation of the named unique index.
func violates(err error, index string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == pgerrcode.UniqueViolation && pg.ConstraintName == index
}

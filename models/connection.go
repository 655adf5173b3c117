package models

import (
	"encoding/json"
	"time"
)

// Connection is one merchant's account at one host, and one company at the
// target. The columns are told in migrations, from 00001_engine.sql on.
type Connection struct {
	ID                int64 `gorm:"primaryKey"`
	ExternalID        *string
	Host              string
	StartDate         *time.Time `gorm:"type:date"` // midnight UTC of the merchant-local day
	Wish              Wish       `gorm:"default:none"`
	Pause             Pause
	PauseProbeAt      *time.Time
	Authorized        bool
	Generation        int64 `gorm:"default:1"`
	HostAccount       *string
	HostLabel         *string
	Zone              string          `gorm:"default:UTC"`
	Settings          json.RawMessage `gorm:"type:jsonb;default:'{}'"`
	CompanyName       *string
	CompanyAddress    *Address `gorm:"serializer:json"`
	ConsentExpiresAt  *time.Time
	HistoryFrom       *time.Time
	HistoryNotice     *string
	ConsentWarnedFor  *time.Time // the ConsentExpiresAt that the merchant was warned of
	ConsentWarnedDays *int       // the last warning of it: days before; 0 = it has ended
	CoveredFrom       *time.Time
	StartFollowed     *time.Time `gorm:"type:date"`
	StatusMessage     string
	StatusChangedAt   time.Time `gorm:"default:now()"`
	LastSyncAt        *time.Time
	NextSyncAt        *time.Time
	TroubleSince      *time.Time
	ThrottledUntil    *time.Time
	CreatedAt         time.Time `gorm:"default:now()"`
	DeletedAt         *time.Time
	Enabled           bool `gorm:"->"` // generated: the consumer's wish and our pause together
	Active            bool `gorm:"->"` // generated: enabled, and able to work
}

// Wish is what the consumer said by PUT.
type Wish string

// The wishes. Off is never undone by us.
const (
	WishNone Wish = "none"
	WishOn   Wish = "on"
	WishOff  Wish = "off"
)

// Pause is why we stopped a connection ourselves. Only our pauses clear by themselves.
type Pause string

// The pauses.
const (
	PauseNone          Pause = ""
	PauseUnauthorised  Pause = "unauthorised"      // the host no longer lets us in: until the merchant reauthorises
	PauseUnknownTarget Pause = "unknown at target" // the target does not know the connection: probed
)

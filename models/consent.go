package models

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// ConsentEnds tells the merchant that the host's consent ends, or has ended, and
// what to do about it. host is the host's title.
func ConsentEnds(host string, at time.Time, ended bool) string {
	day := at.UTC().Format(time.DateOnly)
	if ended {
		return fmt.Sprintf("Access to %s ended on %s. Reauthorise the account to resume; nothing is lost.", host, day)
	}
	return fmt.Sprintf("Access to %s ends on %s. Reauthorise the account before then, so that nothing has to wait.", host, day)
}

// consentEnded reports whether the consent is over, as the merchant was told.
func (c *Connection) consentEnded() bool {
	return c.ConsentExpiresAt != nil && c.ConsentWarnedFor != nil && c.ConsentWarnedFor.Equal(*c.ConsentExpiresAt) &&
		c.ConsentWarnedDays != nil && *c.ConsentWarnedDays == 0
}

// keepSoon has the account looked after at the host at once: with a new consent
// nothing of an earlier one may be there any more.
func keepSoon(tx *gorm.DB, id int64) error {
	return tx.Exec(`UPDATE connections SET keep_at = now() WHERE id = ?`, id).Error
}
